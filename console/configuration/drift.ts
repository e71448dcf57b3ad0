import { emptyHash } from "#shared/configuration";
import { onlyPublishes, onlyPublishing, type Device } from "../devices/device.ts";
import type { Sent } from "./configured.ts";
import type { DesiredSettings } from "./configurations.ts";

/**
 * What a device's settings are beside what is wanted:
 *
 * - `none`: nobody wants any, and it has none;
 * - `in-step`: it has what is wanted;
 * - `sent`: a command is on its way;
 * - `waiting`: it is sent when the device is there, or its turn comes;
 * - `refused`, `rolled-back`: it has said no, or tried them and gone back: nothing is sent until somebody changes them or says `apply`;
 * - `unsigned`: it takes only what a person has signed;
 * - `unable`: it offers no `configure`, or takes no commands at all;
 * - `foreign`: it has some that this console knows nothing of, or newer ones: a person has to say which count.
 */
export type DriftState =
  | "none"
  | "in-step"
  | "sent"
  | "waiting"
  | "refused"
  | "rolled-back"
  | "unsigned"
  | "unable"
  | "foreign";

export interface Drift {
  readonly state: DriftState;
  /** A sentence: why, and who has to do what. */
  readonly why: string;
}

export interface DriftLooks {
  readonly desired: DesiredSettings;
  /** The newest number that this console has given. */
  readonly newest: number;
  readonly device: Pick<Device, "id" | "online" | "boot" | "lastSeen" | "config" | "commands" | "signers">;
  readonly sent: Sent | undefined;
}

/** Ends after which a person decides. */
const noes: ReadonlySet<string> = new Set(["failed", "rejected", "cancelled"]);

/** How a device stands to what is wanted of it. */
export function driftOf({ desired, newest, device, sent }: DriftLooks): Drift {
  const { id, config } = device;
  const has = config?.hash ?? emptyHash;
  if (has === desired.hash)
    return desired.version === 0
      ? { state: "none", why: "nothing is changed from here" }
      : { state: "in-step", why: `${id} has them` };
  const isTold = sent?.hash === desired.hash;
  if (isTold && sent.state === null) return { state: "sent", why: `command ${sent.command} is on its way` };
  if (isTold && noes.has(sent.state ?? "")) return refused(id, sent, config?.failed?.hash);
  if (config && (desired.version === 0 || config.version > newest))
    return {
      state: "foreign",
      why: `${id} has settings (version ${config.version}) that this console knows nothing of, as after a restore: say which count, with muster config ${id} apply or by changing them`,
    };
  if (device.signers)
    return {
      state: "unsigned",
      why: `${id} takes only commands that a person has signed: muster config ${id} apply --sign KEYFILE`,
    };
  if (device.commands && !Object.hasOwn(device.commands, "configure"))
    return { state: "unable", why: `the agent on ${id} offers no configure: update it, or let it with MUSTER_ALLOW` };
  if (onlyPublishes(device)) return { state: "unable", why: onlyPublishing(id) };
  return { state: "waiting", why: device.online ? "it is sent in a moment" : `it is sent when ${id} is back` };
}

function refused(id: string, { why }: Sent, failed: string | undefined): Drift {
  const state = failed === undefined ? "refused" : "rolled-back";
  const end = `change them, or try once more with muster config ${id} apply`;
  return { state, why: `${why ?? "no reason was given"}; ${end}` };
}
