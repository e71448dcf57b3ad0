import { largestValue, latestValue, type Latest } from "../state/latest.ts";

/** The few numbers that tell how a device is, in the fleet's list. Undefined where it reports none. */
export interface Gauges {
  readonly cpu: number | undefined;
  readonly mem: number | undefined;
  /** The fullest file system. */
  readonly disk: number | undefined;
  readonly load: number | undefined;
}

const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

export function gaugesOf(latest: Latest): Gauges {
  const idle = number(latestValue(latest, "cpu", "usage_idle", (tags) => tags["cpu"] === "cpu-total"));
  return {
    cpu: idle === undefined ? undefined : Math.min(100, Math.max(0, 100 - idle)),
    mem: number(latestValue(latest, "mem", "used_percent")),
    disk: largestValue(latest, "disk", "used_percent"),
    load: number(latestValue(latest, "system", "load1")),
  };
}
