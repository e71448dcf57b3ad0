import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync, writeFileSync, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { withDeadline } from "../test/suite.ts";

/** File descriptors that the server's process may have: what many services get, and few enough for an attacker to use up. */
export const descriptors = 1_024;

/** Seconds that it may take to answer the probe: whoever is held for longer is taken for dead. */
const patience = 20;

export interface LogLine {
  readonly level: number;
  readonly msg: string;
}

/** What only the process itself can tell; see probe.mjs. */
type Question = "held" | "reset" | "settle";

/** `muster start` as a process of its own, with a probe loaded before it, and everything that it writes kept and counted. */
export class Server {
  readonly #env: NodeJS.ProcessEnv;
  readonly #file: WriteStream;
  #child: ChildProcess | undefined;
  /** Lines at level error, and what was printed that is no line of the log: a stack, a warning of Node's. */
  readonly complaints: string[] = [];
  logBytes = 0;

  constructor(env: NodeJS.ProcessEnv, logFile: string) {
    this.#env = env;
    this.#file = createWriteStream(logFile, { flags: "a" });
  }

  get alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves once it serves. @throws Error with what it has printed when it ends instead */
  async start(): Promise<void> {
    const limited = `ulimit -n ${descriptors}; exec "$0" "$@"`;
    const program = [process.execPath, "--import", "./attack/probe.mjs", "dist/muster.js", "start"];
    const child = spawn("bash", ["-c", limited, ...program], {
      env: { ...process.env, ...this.#env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    const printed: string[] = [];
    const up = new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream) continue;
        createInterface({ input: stream }).on("line", (line) => {
          if (printed.length < 50) printed.push(line);
          this.#heard(line, stream === child.stderr);
          if (/Muster .* is up/.test(line)) resolve();
        });
      }
      child.once("exit", (code, signal) =>
        reject(new Error(`the server ended with ${code ?? signal}:\n${printed.join("\n")}`)),
      );
    });
    await withDeadline(up, 30, "the server's start");
  }

  /** @returns the exit code, null after a kill */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const child = this.#child;
    if (!child || !this.alive) return child?.exitCode ?? null;
    const ended = once(child, "exit");
    child.kill(signal);
    await withDeadline(ended, 20, `the server's end after ${signal}`).catch((error: unknown) => {
      child.kill("SIGKILL");
      throw error;
    });
    return child.exitCode;
  }

  /** The longest turn of its event loop since the last question but this one, in milliseconds of the main thread's own work. */
  async maxTurn(): Promise<number> {
    return (await this.#ask("held")).held;
  }

  /** Begins the count of {@link maxTurn} and of {@link peak} anew. */
  async reset(): Promise<void> {
    await this.#ask("reset");
    // The kernel forgets the highest mark (proc(5), clear_refs).
    writeFileSync(`/proc/${this.#child?.pid}/clear_refs`, "5");
  }

  /** MiB that it has after its garbage is collected. */
  async settled(): Promise<number> {
    await this.#ask("settle");
    return this.#status("VmRSS");
  }

  /** The most MiB that it had since {@link reset}. */
  peak(): number {
    return this.#status("VmHWM");
  }

  #status(name: string): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1_024;
  }

  async #ask(question: Question): Promise<{ held: number }> {
    const child = this.#child;
    if (!child || !this.alive) throw new Error("the server is not running");
    let forget = (): void => {};
    const answered = new Promise<{ held: number }>((resolve, reject) => {
      const hear = (answer: unknown): void => {
        if ((answer as { ask?: string }).ask === question) resolve(answer as { held: number });
      };
      const end = (): void => reject(new Error("the server has ended"));
      child.on("message", hear).once("exit", end);
      forget = () => void child.off("message", hear).off("exit", end);
    });
    child.send({ ask: question }, () => {});
    return withDeadline(answered, patience, `the server's answer to "${question}"`).finally(forget);
  }

  #heard(line: string, isLog: boolean): void {
    this.#file.write(`${line}\n`);
    if (!isLog) return;
    this.logBytes += line.length + 1;
    const level = levelOf(line);
    if ((level === undefined || level >= 50) && this.complaints.length < 1_000)
      this.complaints.push(line.slice(0, 600));
  }
}

function levelOf(line: string): number | undefined {
  try {
    return (JSON.parse(line) as LogLine).level;
  } catch {
    return undefined;
  }
}
