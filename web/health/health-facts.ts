import type { ConditionDocument } from "#api/condition-routes";
import { formatAgo, formatCoarsely } from "../format/format-duration.ts";
import { formatMoment } from "../format/moment.ts";
import { formatValue } from "../format/number.ts";
import { t } from "../language/text.ts";

type Fact = readonly [what: string, says: string];

const bytes = (value: number): string => formatValue(value, "bytes");

/** What there is to know of each part of Muster, in words. @param now epoch ms */
export function factsAbout(condition: ConditionDocument, now: number): readonly (readonly [string, readonly Fact[]])[] {
  return [
    [t("Console"), ofConsole(condition, now)],
    [t("Broker"), ofBroker(condition)],
    [t("Store"), ofStore(condition)],
    [t("Disk"), ofDisk(condition)],
    [t("Safety"), ofSafety(condition, now)],
    [t("Certificates"), ofCertificates(condition, now)],
  ];
}

function ofConsole({ version, node, system, started, memory, clock, faults }: ConditionDocument, now: number): Fact[] {
  return [
    [t("Version"), version],
    [t("Runs since"), `${formatMoment(started, now)} (${formatCoarsely(Math.max(0, now - started))})`],
    [t("Memory"), t("{rss}, of which {heap} are objects", { rss: bytes(memory.rss), heap: bytes(memory.heap) })],
    [t("Machine"), t("{free} of {all} free", { free: bytes(memory.free), all: bytes(memory.machine) })],
    [t("Clock"), clock.problem ?? t("believed")],
    [t("Own faults"), t("{count} since the start", { count: faults })],
    [t("System"), `${system}, Node.js ${node}`],
  ];
}

function ofBroker({ broker, devices }: ConditionDocument): Fact[] {
  return [
    [t("Kind"), broker.kind === "embedded" ? t("Muster's own") : t("another one")],
    [t("Connection"), broker.connected ? t("up") : t("down")],
    [t("Devices"), t("{online} of {known} online", devices)],
  ];
}

function ofStore({ store, spool, ingest }: ConditionDocument): Fact[] {
  return [
    [t("Kind"), store.kind === "embedded" ? t("Muster's own") : "InfluxDB"],
    [t("Takes samples"), store.health.ok ? t("yes") : t("no")],
    [t("Being written"), t("{count} batch|{count} batches", { count: ingest.window })],
    [t("Waiting room"), ingest.waitingBytes === 0 ? t("empty") : bytes(ingest.waitingBytes)],
    [
      t("Waits for the store"),
      t("{count} message, {used} of {limit}|{count} messages, {used} of {limit}", {
        count: spool.rows,
        used: bytes(spool.bytes),
        limit: bytes(spool.limit),
      }),
    ],
  ];
}

function ofDisk({ disk, files }: ConditionDocument): Fact[] {
  return [
    ...(disk
      ? ([
          [t("Room"), t("{free} of {all} free", { free: bytes(disk.free), all: bytes(disk.size) })],
          [t("Directory"), disk.directory],
        ] as const)
      : []),
    ...files.map(({ name, bytes: size }): Fact => [name, bytes(size)]),
  ];
}

function ofSafety({ backup, audit, damaged }: ConditionDocument, now: number): Fact[] {
  const { syslog } = audit;
  return [
    [
      t("Newest backup"),
      backup ? `${formatAgo(backup.ts, now)}, ${backup.file}` : t("none is known: muster backup makes one"),
    ],
    [t("Audit log"), t("{count} entry|{count} entries", { count: audit.entries })],
    ...(syslog
      ? ([
          [
            t("Sent on to"),
            syslog.behind === 0
              ? syslog.target
              : t("{target}, {count} behind", { target: syslog.target, count: syslog.behind }),
          ],
        ] as const)
      : []),
    [t("Damaged"), damaged === 0 ? t("nothing") : t("{count} thing|{count} things", { count: damaged })],
  ];
}

function ofCertificates({ certificates }: ConditionDocument, now: number): Fact[] {
  if (certificates.length === 0) return [[t("None"), t("Muster listens without TLS")]];
  return certificates.map(({ name, until }) => [
    name,
    until <= now
      ? t("ended {moment}", { moment: formatMoment(until, now) })
      : t("until {moment}", { moment: formatMoment(until, now) }),
  ]);
}
