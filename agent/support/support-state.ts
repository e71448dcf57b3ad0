import type { Clock } from "#shared/clock";
import type { Json } from "#shared/messages/payload-schema";
import { version } from "#shared/version";
import type { Ledger } from "../commands/ledger.ts";
import type { Introduction } from "../introduction.ts";
import type { Outbox } from "../metrics/outbox/outbox.ts";
import type { OwnMetrics } from "../own/own-metrics.ts";
import type { ConnectionHistory } from "./connection-history.ts";
import type { Writings } from "./writings.ts";

export interface SupportStateParts {
  readonly introduction: Introduction;
  readonly settings: () => Json | undefined;
  readonly outbox: Pick<Outbox, "size">;
  readonly wrote: () => Writings;
  readonly ledger: Pick<Ledger, "size" | "doubt">;
  readonly own: Pick<OwnMetrics, "status">;
  readonly connections: ConnectionHistory;
  readonly runId: string;
  readonly clock: Clock;
}

/** How an agent fares at this moment, but for its log; its offers are at the console anyway. */
export function supportState(parts: SupportStateParts): Json {
  const { introduction, settings, outbox, wrote, ledger, own, connections, runId, clock } = parts;
  const { commands, ...self } = introduction.self();
  const now = settings();
  const state: object = {
    versions: { agent: version, node: process.version, platform: process.platform, arch: process.arch },
    at: new Date(clock.now()).toISOString(),
    boot: runId,
    process: { pid: process.pid, seconds: Math.round(process.uptime()), memory: process.memoryUsage.rss() },
    self,
    commands: Object.keys(commands ?? {}),
    ...(now === undefined ? {} : { settings: now }),
    outbox: outbox.size,
    disk: wrote(),
    ledger: { ...ledger.size, ...(ledger.doubt ? { doubt: ledger.doubt } : {}) },
    metrics: own.status(),
    connections: connections.changes,
  };
  return state as Json;
}
