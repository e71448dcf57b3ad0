import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { eventually, suite } from "../../test/suite.ts";
import { Journal } from "../commands/exec/fixture.ts";
import type { Columns } from "../metrics/to-columns.ts";
import { rowsOf } from "./fixture.ts";
import { Intake } from "./intake.ts";
import { MetricPrograms } from "./programs.ts";

suite("the example collectors", ({ test }) => {
  test("the one in shell and the one in Python give samples", async (scope) => {
    const home = process.env["HOME"];
    process.env["HOME"] = await scope.directory();
    scope.cleanup(() => (home === undefined ? delete process.env["HOME"] : (process.env["HOME"] = home)));
    const inbox = join(process.env["HOME"], "inbox");
    await mkdir(inbox);
    await writeFile(join(inbox, "old"), "12345");
    await utimes(join(inbox, "old"), new Date(), new Date(Date.now() - 3_600_000));
    await writeFile(join(inbox, "new"), "123");
    const batches: Columns[] = [];
    const log = new Journal();
    const intake = new Intake({ clock: systemClock, emit: (columns) => void batches.push(columns) });
    const options = { device: "edge-1", paused: () => false, intake, clock: systemClock, log };
    const programs = new MetricPrograms({ ...options, directory: resolve("examples/collectors") });
    scope.cleanup(() => programs.stop());
    await programs.start();
    await eventually("a sample of each", () => intake.taken === 2);
    await programs.idle();
    intake.stop();
    assert.equal([log.sentences, programs.problems], [[], {}]);
    const rows = rowsOf(batches);
    const valueOf = (field: string): unknown => rows.find((row) => row.field === field)?.value;
    assert.equal([valueOf("files"), valueOf("bytes")], [2, 8]);
    assert.ok(Number(valueOf("oldest_seconds")) >= 3_599);
    assert.equal(rows.find(({ field }) => field === "count")?.tags, { device: "edge-1" });
  });
});
