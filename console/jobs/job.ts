import { createHash, createHmac } from "node:crypto";
import { parseCommandId, type CommandId, type DeviceId } from "#shared/ids";
import type { CommandState } from "#shared/command-states";
import type { Args } from "#shared/messages/command-messages";
import type { Signature } from "#shared/messages/command-signature";
import type { Command } from "../desk/command.ts";
import type { Target } from "./target.ts";

/** Where a job is: the last three are final, though commands that were begun under it may still end afterwards. */
export type JobState = "running" | "paused" | "cancelled" | "aborted" | "done";

/** When to stop because too much goes wrong. */
export interface AbortRule {
  /** The share, 0 to 1, of ended devices that may fail; a larger one aborts. */
  readonly failed: number;
  /** Ended devices before the share counts. */
  readonly min: number;
}

/** What somebody asks for: one command to many devices. */
export interface JobRequest {
  readonly key: string;
  readonly args: Args;
  readonly target: Target;
  /** Commands a second at most. */
  readonly rate: number;
  /** Devices that go first; the rest waits until all of them have ended well enough. */
  readonly canary: number;
  /** Null: only the canaries are judged, and none of them may fail. */
  readonly abort: AbortRule | null;
  /** What has to hold of the devices that were served, for the job to go on; see `gate.ts`. */
  readonly gate?: string | undefined;
  /** Milliseconds that each command may wait for its device. */
  readonly ttl: number;
  /** Milliseconds that a device may take, from being sent to while online; null for as long as it likes. */
  readonly timeout: number | null;
  /** An id of the sender's own, which a signature is for. */
  readonly id?: string | undefined;
  /** A person's word for it on all the devices of its target, which is a list then. */
  readonly signature?: JobSignature | undefined;
}

/** As it is before each device is shown to be in the list. */
export type JobSignature = Omit<Signature, "job">;

/** An order that was taken. Times are epoch ms. */
export interface Job extends JobRequest {
  readonly id: string;
  readonly by: string;
  readonly ts: number;
  /** What has begun it by the clock, under the name that it had then. */
  readonly schedule?: { readonly id: string; readonly name: string } | undefined;
  readonly state: JobState;
  /** Why it was paused, cancelled or aborted. */
  readonly why?: string;
  readonly ended?: number;
}

/** A device's part of a job: waiting until its command is sent, then in that command's state. */
export type RowState = "waiting" | CommandState;

export interface JobRow {
  readonly device: DeviceId;
  /** Its place in the order of sending. */
  readonly position: number;
  readonly canary: boolean;
  readonly state: RowState;
  /** Null until it is sent. */
  readonly command: CommandId | null;
  readonly sent: number | null;
  /** Since when its timeout counts: it was sent to, and online. */
  readonly taken: number | null;
  readonly ended: number | null;
  /** What came out of it, in a line: the result, or why there is none. */
  readonly outcome: string | null;
  /** Of a running command, 0 to 1; not kept. */
  readonly progress?: number;
}

/** Rows whose command was sent and has not ended. */
export function isSent({ state }: Pick<JobRow, "state">): boolean {
  return state === "queued" || state === "accepted" || state === "running";
}

/** Ended, but not as wished; a withdrawal by a person is neither a success nor a failure. */
export function isFailure(state: RowState): boolean {
  return (
    state === "failed" ||
    state === "interrupted" ||
    state === "rejected" ||
    state === "expired" ||
    state === "timed_out"
  );
}

/**
 * The command that serves `device` under `job`: always the same one, so that after a crash it is found again
 * instead of sent twice. It begins with the job's id, and so tells where it came from.
 * @param nonce the job's own, kept in its row and told to nobody: without it a device, which knows its own command's id,
 *   could compute the others'. Empty for a job that was begun before there were nonces.
 */
export function commandIdOf(job: string, nonce: string, device: DeviceId): CommandId {
  const hash =
    nonce === "" ? createHash("sha256").update(`${job}/${device}`) : createHmac("sha256", nonce).update(device);
  return parseCommandId(`${job}-${hash.digest("hex").slice(0, nonce === "" ? 16 : 32)}`);
}

/** The same of a signed job: its id, which is what was signed, on each of its devices. */
export function signedCommandId(job: string): CommandId {
  return parseCommandId(job);
}

/** Characters of a row's outcome: a line; the command has it all. */
const outcomeLength = 200;

/** What came out of an ended command, in a line. */
export function outcomeOf({ state, result, error }: Command): string | null {
  if (state !== "succeeded") return error?.message.slice(0, outcomeLength) ?? null;
  return result === undefined ? null : JSON.stringify(result).slice(0, outcomeLength);
}
