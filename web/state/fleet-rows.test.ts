import * as assert from "uvu/assert";
import { effect } from "@preact/signals";
import type { FleetCells } from "#api/fleet-routes";
import { suite } from "../../test/suite.ts";
import {
  allRows,
  forgetRows,
  numberOf,
  rowOf,
  rowsVersion,
  startOver,
  takeBundle,
  takePage,
  trailLength,
  wantColumns,
} from "./fleet-rows.ts";

const columns = ["id", "name", "cpu.usage_idle"];
const count = 10_000;
const cells = (at: number, idle: number): FleetCells => [`dev-${at}`, null, idle];
const all = (idle: number): FleetCells[] => Array.from({ length: count }, (_, at) => cells(at, idle));

function fetched(): void {
  forgetRows();
  const finish = startOver();
  takePage({ columns, rows: all(10), gone: [], next: null, whole: true, revision: "life-1" });
  finish();
}

/** How often what is drawn would be drawn anew. */
function drawings(work: () => void): number {
  let drawn = -1;
  const end = effect(() => {
    void rowsVersion.value;
    drawn += 1;
  });
  work();
  end();
  return drawn;
}

suite("page: the fleet's rows", ({ test }) => {
  test("a bundle of thousands is one change to draw, and sorts nothing anew", () => {
    fetched();
    const order = allRows();
    assert.is(order.length, count);
    assert.is(
      drawings(() => takeBundle({ rows: all(20), revision: "life-2" })),
      1,
    );
    assert.is(allRows(), order, "names are as they were, and so is their order");
    assert.is(numberOf(order[0]!, "cpu.usage_idle"), 20);
    assert.is(
      drawings(() => takeBundle({ rows: [], revision: "life-3" })),
      0,
      "nothing is nothing to draw",
    );
  });

  test("who is called something else stands elsewhere", () => {
    fetched();
    const order = allRows();
    takeBundle({ rows: [["dev-9", "aaa", 1]], revision: "life-2" });
    assert.is.not(allRows(), order);
    assert.is(allRows()[0]?.id, "dev-9");
  });

  test("values of a small line are kept of the columns that somebody follows, so many", () => {
    wantColumns(["cpu.usage_idle"]);
    fetched();
    for (let round = 2; round < 2 + 2 * trailLength; round++)
      takeBundle({ rows: [cells(1, round)], revision: `life-${round}` });
    assert.is(rowOf("dev-1")?.trails.get("cpu.usage_idle")?.length, trailLength);
    wantColumns([]);
  });
});
