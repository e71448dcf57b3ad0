import type { CommandDocument } from "#api/command-document";
import type { DeviceDocument } from "#api/device-routes";
import { livenessOf } from "#shared/liveness";
import { forTerminal } from "#shared/printable";
import { ago, shortened, table } from "./text-table.ts";

const day = 86_400_000;

/** The fleet as a table. @param where what was asked for, where that was not all */
export function deviceTable(devices: readonly DeviceDocument[], now: number, where?: string): string {
  if (devices.length === 0 && where !== undefined) return `no device fits ${forTerminal(where)}`;
  if (devices.length === 0) return "no devices yet: enroll one with muster enroll DEVICE, and start its agent";
  // What nobody has said of any of them is no column.
  const called = devices.some(({ name }) => name !== undefined);
  const sorted = words.filter(([, text]) => devices.some((device) => text(device) !== ""));
  const rows = devices.map((device) => [
    device.id,
    ...(called ? [shortened(device.name ?? "", 40)] : []),
    // The console's own word, as this machine's clock may be another.
    device.retired ? "retired" : (device.state ?? livenessOf(device, now)),
    latest(device, "cpu", "usage_idle", (idle) => `${(100 - idle).toFixed(1)} %`, { cpu: "cpu-total" }),
    latest(device, "mem", "used_percent", (used) => `${used.toFixed(1)} %`),
    latest(device, "system", "load1", (load) => load.toFixed(2)),
    ago(device.lastSeen, now),
    device.agent ?? "–",
    identity(device, now),
    ...sorted.map(([, text]) => shortened(text(device), 40)),
    device.problem ?? device.reason ?? "",
  ]);
  const head = ["STATE", "CPU", "MEM", "LOAD", "SEEN", "AGENT", "IDENTITY", ...sorted.map(([name]) => name), ""];
  return table(["DEVICE", ...(called ? ["NAME"] : []), ...head], rows);
}

/** What people have said of a device, beside its name. */
const words: readonly (readonly [head: string, text: (device: DeviceDocument) => string])[] = [
  ["GROUPS", ({ groups = [] }) => groups.join(" ")],
  ["TAGS", ({ tags = [] }) => tags.join(" ")],
  ["NOTE", ({ note = "" }) => note],
];

/** How it shows who it is. */
function identity({ identity: shown }: DeviceDocument, now: number): string {
  if (!shown) return "–";
  const { by, until, authority } = shown;
  if (by !== "certificate" || until === null) return by;
  const left = until - now < day ? "less than a day" : `${Math.floor((until - now) / day)}d`;
  return `certificate, ${left}, ${forTerminal(authority ?? "–")}`;
}

/** Commands as a table, in the order given. @param only what they were asked for by, where that was not all */
export function commandTable(commands: readonly CommandDocument[], now: number, only?: string): string {
  if (commands.length === 0 && only !== undefined) return "no such commands";
  if (commands.length === 0) return "no commands yet: send one with muster send DEVICE ping";
  const rows = commands.map((command) => [
    command.id,
    command.device,
    command.key,
    command.state,
    ago(command.ts, now),
    command.by,
    outcome(command),
  ]);
  return table(["ID", "DEVICE", "KEY", "STATE", "SENT", "BY", "OUTCOME"], rows);
}

function outcome({ result, error, explain, state }: CommandDocument): string {
  if (state === "succeeded") return shortened(JSON.stringify(result ?? null), 80);
  return shortened(error?.message ?? explain, 120);
}

function latest(
  { latest: samples }: DeviceDocument,
  measurement: string,
  field: string,
  show: (value: number) => string,
  tags: Readonly<Record<string, string>> = {},
): string {
  const fitting = samples.filter(
    (one) => one.measurement === measurement && Object.entries(tags).every(([name, value]) => one.tags[name] === value),
  );
  // A device that was given other tags has its values of before in a series of its own.
  const newest = fitting.toSorted((a, b) => b.ts - a.ts)[0];
  const value = newest?.fields[field];
  return typeof value === "number" ? show(value) : "–";
}
