import * as assert from "uvu/assert";
import type { JobDevice, JobDocument } from "#api/job-routes";
import { suite } from "../test/suite.ts";
import { exitStatusOf } from "./send-to-many.ts";

const ts = 1_000;
const one = (changes: Partial<JobDevice>): JobDevice => ({
  device: "d",
  state: "succeeded",
  canary: false,
  command: "c",
  sent: ts + 1,
  ended: ts + 2,
  outcome: null,
  ...changes,
});
const passedOver = one({ state: "rejected", command: null, sent: null, ended: ts });

suite("the exit status of what is sent to many", ({ test }) => {
  const cases: [what: string, devices: JobDevice[], status: number][] = [
    ["all succeeded", [one({}), one({})], 0],
    ["one takes no such command, and was passed over from the start", [one({}), passedOver], 0],
    ["one said no to it", [one({}), one({ state: "rejected" })], 1],
    ["one was refused when it was its turn", [one({}), one({ ...passedOver, ended: ts + 5 })], 1],
    ["one failed", [one({}), passedOver, one({ state: "failed" })], 1],
    ["one never got it", [one({}), one({ state: "expired" })], 1],
  ];
  for (const [what, devices, status] of cases)
    test(what, () => {
      const succeeded = devices.filter(({ state }) => state === "succeeded").length;
      const counts = { total: devices.length, succeeded } as JobDocument["counts"];
      assert.is(exitStatusOf({ ts, counts, devices }), status);
    });
});
