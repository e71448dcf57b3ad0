import type { Json } from "#shared/messages/payload-schema";
import { isShallow } from "#shared/nesting";
import type { RunContext } from "../handler.ts";
import { LineSplitter, printed } from "./lines.ts";

/** Bytes and levels of a result at most: with what stands around it, it has to pass the console's cap for one reply. */
const cap = { bytes: 31 * 1024, levels: 12 };

/**
 * Reads what an executable prints, line by line: `{"progress": 0…1}` is progress, the last line that is JSON is the
 * result, everything else is output. A JSON line is held back until the next line shows whether it was the last.
 */
export class Stdout {
  readonly #context: Pick<RunContext, "progress" | "output">;
  readonly #lines = new LineSplitter((line, cut) => this.#line(line, cut));
  #output = "";
  #held = "";
  #result: Json | undefined;

  constructor(context: Pick<RunContext, "progress" | "output">) {
    this.#context = context;
  }

  readonly push = (chunk: string): void => {
    this.#lines.push(chunk);
    this.#flush();
  };

  /** The result, after a success. */
  result(): Json | undefined {
    this.#lines.end();
    const result = this.#result;
    if (result !== undefined && !fits(result)) this.#tooLarge();
    this.#flush();
    return this.#result;
  }

  /** After a failure there is no result: what would have been it is output. */
  fail(): void {
    this.#lines.end();
    this.#release();
    this.#flush();
  }

  #line(line: string, cut: number): void {
    const value = cut > 0 ? undefined : parse(line);
    if (isProgress(value)) return this.#context.progress(value.progress, noteOf(value));
    this.#release();
    if (value === undefined) this.#output += printed(line, cut);
    else this.#held = line;
    if (value !== undefined) this.#result = value;
    else if (cut > 0 && /^\s*[[{]/.test(line)) this.#tooLarge();
  }

  /** It has succeeded, and saying otherwise would make somebody run it again: the result says that it is missing. */
  #tooLarge(): void {
    this.#release();
    this.#result = { cut: `the result is larger than ${cap.bytes} bytes or nested deeper than ${cap.levels} levels` };
  }

  #release(): void {
    if (this.#held) this.#output += printed(this.#held, 0);
    this.#held = "";
  }

  /** Once for each chunk rather than for each line: a flood of short lines costs a tenth. */
  #flush(): void {
    if (this.#output) this.#context.output(this.#output);
    this.#output = "";
  }
}

/** The JSON value that a line is, or undefined. */
function parse(line: string): Json | undefined {
  if (!/^\s*[[{"\-0-9tfn]/.test(line)) return undefined;
  try {
    return JSON.parse(line) as Json;
  } catch {
    return undefined;
  }
}

function isProgress(value: Json | undefined): value is { progress: number; note?: Json } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const fraction = value["progress"];
  return typeof fraction === "number" && fraction >= 0 && fraction <= 1;
}

function noteOf({ note }: { note?: Json }): string | undefined {
  return typeof note === "string" ? note : undefined;
}

function fits(value: Json): boolean {
  return isShallow(value, cap.levels) && Buffer.byteLength(JSON.stringify(value)) <= cap.bytes;
}
