/** What somebody may do. `device` and `console` are programs; `viewer` looks, `operator` also sends commands, `admin` also manages accounts. */
export const roles = ["device", "console", "viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

/** Characters of any secret; beyond it the page does not take one. */
export const maxPasswordLength = 256;

/** Somebody who has shown a name and its secret. */
export interface Principal {
  readonly name: string;
  readonly role: Role;
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
