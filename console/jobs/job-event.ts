import type { CommandId, DeviceId } from "#shared/ids";
import type { Command } from "../desk/command.ts";
import type { GateVerdict } from "./gate.ts";
import type { Job, JobRow } from "./job.ts";

/** What happens to a job. */
export type JobEvent = {
  /** Epoch ms. */
  readonly now: number;
} & (
  | { readonly kind: "started" | "resumed" }
  /** With what the gate says, where the job has one. */
  | { readonly kind: "looked"; readonly gate?: GateVerdict | undefined }
  | { readonly kind: "paused" | "cancelled"; readonly by: string }
  | { readonly kind: "held"; readonly why: string }
  /** The pace allows one more: `command` is what serves the next device. */
  | { readonly kind: "due"; readonly device: DeviceId; readonly command: CommandId; readonly online: boolean }
  /** The desk does not take the command for that device, or cannot. */
  | { readonly kind: "refused"; readonly device: DeviceId; readonly why: string }
  | { readonly kind: "unsent"; readonly device: DeviceId }
  /** A command has changed. */
  | { readonly kind: "told"; readonly command: Command }
  /** After a restart: what the desk knows of a row that was sent. */
  | { readonly kind: "found"; readonly device: DeviceId; readonly command: Command | undefined }
  | { readonly kind: "online"; readonly device: DeviceId }
  /** The device is no more: `why` is a sentence. */
  | { readonly kind: "removed"; readonly device: DeviceId; readonly why: string }
  /** A device's time is over; whether by a clock that can be believed. And when it is time to look at that again. */
  | { readonly kind: "overdue"; readonly device: DeviceId; readonly timely: boolean }
  | { readonly kind: "again"; readonly device: DeviceId }
);

/** What is to be done besides, in this order. */
export type Effect =
  /** Plan the next `due`, at the job's pace; or plan none. */
  | { readonly kind: "plan" | "halt" }
  /** Look at the job as a whole, now that its rows have changed: the next event is `looked`. */
  | { readonly kind: "look" }
  /** Nothing is left to do or to wait for. */
  | { readonly kind: "over" }
  | { readonly kind: "submit"; readonly device: DeviceId; readonly command: CommandId }
  | { readonly kind: "withdraw"; readonly device: DeviceId; readonly command: CommandId; readonly by: string }
  /** After `ms` the row's time is over (unless that is set already), or it is looked at `again`; and neither. */
  | { readonly kind: "time"; readonly row: JobRow; readonly ms: number; readonly event: "overdue" | "again" }
  | { readonly kind: "untime"; readonly row: JobRow };

/** What a job becomes. */
export interface JobStep {
  readonly job: Job;
  /** The rows that change, as they are then. */
  readonly rows: readonly JobRow[];
  readonly effects: readonly Effect[];
  /** Whether it is taken only where the disk takes it: else it is kept until that does. */
  readonly demanded?: true;
}
