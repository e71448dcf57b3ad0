import { counted } from "#shared/counted";
import { CommandRefusedError } from "../desk/command-errors.ts";
import { checkOffered } from "../desk/offered.ts";
import { checkSigned } from "../desk/order.ts";
import type { Device } from "../devices/device.ts";
import { JobRefusedError } from "./job-errors.ts";
import type { Job, JobRow } from "./job.ts";

/** The devices that take the command, canaries first; then those that do not, rejected with their reason. */
export function toRows({ key, args, canary, ts, signature }: Job, devices: readonly Device[]): readonly JobRow[] {
  const answers = devices.map((device) => ({ device, refused: refusal(device, { key, args, signature }) }));
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

function refusal(device: Device, order: Pick<Job, "key" | "args" | "signature">): CommandRefusedError | undefined {
  const { id, commands } = device;
  const refused = { device: id, key: order.key, args: order.args };
  try {
    if (commands) checkOffered(id, commands, refused);
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
  const first = answers[0]?.refused?.message ?? "";
  if (answers.length === 1) return new JobRefusedError("no-takers", first);
  if (answers.some(({ refused }) => refused?.reason !== "unknown-key"))
    return new JobRefusedError("no-takers", `none of the ${counted(answers.length, "device")} takes it: ${first}`);
  const offered = [...new Set(answers.flatMap(({ device }) => Object.keys(device.commands ?? {})))].sort().join(", ");
  return new JobRefusedError(
    "no-takers",
    `none of the ${counted(answers.length, "device")} offers "${key}"; they offer ${offered || "nothing"}`,
  );
}
