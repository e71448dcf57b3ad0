import type { CommandId } from "#shared/ids";
import type { Args } from "#shared/messages/command-messages";
import type { Schema, Json } from "#shared/messages/payload-schema";

/** The command that a handler carries out. */
export interface RunningCommand {
  readonly id: CommandId;
  readonly key: string;
  /** Who sent it, where that is known. */
  readonly by?: string | undefined;
  /** When it was made, epoch ms on the console's clock. */
  readonly ts?: number | undefined;
}

export interface RunContext {
  readonly command: RunningCommand;
  /** Aborts when the command is withdrawn while it runs. */
  readonly signal: AbortSignal;
  /** Tells how far it is, 0 to 1, with an optional note. Costs little: what comes too fast is thinned out. */
  readonly progress: (fraction: number, note?: string) => void;
  /** Adds to the command's output, which the caller sees while it runs. */
  readonly output: (chunk: string) => void;
  /** Runs `work` once the final reply has arrived at the console, or after a few seconds: for commands that end the agent. */
  readonly afterwards: (work: () => void) => void;
}

/**
 * How a device carries out one command key. What `run` returns is the result; what it throws becomes a `failed` reply.
 * `args` is the arguments' schema: announced to the console as JSON Schema, checked before `run` is called.
 */
export interface Handler<A = Args> {
  /** One line for people. */
  readonly title?: string;
  readonly args?: Schema<A>;
  /** What to do with a command that the agent's death interrupted; `fail` by default. */
  readonly onInterrupt?: "rerun" | "fail" | "verify";
  /**
   * It changes nothing, or nothing that matters how often it is done: it is begun without a line in the ledger, so also where the disk is
   * full, and again after the agent's death, however often, whatever `onInterrupt` says.
   */
  readonly harmless?: boolean;
  /** Does not wait behind other commands. */
  readonly concurrent?: boolean;
  /** The key of a command that takes back what this one did. */
  readonly undo?: string;
  run(args: A, context: RunContext): Json | void | Promise<Json | void>;
  /**
   * With `onInterrupt: "verify"`, and with `rerun` where settings that have changed since keep it from being begun again: finds out, after the agent died in the command, whether its effect took place. What it returns is
   * the result of a command that succeeded; what it throws makes it `failed`. It must not bring the effect about itself.
   */
  verify?(args: A, interruption: Interruption): Json | void | Promise<Json | void>;
}

/** Whether it may be done again when nobody knows whether it was done. */
export function mayRunAgain({ onInterrupt, harmless }: Pick<Handler, "onInterrupt" | "harmless">): boolean {
  return harmless === true || onInterrupt === "rerun";
}

/** What the ledger knows of a command that was begun and not ended. */
export interface Interruption {
  readonly command: RunningCommand;
  /** The run of the agent that began it, and this one. */
  readonly begunRunId: string;
  readonly runId: string;
  /** The machine's own boot id then and now, where the system has one: they differ after a reboot. */
  readonly begunMachine: string | undefined;
  readonly machine: string | undefined;
}

/** Thrown by a handler to fail with a code of its own, for programs, besides the message. */
export class CommandError extends Error {
  override readonly name = "CommandError" as const;
  constructor(
    readonly code: string,
    message: string,
    readonly data?: Json,
  ) {
    super(message);
  }
}
