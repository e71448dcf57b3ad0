import type { ReadRule } from "#shared/alerts/read-rule";
import { comparisonsOf } from "#shared/filter/condition";
import { deviceNames, readerOf, type DeviceValues } from "#shared/filter/filter-values";
import { usualGap } from "#shared/liveness";
import type { LookUp } from "#shared/filter/evaluate-filter";
import type { Identity } from "../certificates/device-identity.ts";
import type { Device } from "../devices/device.ts";
import { isTwoMachines } from "../devices/identity-guard.ts";

/** What rules may know of a device beside what filters do. */
export interface KnownOfDevice {
  readonly values: DeviceValues & { readonly device: Device };
  readonly identity: () => Identity;
  readonly missing: () => number;
  readonly lost: () => number;
  /** From when on the console could have heard the device; what was not said before says nothing. */
  readonly heardFrom: number;
}

/** What names stand for in a rule about a device. */
export function ruleLookUp({ values, identity, missing, lost, heardFrom }: KnownOfDevice): LookUp {
  const { device, now } = values;
  return (name) => {
    switch (name) {
      case "silent":
        // Heard in the future, before a clock was put back: for how long it is silent is not known until it is heard again.
        if (device.lastSeen === null || device.lastSeen > now) return undefined;
        return Math.max(0, now - Math.max(device.lastSeen, heardFrom));
      case "skew":
        return device.skew === null ? 0 : Math.abs(device.skew);
      case "clone":
        return isTwoMachines(device.problem);
      case "certificate": {
        const { until } = identity();
        return until === null ? undefined : until - now;
      }
      case "missing":
        return missing();
      case "lost":
        return lost();
      default:
        return readerOf(name)(values);
    }
  };
}

/** Whether what a name stands for is only known while the console hears its broker. */
export const isHeard = (name: string): boolean =>
  ["silent", "state", "online"].includes(name) && deviceNames.includes(name);

/** Whether a rule is about a device being heard. */
export function isAboutHearing(read: ReadRule | undefined): boolean {
  return read?.kind === "device" && comparisonsOf(read.base.when).some(({ name }) => isHeard(name));
}

/**
 * Milliseconds between the rounds of a device that only publishes; null where not known. By whole minutes, so that devices of one interval share their
 * set of rules; the step is beside the minute, as a device that sends each ten minutes would change its set with each message.
 */
export function rhythmOf({ silentAfter }: Pick<Device, "silentAfter">): number | null {
  const gap = usualGap(silentAfter);
  return gap === undefined ? null : Math.ceil(gap / 60_000 - 0.25) * 60_000;
}

/** What a person's tag begins with that says through which other device one is reached. */
const viaTag = "via:";

/** The id of the device through which one is reached: a tag says so (`via:gw-1`), or the device itself, by the fact `via`. */
export function viaOf({ tags, facts }: Pick<Device, "facts" | "tags">): string | undefined {
  const said = tags?.find((tag) => tag.startsWith(viaTag))?.slice(viaTag.length);
  if (said !== undefined) return said;
  const told = Object.hasOwn(facts, "via") ? facts["via"] : undefined;
  return typeof told === "string" ? told : undefined;
}
