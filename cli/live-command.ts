import type { CommandDocument } from "#api/command-document";
import { formatDuration } from "#shared/duration";
import { forTerminal, forTerminalBlock } from "#shared/printable";

export interface Terminal {
  readonly out: (text: string) => void;
  /** For progress: standard error, so that output can be piped. */
  readonly err: (text: string) => void;
  readonly live: boolean;
  /** Nobody looks at standard output: a program or a file takes it. */
  readonly piped?: boolean;
}

/** A command while it runs: its output as it comes, and on a terminal one line, drawn over, with state, bar and note. */
export class LiveCommand {
  readonly #terminal: Terminal;
  #output = "";
  #line = "";

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(command: CommandDocument): void {
    const { output = "" } = command;
    const more = newIn(output, this.#output);
    this.#output = output;
    if (more) {
      this.#clear();
      // On a terminal each line says whose it is: none of them can pass for a prompt or a line of ours.
      this.#terminal.out(forTerminalBlock(more.replace(/\n$/, ""), this.#terminal.piped ? "" : "| "));
    }
    const line = lineOf(command);
    if (!this.#terminal.live || line === this.#line) return;
    this.#clear();
    this.#terminal.err(line.slice(0, 110));
    this.#line = line;
  }

  end(): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#terminal.live && this.#line) this.#terminal.err("\r\u001b[K");
    this.#line = "";
  }
}

/** Characters by which it is known where the output of before ends: the console keeps the end of a long one, and says that it was cut. */
const overlap = 1_000;

function newIn(output: string, before: string): string {
  if (output.startsWith(before)) return output.slice(before.length);
  const known = before.slice(-overlap);
  const at = output.lastIndexOf(known);
  return at < 0 ? output : output.slice(at + known.length);
}

function lineOf({ device, key, state, progress, note = "", usually, timeout }: CommandDocument): string {
  const percent =
    progress === undefined
      ? ""
      : ` [${"#".repeat(Math.round(progress * 20)).padEnd(20, ".")}] ${Math.round(progress * 100)} %`;
  const known = usually
    ? ` (usually ${formatDuration(usually.p50)}, p99 ${formatDuration(usually.p99)}, timeout ${formatDuration(timeout ?? 0)})`
    : "";
  return forTerminal(`${device} ${key}: ${state}${percent} ${note}${known}`);
}

/** A command's story, a line for each event with the time since it was sent, and the sentence at its end. */
export function story({ id, device, key, ts, timeline, explain, late = [] }: CommandDocument): string {
  const lines = timeline.map(
    (event) =>
      `  ${new Date(event.ts).toISOString().slice(11, 23)}  ${`+${formatDuration(Math.max(0, event.ts - ts))}`.padEnd(8)}  ${event.who.padEnd(8)}  ${forTerminal(event.what)}`,
  );
  const answers = late.map(
    ({ state, lateBy }) => `  a late answer: ${state}, ${formatDuration(lateBy)} after it was closed`,
  );
  const head = forTerminal(`${key} on ${device} (${id}), sent ${new Date(ts).toISOString()}`);
  return [head, ...lines, ...answers, forTerminal(explain)].join("\n");
}
