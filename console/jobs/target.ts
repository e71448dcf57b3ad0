import { parseDeviceId, type DeviceId } from "#shared/ids";
import { assertTold, parseChoice } from "#shared/filter/choose-devices";
import { lookUpIn, type DeviceValues } from "#shared/filter/filter-values";
import { quoted } from "#shared/printable";
import type { Device } from "../devices/device.ts";
import { JobRefusedError } from "./job-errors.ts";
import type { Groups } from "../devices/groups.ts";

/** Which devices: all that were ever heard, these, a group's, or those that fit conditions. */
export type Target =
  | { readonly all: true }
  | { readonly devices: readonly string[] }
  | { readonly group: string }
  | { readonly where: string };

/** Where devices are looked up. */
export interface Directory {
  list(): readonly Device[];
  get(id: string): Device | undefined;
}

/** Where devices and their groups are looked up. */
export interface Fleet extends Directory {
  members(group: string): readonly DeviceId[];
  /** The names of all groups. */
  groups(): readonly string[];
  /** What a device tells that it can be chosen by. */
  values(device: Device): DeviceValues;
}

/** Whether a device is within the reach of somebody; without it every device is. */
export type Reach = (device: string) => boolean;

/** The fleet as somebody sees it. */
export function fleetWithin(
  reaches: Reach | undefined,
  directory: Directory,
  groups: Groups,
  values: Fleet["values"],
): Fleet {
  if (!reaches)
    return {
      list: () => directory.list(),
      get: (id) => directory.get(id),
      members: (group) => groups.members(group),
      groups: () => groups.names(),
      values,
    };
  const list = (): readonly Device[] => directory.list().filter(({ id }) => reaches(id));
  return {
    list,
    get: (id) => (reaches(id) ? directory.get(id) : undefined),
    members: (group) => groups.members(group).filter(reaches),
    groups: () => [...new Set(list().flatMap(({ id }) => groups.of(id)))].sort(),
    values,
  };
}

/**
 * The devices that the target means, in the order in which they are to be served: as listed where they are listed,
 * otherwise those that are online first, because an offline canary would hold up all others and prove nothing.
 * @throws JobRefusedError when it names what is not there or selects nothing, BadInputError when it cannot be read
 */
export function select(target: Target, fleet: Fleet): readonly Device[] {
  if ("devices" in target) return listed(target.devices, fleet);
  // Who names a retired one is told so; all others mean what is in service.
  const found = matching(target, fleet).filter(({ retired }) => !retired);
  if (found.length === 0) throw new JobRefusedError("no-devices", nothing(target));
  return [...found].sort((a, b) => Number(b.online) - Number(a.online) || a.id.localeCompare(b.id));
}

/** The target as somebody may know of it. */
export function targetWithin(target: Target, reaches: Reach): Target {
  return "devices" in target ? { devices: target.devices.filter(reaches) } : target;
}

/** The target as a person would say it. */
export function describe(target: Target): string {
  if ("all" in target) return "all devices";
  if ("devices" in target) return target.devices.join(", ");
  return "group" in target ? `group ${target.group}` : `devices with ${target.where}`;
}

function listed(ids: readonly string[], directory: Directory): readonly Device[] {
  if (ids.length === 0) throw new JobRefusedError("no-devices", "the list of devices is empty: name at least one");
  const devices = [...new Set(ids)].map((id) => ({ id, device: directory.get(parseDeviceId(id)) }));
  const unknown = devices.filter(({ device }) => !device).map(({ id }) => `"${id}"`);
  if (unknown.length > 0)
    throw new JobRefusedError(
      "unknown-device",
      `there is no device ${unknown.join(", ")}; GET /api/devices lists them`,
    );
  return devices.flatMap(({ device }) => device ?? []);
}

function matching(target: Exclude<Target, { devices: unknown }>, fleet: Fleet): readonly Device[] {
  if ("all" in target) return fleet.list();
  if ("group" in target) return inGroup(target.group, fleet);
  const choice = parseChoice(target.where);
  const devices = fleet.list();
  assertTold(choice, () => devices.map((device) => fleet.values(device)));
  return devices.filter((device) => choice.fits(lookUpIn(fleet.values(device))));
}

function inGroup(group: string, fleet: Fleet): readonly Device[] {
  const members = fleet.members(group);
  if (members.length > 0) return members.flatMap((id) => fleet.get(id) ?? []);
  const names = fleet.groups().join(", ") || "none yet; make one with muster group DEVICE GROUP";
  throw new JobRefusedError("unknown-group", `there is no group ${quoted(group)}; the groups are ${names}`);
}

function nothing(target: Target): string {
  if ("where" in target) return `no device fits ${target.where}; GET /api/devices shows what each tells about itself`;
  return `there are no devices in ${describe(target)}`;
}
