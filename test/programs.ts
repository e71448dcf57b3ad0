import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Scope } from "./suite.ts";
import { withDeadline } from "./suite.ts";

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Seconds that a program may take: an error's, not an expectation; a busy machine needs many times what a quiet one does. */
const patience = 30;

/** Runs a program to its end. @param options.whole whether what it has started ends with it, also where it takes too long */
export async function runProgram(
  command: string,
  args: readonly string[],
  { env, seconds = patience, whole = false }: { env?: NodeJS.ProcessEnv; seconds?: number; whole?: boolean } = {},
): Promise<Finished> {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // Its children are in the group that it leads then.
    detached: whole,
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err += chunk));
  try {
    const closed = withDeadline(once(child, "close"), seconds, `${command} ${args.join(" ")}`);
    const [code] = (await closed) as [number | null];
    return { code, out, err };
  } finally {
    child.kill("SIGKILL");
    if (whole) killGroup(child);
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

/** A program that goes on: its lines of output can be awaited, and it is killed with the test. With `typed` its input is a pipe. */
export class Running {
  readonly lines: string[] = [];
  readonly child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  readonly #closed: Promise<unknown>;

  constructor(
    scope: Scope,
    command: string,
    args: readonly string[],
    options: { env?: NodeJS.ProcessEnv; cwd?: string; typed?: boolean } = {},
  ) {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      stdio: [options.typed ? "pipe" : "ignore", "pipe", "pipe"],
      ...(options.cwd ? { cwd: options.cwd } : {}),
    });
    this.child = child;
    this.#closed = once(child, "close");
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) => {
        this.lines.push(line);
        for (const wake of this.#waiting) wake();
      });
    }
    scope.cleanup(() => this.kill("SIGKILL"));
  }

  /** The first line, printed before or after this call, that matches. @throws Error with everything printed so far */
  async line(pattern: RegExp, seconds = patience): Promise<string> {
    const find = (): string | undefined => this.lines.find((line) => pattern.test(line));
    let wake: (() => void) | undefined;
    try {
      const found = new Promise<string>((resolve, reject) => {
        wake = () => {
          const line = find();
          if (line !== undefined) resolve(line);
        };
        this.#waiting.add(wake);
        this.child.once("close", () =>
          reject(new Error(`ended without a line like ${pattern}; it printed:\n${this.lines.join("\n")}`)),
        );
        wake();
      });
      return await withDeadline(found, seconds, `a line like ${pattern}; so far:\n${this.lines.join("\n")}\n`);
    } finally {
      if (wake) this.#waiting.delete(wake);
    }
  }

  /** @returns the exit code once it has ended by itself */
  async end(): Promise<number | null> {
    await this.#closed;
    return this.child.exitCode;
  }

  /** @returns the exit code once it has ended */
  async kill(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.#closed;
    return this.child.exitCode;
  }
}

/** The command line `muster`, as it is built and run by others: without the maps, which would be read at each start. */
export const musterProgram = (args: readonly string[]): [string, string[]] => [
  process.execPath,
  ["dist/muster.js", ...args],
];
