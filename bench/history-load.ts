import type { DeviceId } from "#shared/ids";
import { pack } from "#shared/columns";
import type { SeriesColumns } from "../console/store/store.ts";

/** Milliseconds between two samples. */
const interval = 10_000;
type Values = () => number;

interface Series {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, Values>>;
}

/** Always the same numbers. */
let seed = 1;
function random(): number {
  seed = (seed * 16_807) % 2_147_483_647;
  return seed / 2_147_483_647;
}

const rounded = (value: number, places: number): number => Math.round(value * 10 ** places) / 10 ** places;
const noise =
  (most: number): Values =>
  () =>
    rounded(random() * most, 2);
const counter = (rate: number): Values => {
  let value = Math.floor(random() * 1e9);
  return () => (value += Math.floor(random() * rate));
};
const walk = (least: number, most: number, step: number, places: number): Values => {
  let value = least + (most - least) * random();
  return () => rounded((value = Math.min(most, Math.max(least, value + (random() - 0.5) * step))), places);
};
const pages = (): Values => {
  const value = walk(10_000, 200_000, 500, 0);
  return () => value() * 4_096;
};
const always =
  (value: number): Values =>
  () =>
    value;
const each = (names: string, of: (at: number) => Values): Record<string, Values> =>
  Object.fromEntries(names.split(" ").map((name, at) => [name, of(at)]));

/** What an agent on a Raspberry Pi measures, by the shape of its values. */
const all: readonly Series[] = [
  ...["cpu-total", "cpu0", "cpu1", "cpu2", "cpu3"].map((cpu) => ({
    measurement: "cpu",
    tags: { cpu },
    fields: {
      ...each("usage_user usage_system usage_idle usage_iowait usage_softirq", (at) => noise([30, 10, 100, 2, 1][at]!)),
      ...each("usage_nice usage_irq usage_steal", () => always(0)),
    },
  })),
  {
    measurement: "mem",
    tags: {},
    fields: {
      ...each("used free available cached buffered slab shared active inactive dirty", pages),
      total: always(2 ** 33),
      used_percent: walk(10, 90, 1, 2),
    },
  },
  ...["/", "/boot", "/data"].map((path) => ({
    measurement: "disk",
    tags: { path, fstype: "ext4" },
    fields: {
      ...each("used free", pages),
      ...each("inodes_used inodes_free", () => counter(2)),
      total: always(1e11),
      used_percent: walk(10, 90, 0.01, 2),
    },
  })),
  ...["sda", "sdb"].map((name) => ({
    measurement: "diskio",
    tags: { name },
    fields: each("reads writes read_bytes write_bytes read_time write_time io_time weighted", (at) =>
      counter(10 ** (1 + (at % 4))),
    ),
  })),
  ...["eth0", "wlan0", "lo"].map((name) => ({
    measurement: "net",
    tags: { interface: name },
    fields: {
      ...each("bytes_sent bytes_recv", () => counter(200_000)),
      ...each("packets_sent packets_recv", () => counter(300)),
      ...each("err_in err_out drop_in drop_out", () => always(0)),
    },
  })),
  {
    measurement: "system",
    tags: {},
    fields: {
      ...each("load1 load5 load15", (at) => walk(0, 4, 0.2 / (at + 1), 2)),
      uptime: counter(20),
      ...each("n_users n_cpus", always),
    },
  },
  ...["a", "b", "c", "d"].map((sensor) => ({
    measurement: "temp",
    tags: { sensor },
    fields: { temp: walk(40, 70, 1, 1) },
  })),
  {
    measurement: "processes",
    tags: {},
    fields: each("total running sleeping blocked zombies threads", () => walk(0, 300, 3, 0)),
  },
  ...["a", "b", "c", "d"].map((name) => ({
    measurement: "procstat",
    tags: { name },
    fields: {
      // As a quotient comes, in full length.
      cpu_usage: () => random() * 10,
      ...each("rss vsz", pages),
      ...each("fds threads minor major reads writes", () => counter(50)),
    },
  })),
];

export const fieldsOfDevice = all.reduce((sum, { fields }) => sum + Object.keys(fields).length, 0);

/** Measurement and field of each chart; several have a line for each of their series. */
export const charts = [
  ["cpu", "usage_user"],
  ["cpu", "usage_system"],
  ["mem", "used_percent"],
  ["mem", "used"],
  ["disk", "used_percent"],
  ["diskio", "read_bytes"],
  ["diskio", "write_bytes"],
  ["net", "bytes_recv"],
  ["net", "bytes_sent"],
  ["system", "load1"],
  ["system", "load5"],
  ["temp", "temp"],
  ["processes", "total"],
] as const;

/** All series, `portion` samples of each at a time: every ten seconds, give or take the milliseconds by which a timer is late. */
export function* samplesOfDevice(
  device: DeviceId,
  { from, to, portion }: { readonly from: number; readonly to: number; readonly portion: number },
): Iterable<SeriesColumns[]> {
  for (let at = from; at < to; at += portion * interval) {
    const length = Math.min(portion, (to - at) / interval);
    const times = Array.from({ length }, (_, index) => at + index * interval + Math.floor(random() * 7));
    yield all.map(({ measurement, tags, fields }) => ({
      device,
      measurement,
      tags,
      times,
      fields: Object.fromEntries(Object.entries(fields).map(([field, next]) => [field, pack(times.map(next))])),
    }));
  }
}
