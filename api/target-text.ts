import type { JobTarget } from "./job-routes.ts";

/** The target of a job as a person would say it. */
export function describeTarget(target: JobTarget): string {
  if ("group" in target) return `group ${target.group}`;
  if ("where" in target) return target.where;
  return "devices" in target ? target.devices.join(", ") : "all devices";
}
