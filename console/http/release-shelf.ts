import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { asError, BadInputError } from "#shared/errors";
import { checkRelease, noRelease } from "#shared/release/check-release";
import { maxReleaseManifestBytes, type ReleaseTargets } from "#shared/release/release-manifest";
import { parsePublicKeys, type PublicKey } from "#shared/signing/public-key";

/** What the console holds for agents to update to, as `muster release sign` has written it. */
export interface HeldRelease {
  /** Undefined where nothing is held, or what is there does not count. */
  readonly targets: ReleaseTargets | undefined;
  /** What a person should look at. */
  readonly problem: string | undefined;
}

const manifestName = "manifest.json";
/** The pinned keys, a line each. */
const rootsName = "roots.pub";

/** A directory with a release: its manifest, its files, and the keys to pin. Read anew whenever the manifest is another one. */
export class ReleaseShelf {
  readonly #directory: string | undefined;
  readonly #now: () => number;
  #read: { readonly mark: string; readonly held: HeldRelease } | undefined;

  /** @param now epoch ms */
  constructor(directory: string | undefined, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  get held(): HeldRelease {
    const mark = this.#mark();
    if (this.#read?.mark !== mark) this.#read = { mark, held: mark === "" ? nothing : this.#look() };
    const { held } = this.#read;
    const over = held.targets !== undefined && held.targets.expires <= this.#now();
    return over ? { ...held, problem: "the release is over: sign it anew, with muster release sign" } : held;
  }

  /** What devices that join are to pin; none where there are none, or they do not read. */
  get roots(): string[] {
    try {
      return this.#roots().map(({ line }) => line);
    } catch {
      return [];
    }
  }

  /** A file that the manifest names, or itself, as it is told to anybody. */
  file(name: string): { readonly path: string; readonly size: number } | undefined {
    const isKnown = name === manifestName || this.held.targets?.files.some((file) => file.name === name);
    if (!isKnown || this.#directory === undefined) return undefined;
    const path = join(this.#directory, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() ? { path, size: stats.size } : undefined;
  }

  #look(): HeldRelease {
    try {
      const document: unknown = JSON.parse(
        readRegularFile(this.#path(manifestName), maxReleaseManifestBytes).toString("utf8"),
      );
      // An agent judges by what it has pinned and seen; this is to tell a person what they will say.
      const { targets } = checkRelease(document, { roots: this.#roots(), known: noRelease, now: 0 });
      const missing = targets.files.find(({ name, size }) => this.#sizeOf(name) !== size);
      if (!missing) return { targets, problem: undefined };
      return { targets, problem: `${missing.name} is missing beside the manifest, or is another file` };
    } catch (thrown) {
      return { targets: undefined, problem: `${this.#path(manifestName)}: ${asError(thrown).message}` };
    }
  }

  #roots(): readonly PublicKey[] {
    const path = this.#path(rootsName);
    if (!existsSync(path))
      throw new BadInputError(`there is no ${path}: muster release sign with --offline-key writes it`);
    const lines = readRegularFile(path, maxSmallFileBytes).toString("utf8").split("\n");
    return parsePublicKeys(lines.filter((line) => line.trim() !== ""));
  }

  #mark(): string {
    const stats =
      this.#directory === undefined ? undefined : statSync(this.#path(manifestName), { throwIfNoEntry: false });
    return stats ? `${stats.mtimeMs} ${stats.size} ${stats.ino}` : "";
  }

  #sizeOf(name: string): number | undefined {
    return statSync(this.#path(name), { throwIfNoEntry: false })?.size;
  }

  #path(name: string): string {
    return join(this.#directory ?? "", name);
  }
}

const nothing: HeldRelease = { targets: undefined, problem: undefined };
