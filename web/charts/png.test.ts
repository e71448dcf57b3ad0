import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { flow, periodOf } from "./png.ts";

suite("a chart as a picture", ({ test }) => {
  test("its legend goes on in another line where there is no room, and a wide entry has one to itself", () => {
    assert.equal(flow([], 100), []);
    assert.equal(flow([40, 46, 1], 100), [
      { x: 0, line: 0 },
      { x: 54, line: 0 },
      { x: 0, line: 1 },
    ]);
    assert.equal(flow([10, 300, 10], 100), [
      { x: 0, line: 0 },
      { x: 0, line: 1 },
      { x: 0, line: 2 },
    ]);
  });

  test("says the days of its time, with the year: nobody knows when it will be looked at", () => {
    const from = new Date(2026, 10, 21, 23, 59, 30).getTime();
    assert.is(periodOf({ from, to: from + 60_000 }), "21 Nov 2026, 23:59:30 to 22 Nov 2026, 00:00:30");
  });
});
