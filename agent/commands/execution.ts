import type { Encoding } from "#shared/codec";
import type { CommandId } from "#shared/ids";
import type { Task } from "#shared/messages/command-messages";
import type { Handler, RunningCommand } from "./handler.ts";
import type { Begun } from "./ledger-records.ts";
import type { Queued } from "./command-queue.ts";

/** A task that has arrived and has no final reply yet. */
export interface Execution extends Queued {
  readonly id: CommandId;
  readonly task: Task;
  readonly encoding: Encoding;
  readonly handler: Handler;
  /** Begun by an earlier run of the agent, and not ended. */
  readonly earlier: Begun | undefined;
  /** Why it would not be begun any more, a sentence: then it is not begun again either. */
  readonly barred?: string | undefined;
  /** Whether it came before the console had greeted this run of the agent: it may have been there long before. */
  readonly early: boolean;
  /** Whether it was found at the broker, or kept over a reconnect: then it begins on the console's word alone. */
  found: boolean;
  /** Whether it was published while we listen, and the greeting is awaited for a while: another agent may have begun it. */
  waits: boolean;
  readonly abort: AbortController;
  /** Whether it is being begun or runs. */
  begun: boolean;
  /** What its handler wants done once the final reply has arrived. */
  afterwards?: () => void;
}

export function runningCommandOf({ id, task: { key, by, ts } }: Execution): RunningCommand {
  return { id, key, by, ts };
}

/** Why a handler is aborted whose command has not ended: the next run goes on with it. */
class AgentStopping extends Error {}

export function agentStopping(): Error {
  return new AgentStopping("the agent is stopping");
}

/** Whether that is why a handler was aborted, and not that its command was withdrawn. */
export function isAgentStopping({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof AgentStopping;
}
