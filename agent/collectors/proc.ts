import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";

/** Files kept open at most by {@link ProcReader.again}: some thirty are read each time; a host of containers has many interfaces. */
const maxOpenFiles = 64;
/** Files that the kernel gives in one piece, whatever their length (`single_open`, and all of sysfs); of others only a reading of nothing tells the end. */
const inOnePiece = /^\/(sys\/|proc\/((stat|meminfo|loadavg|uptime)|net\/(snmp6?|netstat|sockstat6?))$)/;

type Encoding = "utf8" | "latin1";

/** Reads the files that the Linux kernel makes up under /proc and /sys; synchronously, as they wait for no disk. */
export class ProcReader {
  readonly #root: string;
  readonly #kept = new Map<string, number>();
  readonly #texts = new Map<string, string>();
  #buffer = Buffer.allocUnsafeSlow(8_192);

  /** `root` is put before each path: a test gives a directory that holds a recorded `proc` and `sys`. */
  constructor(root = "") {
    this.#root = root;
  }

  /** The text of a file that is read once or rarely. @throws the system's error, which names the file */
  read(path: string): string {
    // With this encoding Node opens, reads and closes in one call: a half to a quarter of the time that others take.
    return readFileSync(this.#root + path, "utf8");
  }

  /** The same of a file that may be missing or refuse to be read. */
  find(path: string): string | undefined {
    return orUndefined(() => this.read(path));
  }

  /**
   * The text of a file that each sample reads. It stays open until {@link stop}: the kernel makes it up anew at each
   * reading from its start, and finding it by its name takes longer than that. All who ask in one synchronous pass get
   * the same text, and so numbers of the same instant. @throws the system's error
   * @param encoding of all who ask for this file the same; `latin1` keeps every byte
   */
  again(path: string, encoding: Encoding = "utf8"): string {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const text = this.#current(path, encoding);
    if (this.#texts.size === 0) queueMicrotask(() => this.#texts.clear());
    this.#texts.set(path, text);
    return text;
  }

  /** The same of a file that may be missing or refuse to be read. */
  findAgain(path: string): string | undefined {
    return orUndefined(() => this.again(path));
  }

  /** Closes the files that were kept open. Whoever reads one again opens it again. */
  stop(): void {
    for (const file of this.#kept.values()) closeSync(file);
    this.#kept.clear();
  }

  /** The bytes of a file that may be missing. */
  bytes(path: string): Buffer | undefined {
    return orUndefined(() => readFileSync(this.#root + path));
  }

  /** Opens a file for its reader to keep; undefined when it is missing. To be closed with {@link close}. */
  open(path: string): number | undefined {
    return orUndefined(() => openSync(this.#root + path, "r"));
  }

  /** What such a file holds now, at most as much as `into` takes. @returns the bytes read: 0 when what it told of is gone */
  reread(file: number, into: Buffer): number {
    try {
      return readSync(file, into, 0, into.length, 0);
    } catch {
      return 0;
    }
  }

  /** What follows in such a file behind so many bytes. @returns the bytes read: 0 at its end, or when what it told of is gone */
  readOn(file: number, into: Buffer, position: number): number {
    try {
      return readSync(file, into, 0, into.length, position);
    } catch {
      return 0;
    }
  }

  close(file: number): void {
    closeSync(file);
  }

  /** The names in a directory; none when it is missing. */
  list(path: string): string[] {
    return orUndefined(() => readdirSync(this.#root + path)) ?? [];
  }

  /** Where a symbolic link points to, as it is written. */
  link(path: string): string | undefined {
    return orUndefined(() => readlinkSync(this.#root + path));
  }

  #current(path: string, encoding: Encoding): string {
    const kept = this.#kept.get(path);
    if (kept === undefined) return this.#textOf(path, this.#keep(path), encoding);
    try {
      return this.#textOf(path, kept, encoding);
    } catch (error) {
      // What a driver says to a question that it cannot answer, as often as it is asked.
      if ((error as NodeJS.ErrnoException).code === "EINVAL") throw error;
    }
    // The device is gone; another may have its name by now.
    this.#forget(path, kept);
    return this.#textOf(path, this.#keep(path), encoding);
  }

  #keep(path: string): number {
    const file = openSync(this.#root + path, "r");
    const [oldest] = this.#kept;
    if (oldest && this.#kept.size >= maxOpenFiles) this.#forget(...oldest);
    this.#kept.set(path, file);
    return file;
  }

  #forget(path: string, file: number): void {
    this.#kept.delete(path);
    closeSync(file);
  }

  #textOf(path: string, file: number, encoding: Encoding): string {
    const isWhole = inOnePiece.test(path);
    let length = 0;
    for (;;) {
      const more = readSync(file, this.#buffer, length, this.#buffer.length - length, length);
      length += more;
      if (more === 0 || (isWhole && length < this.#buffer.length)) return this.#buffer.toString(encoding, 0, length);
      if (length === this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], 2 * length);
    }
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
