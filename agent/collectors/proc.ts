import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Reads the files that the Linux kernel makes up under /proc and /sys; synchronously, as they wait for no disk. */
export class ProcReader {
  readonly #root: string;

  /** `root` is put before each path: a test gives a directory that holds a recorded `proc` and `sys`. */
  constructor(root = "") {
    this.#root = root;
  }

  /** The text of a file. @throws the system's error, which names the file */
  read(path: string): string {
    // With this encoding Node opens, reads and closes in one call: a half to a quarter of the time that others take.
    return readFileSync(this.#root + path, "utf8");
  }

  /** The same of a file that may be missing or refuse to be read. */
  find(path: string): string | undefined {
    return orUndefined(() => this.read(path));
  }

  /** The bytes of such a file. */
  bytes(path: string): Buffer | undefined {
    return orUndefined(() => readFileSync(this.#root + path));
  }

  /** The names in a directory; none when it is missing. */
  list(path: string): string[] {
    return orUndefined(() => readdirSync(this.#root + path)) ?? [];
  }

  /** Where a symbolic link points to, as it is written. */
  link(path: string): string | undefined {
    return orUndefined(() => readlinkSync(this.#root + path));
  }
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The number that follows `label` in such a text; NaN where there is none, and the field is then left out. */
export function numberAfter(text: string, label: string): number {
  const at = text.indexOf(label);
  return at < 0 ? Number.NaN : Number.parseFloat(text.slice(at + label.length, at + label.length + 24));
}
