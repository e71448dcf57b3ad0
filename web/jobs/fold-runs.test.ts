import * as assert from "uvu/assert";
import type { JobSummaryDocument } from "#api/job-routes";
import { suite } from "../../test/suite.ts";
import { folded } from "./fold-runs.ts";

const job = (id: string, ts: number, schedule?: string): JobSummaryDocument =>
  ({
    id,
    ts,
    ...(schedule === undefined ? {} : { schedule: { id: schedule, name: `as ${schedule} was` } }),
  }) as JobSummaryDocument;
const last = (ts: number) => ({ due: ts, ts, state: "begun" as const, job: "x", why: null });

suite("runs of schedules in the list of jobs", ({ test }) => {
  test("stand in one place, where the newest of them is; of a removed schedule as well", () => {
    const jobs = [job("e", 5, "s1"), job("d", 4), job("c", 3, "s1"), job("b", 2, "gone"), job("a", 1)];
    const schedules = [
      { id: "s1", name: "nightly", last: last(5) },
      { id: "s2", name: "hourly", last: last(3.5) },
      { id: "s3", name: "never yet", last: null },
    ];
    assert.equal(
      folded(jobs, schedules).map((one) => ("runs" in one ? [one.name, one.runs.map(({ id }) => id)] : one.id)),
      [["nightly", ["e", "c"]], "d", ["hourly", []], ["as gone was", ["b"]], "a"],
    );
  });
});
