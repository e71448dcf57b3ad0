import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { asideName } from "#disk/aside";
import { replaceFile } from "#disk/durable-file";
import { secretDirectory, secretFile } from "#disk/private-files";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { watchDirectory } from "./watch-directory.ts";

export interface AuthorityFileOptions<Kept> {
  /** The data directory's `tls`. */
  readonly directory: string;
  readonly name: string;
  /** What is kept there, for messages: "the authority". */
  readonly what: string;
  /** What it costs that the file is damaged, and what to do, as a sentence. */
  readonly whenDamaged: string;
  readonly clock: Clock;
  readonly log: Log;
  /** @throws Error where it is none, or its keys are not those of its certificates */
  readonly parse: (document: unknown, path: string) => Kept;
  /** Another process has written another one, and it is this one now. */
  readonly heard: () => void;
}

/** What is kept of an authority: everything in one file, so that no kill leaves a key with another's certificate, and which another process may write as well. */
export class AuthorityFile<Kept extends object> {
  readonly #options: AuthorityFileOptions<Kept>;
  readonly #path: string;
  #kept: Kept | undefined;
  #endWatch: () => void = () => {};

  constructor(options: AuthorityFileOptions<Kept>) {
    this.#options = options;
    this.#path = join(options.directory, options.name);
  }

  /** Reads what there is, or keeps what is made. @returns whether that was made @throws EnvironmentError where the directory is open to others or cannot be written */
  async start(make: () => Promise<Kept>): Promise<boolean> {
    const { directory, log } = this.#options;
    secretDirectory(directory);
    this.#kept = this.#readOrSetAside();
    const isMade = this.#kept === undefined;
    if (isMade) this.keep(await make());
    this.#endWatch = watchDirectory(directory, () => this.#look(), log);
    return isMade;
  }

  /** Does nothing any more by itself. */
  stop(): void {
    this.#endWatch();
  }

  get state(): Kept {
    if (this.#kept) return this.#kept;
    throw new Error(`${this.#options.what} is not started`);
  }

  keep(kept: Kept): void {
    replaceFile(this.#path, `${JSON.stringify(kept, undefined, 1)}\n`);
    this.#kept = kept;
  }

  /** Takes what another process has written; what does not read is left to that one, and to the next start. */
  #look(): void {
    const { what, log, heard } = this.#options;
    try {
      if (!existsSync(this.#path)) return;
      const kept = this.#read();
      if (JSON.stringify(kept) === JSON.stringify(this.#kept)) return;
      this.#kept = kept;
    } catch (thrown) {
      const message = `${what} was changed by another process and does not read: the one before holds`;
      return log.warn({ err: asError(thrown), path: this.#path }, message);
    }
    heard();
  }

  #readOrSetAside(): Kept | undefined {
    const { clock, log, whenDamaged } = this.#options;
    if (!existsSync(this.#path)) return undefined;
    // One that is open to others is no damage.
    secretFile(this.#path);
    try {
      return this.#read();
    } catch (thrown) {
      const aside = asideName(this.#path, Math.round(clock.now()));
      renameSync(this.#path, aside);
      log.error({ err: asError(thrown), aside }, `${this.#path} is damaged and was set aside: ${whenDamaged}`);
      return undefined;
    }
  }

  /** @throws EnvironmentError where it is open to others; Error where it is damaged */
  #read(): Kept {
    secretFile(this.#path);
    const text = readRegularFile(this.#path, maxSmallFileBytes).toString("utf8");
    return this.#options.parse(JSON.parse(text), this.#path);
  }
}
