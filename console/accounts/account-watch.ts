import { closeSync, constants, renameSync, watch, writeSync, type FSWatcher } from "node:fs";
import { join } from "node:path";
import { openRegularFile, whyNoFile } from "#disk/regular-file";
import { asError, EnvironmentError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Accounts } from "./accounts.ts";

/** Written whenever an account changes; what is in it does not matter. */
const fileName = "accounts.changed";

/** Tells processes that serve from the same directory that an account has changed. @throws EnvironmentError where it cannot be told */
export function tellAccountChange(directory: string, now: number): void {
  const path = join(directory, fileName);
  try {
    touch(path, `${now}\n`);
  } catch (cause) {
    throw new EnvironmentError(
      `the account is changed, but ${path} cannot be written: a Muster that runs here has not heard of it, so restart it`,
      { cause },
    );
  }
}

function touch(path: string, text: string): void {
  // Whatever it is, nobody of ours reads it.
  if (whyNoFile(path) !== undefined) renameSync(path, `${path}.damaged`);
  const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
  const file = openRegularFile(path, O_WRONLY | O_CREAT | (text === "" ? 0 : O_TRUNC));
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
}

/**
 * Hears of accounts that another process changes in the same database, such as `muster operator` beside a running console: by the
 * system's notice of a small file, not by asking. Whose secret, role or existence has changed is found by comparing.
 */
export class AccountWatch {
  readonly #directory: string;
  readonly #accounts: Accounts;
  readonly #log: Log;
  #known = new Map<string, string>();
  #watcher: FSWatcher | undefined;
  #endListening: () => void = () => {};

  constructor(directory: string, accounts: Accounts, log: Log) {
    this.#directory = directory;
    this.#accounts = accounts;
    this.#log = log;
  }

  start(): void {
    this.#known = this.#accounts.fingerprints();
    // What this process changes itself is known before the file's notice of it comes.
    this.#endListening = this.#accounts.changes.on(({ name }) => this.#note(name));
    this.#watch();
  }

  stop(): void {
    this.#endListening();
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #watch(): void {
    const path = join(this.#directory, fileName);
    try {
      touch(path, "");
      this.#watcher = watch(path, { persistent: false }, (event) => this.#heard(event));
      this.#watcher.on("error", (error) => this.#deaf(error));
    } catch (error) {
      this.#deaf(error);
    }
  }

  #heard(event: string): void {
    try {
      this.#compare();
    } catch (error) {
      this.#log.error({ err: asError(error) }, "accounts changed elsewhere, and cannot be read");
    }
    if (event !== "rename") return;
    // Another file stands there now, or none: the one that was watched will not change any more.
    this.#watcher?.close();
    this.#watch();
  }

  /** Logins are still checked against the database; only what is open already is not ended. */
  #deaf(error: unknown): void {
    this.#log.warn(
      { err: asError(error) },
      "changes of accounts by other processes are not heard: restart Muster after them",
    );
  }

  #compare(): void {
    const before = this.#known;
    this.#known = this.#accounts.fingerprints();
    for (const [name, was] of before) if (this.#known.get(name) !== was) this.#accounts.changedElsewhere(name);
    this.#accounts.elsewhere.emit();
  }

  /** One alone: all would take in what others have changed meanwhile, and nobody would hear of it. */
  #note(name: string): void {
    const fingerprint = this.#accounts.fingerprints(name).get(name);
    if (fingerprint === undefined) this.#known.delete(name);
    else this.#known.set(name, fingerprint);
  }
}
