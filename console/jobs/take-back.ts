import { asError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Job, JobRequest } from "./job.ts";

export interface TakingBack {
  /** The command that takes back what `key` has done on a device, where that names one. */
  readonly undoOf: (device: DeviceId, key: string) => string | undefined;
  /** Whether there has been a job of this id. */
  readonly isMade: (id: string) => boolean;
  /** @param by who is said to have ordered it @throws JobRefusedError, BadInputError where it cannot be made */
  readonly create: (order: JobRequest, by: string) => unknown;
}

/**
 * What a command has done is taken back where it names the command for that, by a job whose id is made of the other's: once, however often it is
 * asked for. @returns what came of it, as a part of a sentence
 */
export function takeBack(job: Job, devices: readonly DeviceId[], { undoOf, isMade, create }: TakingBack): string {
  const key = devices.map((device) => undoOf(device, job.key)).find((one) => one !== undefined);
  if (devices.length === 0) return "none has had it, so that none goes back";
  if (key === undefined) return `${job.key} knows no way back: the ${devices.length} that have had it stay as they are`;
  if (job.signature)
    return `it was signed, so that a person has to sign ${key} for the ${devices.length} that have had it`;
  const id = `${job.id}u`;
  try {
    const { rate, ttl, timeout, by } = job;
    const order = { id, key, args: { of: job.id }, target: { devices }, rate, canary: 0, abort: null, ttl, timeout };
    if (!isMade(id)) create(order, `${by} (the gate of job ${job.id})`);
    return `the ${devices.length} that have had it are told to go back, by ${key} in job ${id}`;
  } catch (thrown) {
    return `the ${devices.length} that have had it could not be told to go back: ${asError(thrown).message}`;
  }
}
