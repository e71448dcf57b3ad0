import { join } from "node:path";
import * as z from "zod/mini";
import { systemDisk, type Disk } from "#disk/calls";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { asError, BadInputError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { check } from "#shared/messages/payload-schema";
import { parsePublicKeys, type PublicKey } from "#shared/signing/public-key";

export interface SignersOptions {
  /** The agent's directory, where what a signed command has changed is kept. */
  readonly directory: string | undefined;
  /** The keys that somebody has pinned on this machine, a line each; none by default. */
  readonly pinned?: readonly string[] | undefined;
  readonly log: Log;
  readonly disk?: Disk;
}

/** `pinned` is what was pinned on the machine when a command changed it: where that is another by now, somebody has pinned anew. */
const kept = z.object({ pinned: z.array(z.string()), keys: z.array(z.string()) });

/**
 * The keys by which commands have to be signed here, if there are any. They are pinned on the machine itself, by a setting, and change only
 * there, or by a command that one of them has signed: that is kept, and holds until the setting is changed.
 */
export class Signers {
  readonly #options: SignersOptions;
  readonly #path: string | undefined;
  #keys: ReadonlyMap<string, PublicKey> | undefined;
  /** Why no key is known though there are some: nothing is taken then. */
  #problem: string | undefined;

  /** Reads what is kept. @throws BadInputError for keys that do not read, and where what was signed could not be remembered */
  constructor(options: SignersOptions) {
    const { directory, pinned = [] } = options;
    this.#options = options;
    this.#path = directory === undefined ? undefined : join(directory, "signers.json");
    const keys = pinned.length > 0 ? parsePublicKeys(pinned) : undefined;
    if (keys && directory === undefined)
      throw new BadInputError(
        "keys are pinned, but the agent has no directory: it could not remember which commands it has carried out",
      );
    this.#keys = keys && byId(keys);
    if (this.#path !== undefined) this.#read(this.#path);
  }

  /** Whether only signed commands are taken. */
  get required(): boolean {
    return this.#keys !== undefined || this.#problem !== undefined;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** The ids of the keys, as they were pinned. */
  get ids(): readonly string[] {
    return [...(this.#keys?.keys() ?? [])];
  }

  find(id: string): PublicKey | undefined {
    return this.#keys?.get(id);
  }

  /** Takes other keys in place of all that there are, for good. @throws BadInputError for what are no keys; the system's error */
  replace(lines: readonly string[]): void {
    const keys = parsePublicKeys(lines);
    if (this.#path === undefined) throw new BadInputError("the agent has no directory to keep keys in");
    const { pinned = [], disk = systemDisk } = this.#options;
    const text = JSON.stringify({ pinned, keys: keys.map(({ line }) => line) });
    makeDirectory(join(this.#path, ".."));
    replaceFile(this.#path, `${text}\n`, disk);
    this.#keys = byId(keys);
    this.#problem = undefined;
  }

  #read(path: string): void {
    const { pinned = [], log } = this.#options;
    try {
      const read = check(kept, JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")), "signers.json");
      const isPinnedAnew = pinned.length > 0 && JSON.stringify(pinned) !== JSON.stringify(read.pinned);
      if (isPinnedAnew) log.warn({ path }, "other keys are pinned by the setting than before: these hold from now on");
      else this.#keys = byId(parsePublicKeys(read.keys));
    } catch (thrown) {
      if (errorCode(thrown) === "ENOENT") return;
      // What was pinned by the setting may have been replaced because it was stolen: it does not come back by damage.
      this.#keys = undefined;
      this.#problem = `the keys by which commands are signed did not read (${asError(thrown).message}): no command is taken until somebody removes ${path} on this machine, after which the setting MUSTER_SIGNERS holds`;
      log.error({ path }, this.#problem);
    }
  }
}

function byId(keys: readonly PublicKey[]): ReadonlyMap<string, PublicKey> {
  return new Map(keys.map((key) => [key.id, key]));
}
