/** What somebody may do. `device` and `console` are programs; `viewer` looks, `operator` also sends commands, `admin` also manages accounts. */
export const roles = ["device", "console", "viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

/** Somebody who has shown a name and its secret. */
export interface Principal {
  readonly name: string;
  readonly role: Role;
}
