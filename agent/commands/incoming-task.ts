import type { Message } from "#shared/bus";
import type { Encoding } from "#shared/codec";
import { asError } from "#shared/errors";
import type { CommandId } from "#shared/ids";
import { readTask } from "#shared/messages/command-messages";
import type { Execution } from "./execution.ts";
import type { Handler } from "./handler.ts";
import type { Begun, LedgerEntry } from "./ledger-records.ts";
import { interruptedOutcome, rejectedOutcome, type Outcome } from "./outcome.ts";
import type { SignatureGate } from "./signature-gate.ts";
import { taskDigest } from "./task-digest.ts";

export interface IncomingTask {
  readonly id: CommandId;
  readonly message: Message;
  /** Begun by an earlier run of the agent, and not ended. */
  readonly earlier: Begun | undefined;
  /** Whether the console has not greeted this run of the agent yet. */
  readonly early: boolean;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly withheld?: ReadonlyMap<string, Handler> | undefined;
  readonly gate?: Pick<SignatureGate, "refusal"> | undefined;
  /** Epoch ms. */
  readonly now: () => number;
}

/** Why a task is never carried out, and how that is told. */
export interface RefusedTask {
  readonly refused: Outcome;
  readonly encoding: Encoding;
}

/**
 * A task as an execution, or why it can never be carried out. What an earlier run has begun is not judged anew: settings that have changed
 * since only keep it from being begun again.
 */
export function toExecution(incoming: IncomingTask): Execution | RefusedTask {
  const { id, message, earlier, early, handlers, withheld, gate, now } = incoming;
  try {
    const { value: task, encoding } = readTask(message.payload);
    const offered = handlers.get(task.key);
    const refused =
      gate?.refusal(id, task, earlier !== undefined) ?? (offered ? undefined : unknownKey(task.key, handlers));
    if (refused && !earlier) return { refused, encoding };
    const barred = refused && "error" in refused ? refused.error.message : undefined;
    const handler = offered ?? withheld?.get(task.key);
    if (!handler)
      return { refused: interruptedOutcome("agent-stopped", `the agent stopped while it ran; ${barred}`), encoding };
    const created = task.ts ?? now();
    const abort = new AbortController();
    const found = message.retain;
    return { id, created, task, encoding, handler, earlier, barred, early, found, waits: false, abort, begun: false };
  } catch (error) {
    return { refused: rejectedOutcome("bad-input", asError(error).message), encoding: "json" };
  }
}

function unknownKey(key: string, handlers: ReadonlyMap<string, Handler>): Outcome {
  const offered = [...handlers.keys()].sort().join(", ");
  return rejectedOutcome("unknown-command", `this device does not offer "${key}"; it offers ${offered}`);
}

/** Whether it is the task that was begun; what does not read is another. */
export function isTaskOf({ key, task: digest }: Begun, { payload }: Message): boolean {
  try {
    const { value } = readTask(payload);
    return value.key === key && (digest === undefined || digest === taskDigest(value));
  } catch {
    return false;
  }
}

/** The task, where it asks for something else than the ended command of its id did. */
export function otherTask(
  { begun, ended }: LedgerEntry,
  { payload }: Message,
): ReturnType<typeof readTask> | undefined {
  const did = ended?.key ?? begun?.key;
  // A beginning that was in a damaged line.
  if (did === undefined || did === "") return undefined;
  try {
    const read = readTask(payload);
    return read.value.key === did ? undefined : read;
  } catch {
    return undefined;
  }
}
