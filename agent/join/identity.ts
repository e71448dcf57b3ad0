import * as z from "zod/mini";
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "#disk/durable-file";
import { writingAdvice } from "#disk/full-disk";
import { secretDirectory } from "#disk/private-files";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { BadInputError, EnvironmentError, errorCode } from "#shared/errors";
import { admission } from "#shared/messages/join-messages";
import { check } from "#shared/messages/payload-schema";
import { generateSecret, hashSecret, rounds } from "#shared/password";

const asking = z.object({
  /** The code's id. */
  code: z.string(),
  /** Who asks, in that code's eyes: always the same, so that asking twice is asking once. */
  machine: z.string(),
  secret: z.string(),
  /** What the console knows of the secret. */
  hash: z.string(),
});
export type Asking = z.output<typeof asking>;

const joined = z.extend(admission, { ...asking.shape, console: z.string() });
/** Who this machine is. */
export type Joined = z.output<typeof joined>;

const schema = z.object({
  joined: z.optional(joined),
  /** With what it asks to be let in; what it was before holds until it is. */
  asking: z.optional(asking),
  /** The secret that is to take the place of the present one; until the broker has let it in, both may be right. */
  next: z.optional(z.object({ secret: z.string(), hash: z.string() })),
});
type Identity = z.output<typeof schema>;

const forOthers = 0o077;

/** Who this machine is by having joined: a file in the agent's directory, for its user alone. */
export class IdentityFile {
  readonly path: string;
  readonly #directory: string;

  /** @param data the agent's data directory */
  constructor(data: string) {
    this.#directory = join(data, "agent");
    this.path = join(this.#directory, "identity.json");
  }

  /** @returns nothing where there is none @throws EnvironmentError where it can be read by others, or does not read */
  read(): Identity {
    try {
      if (process.getuid !== undefined && statSync(this.path).mode & forOthers)
        throw new EnvironmentError(
          `${this.path} can be read by others than its owner, who may know the device's secret: remove the file and join again, or close it with chmod 600`,
        );
      return check(schema, JSON.parse(readRegularFile(this.path, maxSmallFileBytes).toString("utf8")), "identity");
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return {};
      if (cause instanceof EnvironmentError) throw cause;
      const why = cause instanceof BadInputError || cause instanceof SyntaxError ? "it does not read" : String(cause);
      throw new EnvironmentError(`${this.path}: ${why}; remove it, and join again with another code`, { cause });
    }
  }

  /** With what this machine asks by a code: the same as before, or a secret that is on the disk before anybody hears of it. */
  ask(code: string): Asking {
    const kept = this.read();
    if (kept.joined?.code === code) return kept.joined;
    if (kept.asking?.code === code) return kept.asking;
    return this.#asks(kept, code);
  }

  /** The same with another secret at every run: what is shown of it may be known to nobody before. */
  askAnew(code: string): Asking {
    return this.#asks(this.read(), code);
  }

  #asks(kept: Identity, code: string): Asking {
    const secret = generateSecret();
    const machine = randomBytes(18).toString("base64url");
    const made = { code, machine, secret, hash: hashSecret(secret, rounds.generated) };
    this.write({ ...kept, asking: made });
    return made;
  }

  write(identity: Identity): void {
    try {
      secretDirectory(this.#directory);
      replaceFile(this.path, `${JSON.stringify(identity, null, 1)}\n`);
    } catch (cause) {
      if (cause instanceof EnvironmentError) throw cause;
      throw new EnvironmentError(`cannot write ${this.path}: ${writingAdvice(cause)}`, { cause });
    }
  }
}
