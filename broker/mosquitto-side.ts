import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "#shared/clock";
import { writeMosquittoFiles } from "./mosquitto-files.ts";
import { reloadMosquitto, type Reload } from "./mosquitto-reload.ts";
import type { MosquittoAccount } from "./mosquitto-access.ts";

export interface MosquittoSideOptions {
  /** Where the files are. */
  readonly directory: string;
  readonly root: string;
  readonly clock: Clock;
}

export interface WrittenFiles {
  /** Who cannot log in there, because their hash, or the number of devices that they are limited to, would cost Mosquitto too much. */
  readonly dear: readonly string[];
  readonly reload: Reload;
}

/**
 * Milliseconds for which somebody who is to be thrown out is in no file. Mosquitto takes a SIGHUP at once, or after what it is just at: with
 * 10,000 accounts at most some hundred milliseconds.
 */
const outside = 400;

/**
 * The accounts as Mosquitto has them. It ends what is open only of those who are gone or have another secret (tried on 2.0.11). Who
 * has another role or password, with the secret for MQTT that he had, is therefore left out of the files for a moment: his connections end,
 * and he may come again as what he is now.
 */
export class MosquittoSide {
  readonly #options: MosquittoSideOptions;
  /** Hashes by the names that log in: what Mosquitto lets in. */
  #before: ReadonlyMap<string, string> = new Map();

  constructor(options: MosquittoSideOptions) {
    this.#options = options;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** Notes who can log in at present. To be called before anything is changed: a Muster that runs beside may leave somebody out by then. */
  start(): void {
    try {
      const lines = readFileSync(join(this.#options.directory, "passwd"), "utf8").split("\n");
      this.#before = new Map(lines.map((line) => splitAt(line, line.indexOf(":"))));
    } catch {
      // None, or not ours to read: nobody is known to be in, and writing will say what is wrong.
    }
  }

  /**
   * Writes the files, and has Mosquitto read them.
   * @param changed names of accounts of which nothing that was opened before may go on
   * @throws EnvironmentError where the files cannot be written
   */
  async write(accounts: readonly MosquittoAccount[], changed: ReadonlySet<string> = new Set()): Promise<WrittenFiles> {
    const { directory, root, clock } = this.#options;
    const inside = (account: MosquittoAccount): boolean =>
      changed.has(account.name) && this.#before.get(account.name) === account.hash;
    if (accounts.some(inside)) {
      const others = accounts.filter((account) => !inside(account));
      writeMosquittoFiles(directory, root, others);
      if (reloadMosquitto(directory) === "told") await new Promise<void>((resolve) => clock.after(outside, resolve));
    }
    const dear = writeMosquittoFiles(directory, root, accounts);
    this.#before = new Map(accounts.map(({ name, hash }) => [name, hash]));
    return { dear, reload: reloadMosquitto(directory) };
  }
}

function splitAt(line: string, at: number): [string, string] {
  return [line.slice(0, at), line.slice(at + 1)];
}
