import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";

/** A file of JSON lines, each one write and one fsync: what is in it happened, whoever died afterwards. */
export class Journal {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, "a");
  }

  add(line: object): void {
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Reads a journal from where the last call ended. */
export class JournalReader<T> {
  readonly #path: string;
  #taken = 0;
  readonly lines: T[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  read(): readonly T[] {
    if (!existsSync(this.#path)) return this.lines;
    const whole = readFileSync(this.#path, "utf8").split("\n").slice(0, -1);
    for (const line of whole.slice(this.#taken)) this.lines.push(JSON.parse(line) as T);
    this.#taken = whole.length;
    return this.lines;
  }
}
