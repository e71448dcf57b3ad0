import { counted } from "#shared/counted";
import { CommandRefusedError } from "../desk/command-errors.ts";
import { checkOffered } from "../desk/offered.ts";
import { assertInService, checkSigned } from "../desk/order.ts";
import type { DeviceId } from "#shared/ids";
import { onlyPublishes, onlyPublishing, type Device } from "../devices/device.ts";
import { JobRefusedError } from "./job-errors.ts";
import type { Job, JobRow } from "./job.ts";

/** What a device is asked, and whether it is one that has ever answered a command: such firmware takes them, though it says so by no birth. */
interface Asked extends Pick<Job, "key" | "args" | "signature"> {
  readonly hasAnswered: (device: DeviceId) => boolean;
}

/** What a job would make of a device. */
export interface PlannedRow {
  readonly device: Device;
  /** Why it would not be sent to; undefined where it would. */
  readonly refused: string | undefined;
  readonly canary: boolean;
}

/** What a job would make of its devices, in the order in which it would serve them; also where none of them takes it. */
export function planned(
  { key, args, canary, signature }: Pick<Job, "key" | "args" | "canary" | "signature">,
  devices: readonly Device[],
  hasAnswered: Asked["hasAnswered"],
): readonly PlannedRow[] {
  const all = devices.map((device) => ({
    device,
    refused: refusal(device, { key, args, signature, hasAnswered })?.message,
  }));
  const takers = all.filter(({ refused }) => refused === undefined);
  return [...takers, ...all.filter(({ refused }) => refused !== undefined)].map((row, at) => ({
    ...row,
    canary: row.refused === undefined && at < canary,
  }));
}

/** The devices that take the command, canaries first; then those that do not, rejected with their reason. */
export function toRows(
  { key, args, canary, ts, signature }: Job,
  devices: readonly Device[],
  hasAnswered: Asked["hasAnswered"],
): readonly JobRow[] {
  const answers = devices.map((device) => ({
    device,
    refused: refusal(device, { key, args, signature, hasAnswered }),
  }));
  const takers = answers.filter(({ refused }) => refused === undefined);
  if (takers.length === 0) throw noTakers(key, answers);
  return [...takers, ...answers.filter(({ refused }) => refused !== undefined)].map(
    ({ device, refused }, position) => ({
      device: device.id,
      position,
      canary: refused === undefined && position < canary,
      state: refused ? "rejected" : "waiting",
      command: null,
      sent: null,
      taken: null,
      ended: refused ? ts : null,
      outcome: refused?.message ?? null,
    }),
  );
}

function refusal(device: Device, order: Asked): CommandRefusedError | undefined {
  const { id, commands } = device;
  const refused = { device: id, key: order.key, args: order.args };
  try {
    assertInService(device, refused);
    if (onlyPublishes(device) && !order.hasAnswered(id))
      return new CommandRefusedError("offline", onlyPublishing(id), refused);
    if (commands) checkOffered(id, commands, refused, device.noUpdate);
    checkSigned(device, order.signature, refused);
    return undefined;
  } catch (error) {
    if (error instanceof CommandRefusedError) return error;
    throw error;
  }
}

function noTakers(
  key: string,
  answers: readonly { readonly device: Device; readonly refused: CommandRefusedError | undefined }[],
): JobRefusedError {
  // What takes nothing at all says nothing about this command where others could have taken it.
  const able = answers.filter(({ device }) => !onlyPublishes(device));
  const telling = able.length > 0 ? able : answers;
  const first = telling[0]?.refused?.message ?? "";
  if (answers.length === 1) return new JobRefusedError("no-takers", first);
  if (telling.some(({ refused }) => refused?.reason !== "unknown-key"))
    return new JobRefusedError("no-takers", `none of the ${counted(answers.length, "device")} takes it: ${first}`);
  const offered = [...new Set(answers.flatMap(({ device }) => Object.keys(device.commands ?? {})))].sort().join(", ");
  return new JobRefusedError(
    "no-takers",
    `none of the ${counted(answers.length, "device")} offers "${key}"; they offer ${offered || "nothing"}`,
  );
}
