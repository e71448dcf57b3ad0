import * as assert from "uvu/assert";
import type { JobSummaryDocument } from "#api/job-routes";
import { suite } from "../../test/suite.ts";
import { forgetJobs, listJobs, takeJobs } from "./job-state.ts";
import { Newest, nextMoment } from "./newest.ts";

const job = (state: JobSummaryDocument["state"]): JobSummaryDocument =>
  ({ id: "j1", ts: 1, state }) as Partial<JobSummaryDocument> as JobSummaryDocument;

suite("which answer counts", ({ test }) => {
  test("the one to the newest question, in whatever order they come; none once nobody waits", () => {
    const newest = new Newest();
    const [first, second] = [newest.begin(), newest.begin()];
    assert.equal([second(), first(), second()], [true, false, true]);
    newest.forget();
    assert.not(second());
    assert.ok(newest.begin()());
  });

  test("of a job what was told last, and not what was asked for before it", () => {
    const asked = nextMoment();
    takeJobs([job("done")]);
    takeJobs([job("running")], asked);
    assert.equal(
      listJobs().map(({ state }) => state),
      ["done"],
    );
    takeJobs([job("aborted")], nextMoment());
    assert.is(listJobs()[0]?.state, "aborted");
    forgetJobs();
  });
});
