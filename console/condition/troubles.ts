import { counted } from "#shared/counted";
import { formatDuration } from "#shared/duration";
import type { ClockVerdict } from "../clock/clock-doubt.ts";
import type { MuteChannel } from "../notifications/notifications.ts";
import type { StoreHealth } from "../store/store.ts";

/** Bytes of the data directory's disk below which a person should make room: a day of a fleet's samples. */
export const tightRoom = 256 * 1024 * 1024;
/** Milliseconds before its end in which a certificate is told of: Muster renews its own long before. */
export const toldBefore = 14 * 86_400_000;
/** Milliseconds by which the event loop is late, in one of a hundred looks, before that is told: commands and acks wait as long. */
export const lateLoop = 250;

/** Something about Muster itself that a person should see to. */
export interface Trouble {
  /** Which part of Muster. */
  readonly what: string;
  /** Whether something is lost or does not work; otherwise it is to be known. */
  readonly grave: boolean;
  readonly says: string;
  readonly advice: string;
  /** Epoch ms. */
  readonly since?: number;
}

/** What troubles are looked for in. Moments are epoch ms, sizes bytes. */
export interface Looked {
  readonly now: number;
  readonly store: {
    readonly kind: "embedded" | "influxdb";
    readonly health: StoreHealth & { readonly overload?: string };
  };
  readonly spool: { readonly problem?: string | undefined };
  readonly broker: { readonly connected: boolean };
  readonly clock: { readonly state: ClockVerdict["state"]; readonly problem?: string };
  readonly disk: { readonly directory: string; readonly free: number } | null;
  readonly certificates: readonly { readonly name: string; readonly until: number }[];
  readonly damaged: number;
  readonly faults: number;
  readonly rows: { readonly ok: boolean; readonly problem?: string | undefined; readonly since?: number | undefined };
  readonly syslog: { readonly target: string; readonly ok: boolean; readonly problem?: string | undefined } | undefined;
  /** Channels of notifications that take nothing. */
  readonly channels: readonly MuteChannel[];
  /** How late the event loop is in one of a hundred looks, in milliseconds. */
  readonly loop: number | undefined;
}

/** What a person should see to, the gravest first: each with what to do. */
export function troublesOf(looked: Looked): Trouble[] {
  const all = [
    ...ofSamples(looked),
    ...ofBroker(looked),
    ...ofRows(looked),
    ...ofDisk(looked),
    ...ofCertificates(looked),
    ...ofChannels(looked),
    ...ofItself(looked),
  ];
  return all.toSorted((a, b) => Number(b.grave) - Number(a.grave));
}

function* ofSamples({ store: { kind, health }, spool, clock }: Looked): Generator<Trouble> {
  const { ok, problem = "it did not say why", since, overload } = health;
  if (!ok)
    yield {
      what: "store",
      grave: true,
      says: `No samples are stored: ${problem}. Agents keep theirs meanwhile.`,
      advice:
        kind === "influxdb"
          ? "See whether InfluxDB runs and can be reached; Muster goes on by itself when it does."
          : "See whether the disk of the data directory has room and can be written; muster doctor looks at the files.",
      ...(since === undefined ? {} : { since }),
    };
  if (overload !== undefined)
    yield {
      what: "ingest",
      grave: false,
      says: `More samples come than are stored: ${overload}.`,
      advice: "Have devices measure less often (interval, batch-size), or give the console a quicker disk or machine.",
    };
  if (spool.problem !== undefined)
    yield {
      what: "spool",
      grave: true,
      says: `Messages of senders that keep nothing are turned away: ${spool.problem}.`,
      advice: "Bring the store back, or give them more room with spool-size.",
    };
  if (clock.problem !== undefined)
    yield {
      what: "clock",
      grave: clock.state === "behind",
      says: `${clock.problem}.`,
      advice:
        "Set this machine's clock, as by NTP (timedatectl set-ntp true); if it is right, say so with muster doctor.",
    };
}

function* ofBroker({ broker }: Looked): Generator<Trouble> {
  if (broker.connected) return;
  yield {
    what: "broker",
    grave: true,
    says: "The console has no connection to the broker: devices cannot be heard or reached.",
    advice: "See whether the broker runs and lets the account console in: muster check-broker looks at it.",
  };
}

function* ofRows({ rows, syslog }: Looked): Generator<Trouble> {
  if (!rows.ok)
    yield {
      what: "database",
      grave: true,
      says: `Commands, devices and accounts do not reach the disk: ${rows.problem ?? "it did not say why"}.`,
      advice: "Make room on the disk of the data directory, and see whether Muster's user may write there.",
      ...(rows.since === undefined ? {} : { since: rows.since }),
    };
  if (syslog && !syslog.ok)
    yield {
      what: "audit",
      grave: false,
      says: `The audit log does not reach ${syslog.target}: ${syslog.problem ?? "it does not answer"}.`,
      advice: "See whether syslog runs there; what it lacks is sent when it is back.",
    };
}

function* ofDisk({ disk, damaged }: Looked): Generator<Trouble> {
  if (disk && disk.free < tightRoom)
    yield {
      what: "disk",
      grave: true,
      says: `${Math.floor(disk.free / 1e6)} MB are free for ${disk.directory}.`,
      advice: "Make room there, or give the history less with history-size.",
    };
  if (damaged > 0)
    yield {
      what: "damage",
      grave: true,
      says: `${counted(damaged, "thing")} in the data directory did not read, ${damaged === 1 ? "was" : "were"} gone or put back.`,
      advice: "Look at Damage, and restore a backup where what is missing matters.",
    };
}

function* ofCertificates({ certificates, now }: Looked): Generator<Trouble> {
  for (const { name, until } of certificates) {
    if (until > now + toldBefore) continue;
    const ended = until <= now;
    yield {
      what: "certificate",
      grave: ended,
      says: ended
        ? `${name} ended ${formatDuration(now - until)} ago: devices and browsers refuse it.`
        : `${name} ends in ${formatDuration(Math.max(1_000, until - now))}.`,
      advice: name.startsWith("authority")
        ? "Begin a rotation with muster tls rotate, so that devices know the next one in time."
        : "One of Muster's own is renewed by itself, see its log; renew one of your own where it comes from.",
    };
  }
}

function* ofChannels({ channels }: Looked): Generator<Trouble> {
  for (const { name, waiting, since } of channels)
    yield {
      what: "channel",
      grave: true,
      says: `Nobody hears of alerts by the channel ${name}: it takes nothing.${waiting > 0 ? ` ${counted(waiting, "notice waits", "notices wait")} for it.` : ""}`,
      advice:
        "Mend it where it leads to, or change it at Notifications; what the other side said stands there, and Test asks it again.",
      since,
    };
}

function* ofItself({ faults, loop }: Looked): Generator<Trouble> {
  if (faults > 0)
    yield {
      what: "faults",
      grave: false,
      says: `${counted(faults, "fault")} of Muster's own ${faults === 1 ? "was" : "were"} caught since it started.`,
      advice: "Each is worth a report: muster support gathers what is needed.",
    };
  if (loop !== undefined && loop > lateLoop)
    yield {
      what: "load",
      grave: false,
      says: `The console is late by ${Math.round(loop)} ms at times: commands and acknowledgements wait as long.`,
      advice: "See what else takes the machine's processors, or have devices measure less often.",
    };
}
