import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock } from "#shared/clock";
import { asError, errorCode } from "#shared/errors";
import { withGivenUmask } from "#shared/umask";
import type { ProcessEnding } from "./ending.ts";
import { signalGroup, trackGroup } from "./process-group.ts";

export interface ChildOptions {
  readonly path: string;
  /** The only argument there is; a command's own arguments go to standard input. */
  readonly flag?: "--describe" | "--verify";
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it reads on standard input, which then ends. */
  readonly input: string;
  /** Milliseconds until it is ended. */
  readonly timeout: number;
  /** Ends it too. */
  readonly signals: readonly AbortSignal[];
  readonly clock: Clock;
  readonly stdout: (chunk: string) => void;
  readonly stderr: (chunk: string) => void;
}

/** Milliseconds from SIGTERM to SIGKILL. */
const grace = 3_000;
/** Milliseconds that whoever holds a finished child's output open, a process it left behind, is waited for. */
const drain = 500;
/** Turns of the event loop, of a chunk (64 KiB) each, that surely empty a pipe: the system keeps about 200 KiB in one. */
const restTurns = 10;

/** Runs one child process, without a shell, to its end. Never rejects. */
export function runChild(options: ChildOptions): Promise<ProcessEnding> {
  return new Promise((resolve) => new Child(options, resolve).start());
}

/**
 * One child and what it forks, in a process group of their own.
 *
 * running ──► exited ──► output closed, or not closed in time ──► whole group killed ──► resolved
 *    └ timeout, abort: SIGTERM to the group ── 3 s ──► SIGKILL
 */
class Child {
  readonly #options: ChildOptions;
  readonly #resolve: (ending: ProcessEnding) => void;
  readonly #undo: (() => void)[] = [];
  #process: ChildProcessWithoutNullStreams | undefined;
  #ending: ProcessEnding | undefined;

  constructor(options: ChildOptions, resolve: (ending: ProcessEnding) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  start(): void {
    const { signals, clock, timeout } = this.#options;
    if (signals.some(({ aborted }) => aborted)) return this.#resolve({ how: "aborted" });
    if (!this.#spawn()) return;
    this.#undo.push(clock.after(timeout, () => this.#terminate({ how: "timeout", timeout })));
    for (const signal of signals) {
      const abort = (): void => this.#terminate({ how: "aborted" });
      signal.addEventListener("abort", abort, { once: true });
      this.#undo.push(() => signal.removeEventListener("abort", abort));
    }
  }

  #spawn(): boolean {
    const { path, flag, directory: cwd, env } = this.#options;
    try {
      // `detached` makes it the leader of a new process group, which can be ended as a whole.
      const options = { cwd, env, detached: true, shell: false, stdio: "pipe" } as const;
      this.#process = withGivenUmask(() => spawn(path, flag ? [flag] : [], options));
    } catch (error) {
      this.#resolve({ how: "spawn", why: asError(error).message });
      return false;
    }
    const { pid } = this.#process;
    if (pid !== undefined) this.#listen(this.#process, pid);
    // Where the start failed there may be no streams either (EMFILE).
    else this.#process.once("error", (error) => this.#resolve({ how: "spawn", why: spawnProblem(error) }));
    return pid !== undefined;
  }

  #listen(child: ChildProcessWithoutNullStreams, leader: number): void {
    this.#undo.push(trackGroup(leader));
    child.once("exit", (status, signal) => this.#exited(leader, status, signal));
    child.once("close", () => this.#finish(leader));
    readFairly(child.stdout, this.#options.stdout);
    readFairly(child.stderr, this.#options.stderr);
    // A child that does not read its input breaks the pipe (EPIPE), as it may.
    child.stdin.on("error", () => {});
    child.stdin.end(this.#options.input);
  }

  #terminate(ending: ProcessEnding): void {
    const leader = this.#process?.pid;
    if (this.#ending || leader === undefined) return;
    this.#ending = ending;
    signalGroup(leader, "SIGTERM");
    this.#undo.push(this.#options.clock.after(grace, () => signalGroup(leader, "SIGKILL")));
  }

  #exited(leader: number, status: number | null, signal: string | null): void {
    // After a SIGTERM the others of the group keep the time to clean up that they were promised.
    const wait = this.#ending ? grace : drain;
    this.#ending ??= signal === null ? { how: "exit", status: status ?? 0 } : { how: "signal", signal };
    this.#undo.push(this.#options.clock.after(wait, () => this.#readRest(leader)));
  }

  /** When the event loop stood still meanwhile, the timer comes first and what is in the pipes would be lost. */
  #readRest(leader: number, turns = restTurns): void {
    if (turns === 0) this.#finish(leader);
    else setImmediate(() => this.#readRest(leader, turns - 1));
  }

  #finish(leader: number): void {
    const child = this.#process;
    this.#process = undefined;
    if (!child || !this.#ending) return;
    signalGroup(leader, "SIGKILL");
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    // Node 18 has no toReversed.
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) undo();
    this.#resolve(this.#ending);
  }
}

/** One chunk for each turn of the event loop: libuv reads up to 32 at once, a quarter of a second of short lines. */
function readFairly(stream: Readable, take: (chunk: string) => void): void {
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    take(chunk);
    stream.pause();
    setImmediate(() => stream.resume());
  });
}

function spawnProblem(error: Error): string {
  // The file itself was looked at just before: what is missing is the program its first line names.
  if (errorCode(error) === "ENOENT") return "the interpreter that its #! line names does not exist";
  if (errorCode(error) === "EACCES") return "the agent's user may not execute it, or its interpreter";
  return error.message;
}
