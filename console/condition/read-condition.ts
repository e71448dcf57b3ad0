import { readdirSync, statfsSync, statSync } from "node:fs";
import { arch, freemem, release, totalmem, type as systemType } from "node:os";
import { join } from "node:path";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { certificatesIn } from "#shared/pinned-ca";
import { version } from "#shared/version";
import type { AuditHead } from "../audit/audit.ts";
import type { SyslogState } from "../audit/syslog.ts";
import type { ClockVerdict } from "../clock/clock-doubt.ts";
import type { RowsHealth } from "../database/persist.ts";
import type { MuteChannel } from "../notifications/notifications.ts";
import type { SamplesHealth } from "../samples-health.ts";
import type { KeptStep } from "../store/store.ts";
import type { BackupSearch } from "./newest-backup.ts";
import type { Past } from "./past.ts";
import { troublesOf } from "./troubles.ts";

export interface ConditionOptions {
  readonly clock: Pick<Clock, "now">;
  /** Epoch ms. */
  readonly started: number;
  /** The data directory. */
  readonly directory: string;
  /** Whether the broker is in this process, and samples go to InfluxDB. */
  readonly kinds: { readonly embeddedBroker: boolean; readonly influx: boolean };
  readonly samples: () => SamplesHealth;
  /** What the store keeps, where it thins and can tell. */
  readonly kept: readonly KeptStep[] | undefined;
  readonly rows: () => RowsHealth;
  readonly verdict: () => ClockVerdict;
  readonly channels: () => readonly MuteChannel[];
  readonly syslog: () => SyslogState | undefined;
  readonly brokerConnected: () => boolean;
  readonly ingest: () => {
    readonly window: number;
    readonly waitingBytes: number;
    readonly overload: string | undefined;
  };
  readonly devices: () => { readonly known: number; readonly online: number };
  readonly damaged: () => number;
  readonly faults: () => number;
  readonly head: () => AuditHead | undefined;
  readonly backups: Pick<BackupSearch, "read">;
  readonly past: Past;
  /** A certificate of somebody's own that the servers show, by its file. */
  readonly ownCertificate?: string | undefined;
}

/** How Muster itself is. */
export type Condition = ReturnType<typeof conditionOf>;

/** How Muster itself is, for people: read anew whenever somebody asks. */
export function conditionOf(options: ConditionOptions) {
  const { clock, started, directory, kinds, kept, past, ingest, brokerConnected } = options;
  const { spool, ...health } = options.samples();
  const verdict = options.verdict();
  const syslog = options.syslog();
  const { rss, heapUsed } = process.memoryUsage();
  const now = Math.round(clock.now());
  const { overload, ...intake } = ingest();
  const known = {
    now,
    broker: {
      kind: kinds.embeddedBroker ? ("embedded" as const) : ("external" as const),
      connected: brokerConnected(),
    },
    store: {
      kind: kinds.influx ? ("influxdb" as const) : ("embedded" as const),
      health,
      ...(kept ? { kept: [...kept] } : {}),
    },
    spool,
    clock: { state: verdict.state, ...(verdict.state === "trusted" ? {} : { problem: verdict.why }) },
    disk: diskOf(directory),
    certificates: certificatesOf(options),
    damaged: options.damaged(),
    faults: options.faults(),
  };
  const loop = past.latest("event_loop_delay_p99_ms");
  return {
    ...known,
    started,
    version,
    node: process.version,
    system: `${systemType()} ${release()}, ${arch()}`,
    troubles: troublesOf({ ...known, rows: options.rows(), syslog, channels: options.channels(), loop }),
    ingest: { ...intake, ...(overload === undefined ? {} : { overload }) },
    devices: options.devices(),
    memory: { rss, heap: heapUsed, machine: totalmem(), free: freemem() },
    files: filesOf(directory),
    backup: options.backups.read(),
    audit: {
      entries: options.head()?.n ?? 0,
      syslog: syslog ? { target: syslog.target, ok: syslog.ok, behind: syslog.behind, lost: syslog.lost } : null,
    },
    past: past.read(),
  };
}

function diskOf(directory: string): { directory: string; free: number; size: number } | null {
  try {
    const { bavail, blocks, bsize } = statfsSync(directory);
    return { directory, free: bavail * bsize, size: blocks * bsize };
  } catch {
    return null;
  }
}

/** Databases, each with the log beside it. */
function filesOf(directory: string): { name: string; bytes: number }[] {
  const bytes = new Map<string, number>();
  for (const name of namesIn(directory)) {
    const [, base] = /^([a-z]+\.db)(?:-wal|-shm)?$/.exec(name) ?? [];
    if (base === undefined) continue;
    bytes.set(base, (bytes.get(base) ?? 0) + sizeOf(join(directory, name)));
  }
  return [...bytes].map(([name, all]) => ({ name, bytes: all })).toSorted((a, b) => b.bytes - a.bytes);
}

/** What `tls/` holds, and a certificate of somebody's own. */
function certificatesOf({ directory, ownCertificate }: ConditionOptions): { name: string; until: number }[] {
  const tls = join(directory, "tls");
  const own = ownCertificate === undefined ? [] : [["own certificate", ownCertificate] as const];
  const files = [...namesIn(tls).map((name) => [`certificate ${name}`, join(tls, name)] as const), ...own];
  return files.flatMap(([name, path]) => {
    const [first] = certificatesAt(path);
    return first ? [{ name, until: Date.parse(first.validTo) }] : [];
  });
}

function certificatesAt(path: string): ReturnType<typeof certificatesIn> {
  try {
    return certificatesIn(readRegularFile(path, maxSmallFileBytes).toString("utf8"));
  } catch {
    return [];
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
