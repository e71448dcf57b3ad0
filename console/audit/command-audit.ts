import { createHash } from "node:crypto";
import type { Command } from "../desk/command.ts";
import type { CommandAudit } from "../desk/unaudited.ts";
import type { JobAudit } from "../jobs/jobs.ts";
import { describe } from "../jobs/target.ts";
import type { Audit } from "./audit.ts";

/** Where an order of a job comes from: what is sent by it, the job's own entry tells of all devices. */
export const fromJob = "job";

/** States that are the device's word. */
const byDevice: ReadonlySet<Command["state"]> = new Set(["succeeded", "failed", "rejected", "interrupted"]);

/** Each command that is sent, and each end of one, beside its row: in one transaction, so that it costs no sync of its own. */
export function auditOfCommands(audit: Audit): CommandAudit {
  return {
    sent: (command, from = "api", write) => {
      if (from === fromJob) return write();
      const { id, device, key, args, by, timeout, expires } = command;
      const detail = { id, key, args: argsText(args), timeout, expires };
      audit.along({ who: by, from, what: "command.sent", on: device, detail }, write);
    },
    ended: (command, write) => {
      const { id, device, key, by, state, error, took } = command;
      const who = byDevice.has(state) ? device : "console";
      const result = state === "succeeded" || !error ? state : `${state}: ${error.code}: ${error.message}`;
      const detail = { id, key, by, took };
      audit.along(
        { who, from: who === device ? "mqtt" : "console", what: "command.ended", on: device, result, detail },
        write,
        true,
      );
    },
  };
}

/** Each job that is made, with how many devices it is for and a hash over which, by which a list of them can be checked; and each end of one. */
export function auditOfJobs(audit: Audit): JobAudit {
  return {
    created: ({ id, by, key, args, target, canary, rate, ttl }, devices, from) => {
      const targets = createHash("sha256").update(devices.toSorted().join("\n")).digest("hex");
      const order = { key, args: argsText(args), target: describe(target), canary, rate, ttl };
      const detail = { ...order, devices: devices.length, targets };
      audit.demand({ who: by, from, what: "job.created", on: id, detail });
    },
    ended: ({ id, by, state, why }, { total, succeeded, failed, cancelled }) => {
      const result = why === undefined ? state : `${state}: ${why}`;
      const event = { who: "console", from: "console", what: "job.ended", on: id, result };
      audit.note({ ...event, detail: { by, total, succeeded, failed, cancelled } });
    },
  };
}

/** Nothing is said of arguments where there are none. */
function argsText(args: Command["args"]): string | undefined {
  return Object.keys(args).length > 0 ? JSON.stringify(args) : undefined;
}
