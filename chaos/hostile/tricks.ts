import type { Task } from "#shared/messages/command-messages";
import type { Signature } from "#shared/messages/command-signature";
import { testSigner } from "#shared/signing/fixture";
import { devices, type Device } from "../setting.ts";

/** A signed task that has passed the bus: whoever holds that has all of it. */
export interface Stolen {
  readonly device: Device;
  readonly id: string;
  readonly task: Task & { readonly signature: Signature };
}

/** What he makes of it, and puts before a device. */
export interface Forged {
  readonly device: Device;
  readonly id: string;
  readonly task: Task;
  /**
   * The code by which the device has to refuse it, where nothing else can be known under that id there. What comes under a command's own id is
   * answered as that was, once the device has begun or answered it.
   */
  readonly refusal?: string;
}

/** @param fresh an id that nobody has */
export type Trick = (stolen: Stolen, fresh: string) => Forged;

/** He has a key as well, which nobody has pinned. */
const stranger = testSigner(66, "mallory");

function signedByStranger({ key, args = {} }: Task, id: string, device: Device): Signature {
  const ts = Date.now();
  return stranger.command({ id, device, key, args: { ...args }, ts, expires: ts + 60_000 });
}

/** Other arguments, by which the handler's line shows that they were these. */
function altered(task: Task): Task {
  const before = Number(task.args?.["before"] ?? 0);
  return { ...task, args: { ...task.args, before: before + 1 } };
}

function unsigned(task: Task): Task {
  return { ...task, signature: undefined };
}

/** Under the id of the command itself: he is before it, behind it, or in its place. */
export const inItsPlace: Readonly<Record<string, Trick>> = {
  "other arguments": ({ task, ...to }) => ({ ...to, task: altered(task) }),
  "another key": ({ task, ...to }) => ({ ...to, task: { ...task, key: task.key === "once" ? "rerun" : "once" } }),
  "no signature": ({ task, ...to }) => ({ ...to, task: unsigned(task) }),
  "a stranger's signature": ({ task, ...to }) => ({
    ...to,
    task: { ...task, signature: signedByStranger(task, to.id, to.device) },
  }),
  "a longer life": ({ task, ...to }) => ({
    ...to,
    task: { ...task, signature: { ...task.signature, expires: task.signature.expires + 60_000 } },
  }),
  "no expiry of the console's": ({ task, ...to }) => ({ ...to, task: { ...task, expires: undefined } }),
  "the same again": (stolen) => stolen,
};

/** Under an id, or for a device, that no person has signed it for. */
export const elsewhere: Readonly<Record<string, Trick>> = {
  invented: ({ device }, id) => ({
    device,
    id,
    task: { id, key: "once", args: { token: id, before: 0, after: 0 } },
    refusal: "unsigned",
  }),
  "unsigned under another id": ({ device, task }, id) => ({
    device,
    id,
    task: { ...unsigned(task), id },
    refusal: "unsigned",
  }),
  "a stranger's": ({ device, task }, id) => ({
    device,
    id,
    task: { ...task, id, signature: signedByStranger(task, id, device) },
    refusal: "unknown-signer",
  }),
  "a stranger's, in the signer's name": ({ device, task }, id) => {
    const signature = { ...signedByStranger(task, id, device), key: task.signature.key };
    return { device, id, task: { ...task, id, signature }, refusal: "bad-signature" };
  },
  "another id": ({ device, task }, id) => ({ device, id, task: { ...task, id }, refusal: "bad-signature" }),
  "as one of a job": ({ device, task }, id) => {
    const signature = { ...task.signature, job: { count: 1, index: 0, path: [] } };
    return { device, id, task: { ...task, id, signature }, refusal: "bad-signature" };
  },
  "another device": ({ device, id, task }) => ({
    device: devices.find((other) => other !== device) ?? device,
    id,
    task,
    // One of a job's is known there by its id, and answered as its own was.
    ...(task.signature.job === undefined ? { refusal: "bad-signature" } : {}),
  }),
};
