import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "./home.ts";
import { Random } from "./random.ts";

/** Milliseconds after which a restore is killed that is to be: it takes some 300 until it unpacks, and as long again. */
const within = [200, 600] as const;

/** Backs a console's directory up and restores it, by programs of their own. */
export class Backups {
  readonly #keeper: string;
  readonly #directory: string;
  #count = 0;

  /** @param directory where the backups are put */
  constructor(keeper: string, directory: string) {
    this.#keeper = keeper;
    this.#directory = directory;
  }

  /** While the console is at work. @returns the file */
  async make(home: Home): Promise<string> {
    const file = join(this.#directory, `backup-${++this.#count}.tar`);
    await this.#keep("backup", home, file);
    return file;
  }

  /**
   * By the dice a restore is killed first, somewhere, and done again; or the next start goes on with it, if it had come as far as that.
   * @returns what was done, in words
   */
  async restore(home: Home, file: string, dice: string): Promise<string> {
    const random = new Random(dice);
    const killed = random.chance(0.5) ? random.between(...within) : undefined;
    if (killed !== undefined) await this.#keep("restore", home, file, killed);
    await this.#keep("restore", home, file);
    rmSync(file);
    // As its operator would when all is well: the disk is small.
    for (const name of readdirSync(home.path))
      if (name.startsWith("before-")) rmSync(join(home.path, name), { recursive: true });
    return killed === undefined ? "restored" : `restored, after a restore was killed at ${killed} ms`;
  }

  /** @throws Error when it fails by itself */
  async #keep(verb: string, { path }: Home, file: string, killedAfter?: number): Promise<void> {
    const child = spawn(process.execPath, [this.#keeper, verb, path, file], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const timer = killedAfter === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killedAfter);
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    clearTimeout(timer);
    if (code !== 0 && signal !== "SIGKILL") throw new Error(`muster ${verb} ended with ${code}: ${said}`);
  }
}
