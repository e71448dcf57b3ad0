/** What somebody may do. `device` and `console` are programs; `viewer` looks, `operator` also sends commands, `admin` also manages accounts. */
export const roles = ["device", "console", "viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

/** Characters of any secret; beyond it the page does not take one. */
export const maxPasswordLength = 256;

/** Somebody who has shown a name and its secret. */
export interface Principal {
  readonly name: string;
  readonly role: Role;
  /** The groups of devices to which it is limited; without them it may reach every device. */
  readonly groups?: readonly string[] | undefined;
}

/** What a group of devices may be called. */
export const groupPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** The groups that a device is in, as they are at that moment. */
export type GroupsOf = (device: string) => readonly string[];

/**
 * Whether somebody may see a device and, as far as the role goes, act on it. This is the one decision: every door asks it, over HTTP and
 * MQTT, with each message and event, so that a device that is put into another group is out of reach at once.
 */
export function mayReach({ groups }: Pick<Principal, "groups">, device: string, groupsOf: GroupsOf): boolean {
  if (groups === undefined) return true;
  const its = groupsOf(device);
  return groups.some((group) => its.includes(group));
}

/**
 * Connections that a person can have at Mosquitto at once. There the client id is the user's name, so that nobody can take
 * another's place, and a name has one connection: a second one closes the first. So a person gets a few names.
 */
export const seats = 4;

/** The names under which a person logs in at Mosquitto: `ann`, `ann~2`, … No account can be called so. */
export function seatsOf(name: string): string[] {
  return Array.from({ length: seats }, (_, at) => (at === 0 ? name : `${name}~${at + 1}`));
}

/** Whether it is a role of people, and of the programs that stand for them. */
export function isPersonRole(role: Role): boolean {
  return role !== "device" && role !== "console";
}
