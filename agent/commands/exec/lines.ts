/** Characters of one line at most; the rest of a longer one is left out and counted. */
const longest = 64 * 1024;

/** Cuts a stream of text into lines, holding at most one line's worth of it. */
export class LineSplitter {
  readonly #line: (line: string, cut: number) => void;
  #pending = "";
  #cut = 0;

  /** @param line gets each line without its end, and how many characters of it were cut */
  constructor(line: (line: string, cut: number) => void) {
    this.#line = line;
  }

  push(chunk: string): void {
    let from = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", from)) {
      this.#add(chunk.slice(from, end));
      this.#emit();
      from = end + 1;
    }
    this.#add(chunk.slice(from));
  }

  /** The stream is over: a last line without its newline is a line too. */
  end(): void {
    if (this.#pending) this.#emit();
  }

  #add(part: string): void {
    const room = longest - this.#pending.length;
    this.#pending += part.slice(0, room);
    this.#cut += Math.max(0, part.length - room);
  }

  #emit(): void {
    const line = this.#pending.endsWith("\r") ? this.#pending.slice(0, -1) : this.#pending;
    const cut = this.#cut;
    this.#pending = "";
    this.#cut = 0;
    this.#line(line, cut);
  }
}

/** A line as output: with its end, and with what was cut said. */
export function printed(line: string, cut: number): string {
  return cut > 0 ? `${line} [${cut} characters cut]\n` : `${line}\n`;
}
