import { runChild, type ChildOptions } from "./child.ts";
import type { ProcessEnding } from "./ending.ts";
import { Stderr } from "./stderr.ts";

/** Milliseconds that a program may take to describe itself. */
export const describeTimeout = 5_000;
/** Characters that it may print of it. */
export const maxDescriptionText = 64 * 1024;

export type DescribeCall = Pick<ChildOptions, "path" | "directory" | "env" | "clock" | "signals">;

export interface DescribeAnswer {
  readonly ending: ProcessEnding;
  readonly text: string;
  /** It printed more than it may, and was ended. */
  readonly isTooMuch: boolean;
  /** What it said last on standard error, as the end of a sentence. */
  readonly reason: string;
}

/** Runs a program with `--describe`. @param enough looks at what it has printed by now: true ends it. Never rejects. */
export async function askDescription(
  asking: DescribeCall,
  enough: (text: string) => boolean = () => false,
): Promise<DescribeAnswer> {
  const stop = new AbortController();
  const stderr = new Stderr();
  let isTooMuch = false;
  let text = "";
  const stdout = (chunk: string): void => {
    isTooMuch ||= text.length + chunk.length > maxDescriptionText;
    if (!isTooMuch) text += chunk;
    if (isTooMuch || enough(text)) stop.abort();
  };
  const ending = await runChild({
    ...asking,
    flag: "--describe",
    input: "",
    timeout: describeTimeout,
    signals: [...asking.signals, stop.signal],
    stdout,
    stderr: stderr.push,
  });
  stderr.end();
  return { ending, text, isTooMuch, reason: stderr.reason() };
}
