import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Args } from "#shared/messages/command-messages";
import type { Json } from "#shared/messages/payload-schema";
import type { ErrorCode } from "#shared/messages/error-codes";
import { CommandError, type Handler, type RunContext, type RunningCommand } from "../handler.ts";
import { askDescription, maxDescriptionText } from "./ask-description.ts";
import { runChild, type ChildOptions } from "./child.ts";
import { readDescription, type Description } from "./description.ts";
import { dataOf, endingSentence, endedWell, type ProcessEnding } from "./ending.ts";
import { environment } from "./environment.ts";
import { safePath } from "./file.ts";
import { Stderr } from "./stderr.ts";
import { Stdout } from "./stdout.ts";

export interface ExecutableOptions {
  /** A real path. */
  readonly directory: string;
  readonly clock: Clock;
  readonly device?: string | undefined;
  /** Ends the children that no command's own signal ends: descriptions and verifications. */
  readonly signal?: AbortSignal | undefined;
}

/** One executable file of the directory: describes itself, and runs as a command. */
export class Executable {
  readonly #name: string;
  readonly #key: string;
  readonly #options: ExecutableOptions;

  constructor(name: string, options: ExecutableOptions) {
    this.#name = name;
    this.#key = `exec:${name}`;
    this.#options = options;
  }

  /** Asks it what it is. @throws Error with the reason why it cannot be offered, as the end of a sentence */
  async describe(): Promise<Description> {
    const { directory, clock, signal, device } = this.#options;
    const path = await safePath(directory, this.#name);
    const env = environment(undefined, device);
    const asked = await askDescription({ path, directory, env, clock, signals: signal ? [signal] : [] });
    const { ending, text, isTooMuch, reason } = asked;
    if (isTooMuch) throw new Error(`"--describe" printed more than ${maxDescriptionText} characters`);
    if (!endedWell(ending)) throw new Error(`"--describe" ${endingSentence(ending)}${reason}`);
    return readDescription(text);
  }

  /** The command that it carries out. */
  handler({ timeout, ...description }: Description): Handler {
    const verify: NonNullable<Handler["verify"]> = (args, { command }) => this.#verify(args, command, timeout);
    return {
      ...description,
      run: (args, context) => this.#run(args, context, timeout),
      ...(description.onInterrupt === "verify" && { verify }),
    };
  }

  async #run(args: Args, { signal, command, output, progress }: RunContext, timeout: number): Promise<Json | void> {
    const stdout = new Stdout({ output, progress });
    const stderr = new Stderr(output);
    const calling = { path: await this.#path(), input: line(args), timeout, signals: [signal], command };
    const ending = await this.#call({ ...calling, stdout: stdout.push, stderr });
    if (endedWell(ending)) return stdout.result();
    stdout.fail();
    if (signal.aborted) throw asError(signal.reason);
    throw new CommandError(
      ending.how satisfies ErrorCode,
      `${this.#key} ${endingSentence(ending)}${stderr.reason()}`,
      dataOf(ending),
    );
  }

  async #verify(args: Args, command: RunningCommand, timeout: number): Promise<Json | void> {
    const stdout = new Stdout({ progress() {}, output() {} });
    const stderr = new Stderr();
    const calling = { path: await this.#path(), flag: "--verify", input: line(args), timeout, command } as const;
    const ending = await this.#call({ ...calling, signals: [], stdout: stdout.push, stderr });
    if (endedWell(ending)) return stdout.result();
    if (ending.how === "exit" && ending.status === 1)
      throw new CommandError(
        "interrupted" satisfies ErrorCode,
        `${this.#key} was interrupted and did not take place${stderr.reason()}`,
      );
    throw new CommandError(
      ending.how satisfies ErrorCode,
      `${this.#key} --verify ${endingSentence(ending)}${stderr.reason()}`,
      dataOf(ending),
    );
  }

  async #call({ stderr, command, ...calling }: Calling): Promise<ProcessEnding> {
    const { directory, clock, signal, device } = this.#options;
    const signals = signal ? [...calling.signals, signal] : calling.signals;
    const env = environment(command, device);
    const ending = await runChild({ ...calling, directory, clock, env, signals, stderr: stderr.push });
    stderr.end();
    return ending;
  }

  async #path(): Promise<string> {
    try {
      return await safePath(this.#options.directory, this.#name);
    } catch (error) {
      throw new CommandError("spawn" satisfies ErrorCode, `${this.#key} was not started: ${asError(error).message}`);
    }
  }
}

type Calling = Omit<ChildOptions, "directory" | "clock" | "env" | "stderr"> & {
  readonly stderr: Stderr;
  readonly command?: RunningCommand;
};

/** Arguments as the one line that an executable reads. */
function line(args: Args): string {
  return `${JSON.stringify(args)}\n`;
}
