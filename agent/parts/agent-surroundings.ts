import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { SafetyNet } from "#shared/safety-net";
import type { AgentOptions } from "../agent-options.ts";
import type { RecentLog } from "../support/recent-log.ts";

/** What every part is given. */
export interface AgentSurroundings {
  readonly options: AgentOptions;
  readonly device: DeviceId;
  /** This run's id. */
  readonly runId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly net: SafetyNet;
  readonly recentLog: RecentLog;
  /** Ends the agent. */
  readonly stop: (reason: string) => Promise<void>;
  /** The console does not take this run, and says why. */
  readonly refused: (why: string) => void;
}
