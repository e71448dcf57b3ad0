import { word } from "../language/text.ts";
import type { SampleTags } from "#api/device-routes";
import type { FieldUnit } from "#shared/field-units";

/** A chart of a device's page. */
export interface Panel {
  readonly id: string;
  /** Another one for another chart of the same id: its lines are other ones. */
  readonly key?: string;
  readonly title: string;
  readonly unit: FieldUnit;
  /** What there is to say of it, where somebody has. */
  readonly description?: string | undefined;
  /** Between which values its fields lie, as far as that was said: its axis has both. */
  readonly range?: Range | undefined;
  /** Several series that belong to one line at one instant: their sum (interfaces) or the largest (one path mounted twice). */
  readonly combine: "sum" | "max";
  /** Values at which something begins or ends: lines across the chart. */
  readonly thresholds?: readonly Threshold[];
  readonly sources: readonly Source[];
  /** Text and yes or no, as bands over time, instead of lines. */
  readonly bands?: true;
}

export interface Threshold {
  readonly value: number;
  /** Whether a rule fires at it, or is over. */
  readonly at: "fires" | "over";
}

export interface Range {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** One field of one measurement, and which line each of its series belongs to. */
export interface Source {
  readonly measurement: string;
  readonly field: string;
  /** A counter is shown as its rate per second. */
  readonly counter?: true;
  /** The line's name, or undefined for a series that is not shown. */
  readonly line: (tags: SampleTags) => string | undefined;
  readonly value?: (value: number) => number;
}

const always = (name: string) => (): string => name;
const total = (name: string) => (tags: SampleTags) => ((tags["cpu"] ?? "cpu-total") === "cpu-total" ? name : undefined);

/** Interfaces that carry other interfaces' traffic a second time, and the loopback. */
const inner = /^(lo|veth|docker|br-|virbr|cni|flannel|cali|tap|tun|dummy|ifb)/;
const outside = (name: string) => (tags: SampleTags) => (inner.test(tags["interface"] ?? "") ? undefined : name);

/** Loop and memory devices, those stacked upon others, and partitions, whose traffic is in their disk's. */
const notWhole = /^(loop|ram|zram|sr|dm-|md)|^([shv]|xv)d[a-z]+\d+$|^(nvme\d+n\d+|mmcblk\d+)p\d+$/;
const whole = (name: string) => (tags: SampleTags) => (notWhole.test(tags["name"] ?? "") ? undefined : name);

/** The charts that were designed, of those devices that measure one. Adding one is an entry here. */
export const panels: readonly Panel[] = [
  {
    id: "cpu",
    title: "CPU",
    unit: "percent",
    combine: "max",
    sources: [
      { measurement: "cpu", field: "usage_idle", line: total("busy"), value: (idle) => Math.max(0, 100 - idle) },
      { measurement: "cpu", field: "usage_system", line: total("system") },
      { measurement: "cpu", field: "usage_iowait", line: total("iowait") },
    ],
  },
  {
    id: "mem",
    title: "Memory",
    unit: "percent",
    combine: "max",
    sources: [
      { measurement: "mem", field: "used_percent", line: always("used") },
      { measurement: "swap", field: "used_percent", line: always("swap") },
    ],
  },
  {
    id: "disk",
    title: "Disk space",
    unit: "percent",
    combine: "max",
    sources: [{ measurement: "disk", field: "used_percent", line: (tags) => tags["path"] ?? tags["device"] ?? "used" }],
  },
  {
    id: "net",
    title: "Network",
    unit: "bytes/s",
    combine: "sum",
    sources: [
      { measurement: "net", field: "bytes_recv", counter: true, line: outside("received") },
      { measurement: "net", field: "bytes_sent", counter: true, line: outside("sent") },
    ],
  },
  {
    id: "diskio",
    title: "Disk traffic",
    unit: "bytes/s",
    combine: "sum",
    sources: [
      { measurement: "diskio", field: "read_bytes", counter: true, line: whole("read") },
      { measurement: "diskio", field: "write_bytes", counter: true, line: whole("written") },
    ],
  },
  {
    id: "load",
    title: "Load",
    unit: "number",
    combine: "max",
    sources: [
      { measurement: "system", field: "load1", line: always("1 m") },
      { measurement: "system", field: "load5", line: always("5 m") },
      { measurement: "system", field: "load15", line: always("15 m") },
    ],
  },
  {
    id: "temp",
    title: "Temperature",
    unit: "celsius",
    combine: "max",
    sources: [{ measurement: "temp", field: "temp", line: (tags) => tags["sensor"] ?? "temperature" }],
  },
  {
    id: "clock",
    title: "Clock against the console's",
    unit: " ms",
    combine: "max",
    sources: [{ measurement: "muster_device", field: "clock_skew_ms", line: always("ahead by") }],
  },
];

/** What a chart is called in the reader's language; what a device or a person has called it stays. */
export const titleOf = ({ key, title }: Pick<Panel, "key" | "title">): string =>
  key === undefined ? word(title) : title;
