import { deviceNames, readerOf, type DeviceValues } from "#shared/filter/filter-values";
import type { LookUp } from "#shared/filter/evaluate-filter";
import type { Identity } from "../certificates/device-identity.ts";
import type { Device } from "../devices/device.ts";
import { isTwoMachines } from "../devices/identity-guard.ts";

/** What rules may know of a device beside what filters do. */
export interface KnownOfDevice {
  readonly values: DeviceValues & { readonly device: Device };
  readonly identity: () => Identity;
  readonly missing: () => number;
  /** From when on the console could have heard the device; what was not said before says nothing. */
  readonly heardFrom: number;
}

/** What names stand for in a rule about a device. */
export function ruleLookUp({ values, identity, missing, heardFrom }: KnownOfDevice): LookUp {
  const { device, now } = values;
  return (name) => {
    switch (name) {
      case "silent":
        return device.lastSeen === null ? undefined : Math.max(0, now - Math.max(device.lastSeen, heardFrom));
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
      default:
        return readerOf(name)(values);
    }
  };
}

/** Whether what a name stands for is only known while the console hears its broker. */
export const isHeard = (name: string): boolean =>
  ["silent", "state", "online"].includes(name) && deviceNames.includes(name);
