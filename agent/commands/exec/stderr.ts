import { LineSplitter, printed } from "./lines.ts";

/** Characters of the last line at most. */
const longest = 500;

/** Reads standard error line by line: it is output, and its last line that says something explains a failure. */
export class Stderr {
  readonly #lines: LineSplitter;
  #last = "";

  constructor(output: (chunk: string) => void = () => {}) {
    this.#lines = new LineSplitter((line, cut) => {
      if (line.trim()) this.#last = line.trim();
      output(printed(line, cut));
    });
  }

  readonly push = (chunk: string): void => this.#lines.push(chunk);

  end(): void {
    this.#lines.end();
  }

  /** The last line as the end of a sentence, once the stream has ended. */
  reason(): string {
    return this.#last ? `: ${this.#last.slice(0, longest)}` : "";
  }
}
