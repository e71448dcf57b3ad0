import { counted } from "#shared/counted";
import type { JobTarget } from "./job-routes.ts";

/** Devices that are named one by one; more are counted. */
const mostNamed = 3;

/** The target of a job as a person would say it. */
export function describeTarget(target: JobTarget): string {
  if ("group" in target) return `group ${target.group}`;
  if ("where" in target) return target.where;
  if (!("devices" in target)) return "all devices";
  const { devices } = target;
  return devices.length > mostNamed ? counted(devices.length, "device") : devices.join(", ");
}
