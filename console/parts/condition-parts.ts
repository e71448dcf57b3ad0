import { BackupSearch } from "../condition/newest-backup.ts";
import { conditionOf, type Condition } from "../condition/read-condition.ts";
import type { Past } from "../condition/past.ts";
import type { ClockDoubt } from "../clock/clock-doubt.ts";
import type { Bus } from "#shared/bus";
import type { Registry } from "../devices/registry.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { Notifications } from "../notifications/notifications.ts";
import type { SamplesHealth } from "../samples-health.ts";
import type { MetricsStore } from "../store/store.ts";
import type { auditParts } from "./audit-parts.ts";
import type { Surroundings } from "./surroundings.ts";

interface Needs {
  readonly bus: Bus;
  readonly store: Pick<MetricsStore, "kept">;
  readonly doubt: ClockDoubt;
  readonly registry: Registry;
  readonly ingest: Ingest;
  readonly syslog: ReturnType<typeof auditParts>["syslog"];
  readonly past: Past;
  readonly notifications: Pick<Notifications, "mute">;
}

/** How the whole stands, for people. @returns what reads it, given how samples are */
export function conditionParts(given: Surroundings, needs: Needs) {
  const { options, state, clock, net } = given;
  const { bus, store, doubt, registry, ingest, syslog, past, notifications } = needs;
  const started = Math.round(clock.now());
  const backups = new BackupSearch(state.database);
  const condition = async (samples: () => SamplesHealth): Promise<Condition> =>
    conditionOf({
      // Why it cannot tell stands in its health.
      kept: await store.kept?.().catch(() => undefined),
      clock,
      started,
      directory: state.directory,
      kinds: { embeddedBroker: options.bus !== undefined, influx: options.influxUrl !== undefined },
      samples,
      rows: () => state.persist.health,
      verdict: () => doubt.verdict,
      channels: () => notifications.mute(),
      syslog: () => syslog?.state,
      brokerConnected: () => bus.connected,
      ingest: () => ({
        window: ingest.batches.window,
        waitingBytes: ingest.waiting.bytes,
        overload: ingest.waiting.problem,
      }),
      devices: () => registry.counts(),
      damaged: () => state.damage.count(),
      faults: () => net.total,
      head: () => state.audit.head(),
      backups,
      past,
      ownCertificate: options.ownCertificate,
    });
  return { condition };
}
