import * as assert from "uvu/assert";
import { parseChoice } from "#shared/filter/choose-devices";
import { parseSort, type TableCell } from "#shared/fleet-table";
import { suite } from "../../test/suite.ts";
import {
  fleetColumns,
  maxOwnColumns,
  allRows,
  dropRow,
  forgetRows,
  startOver,
  takeBundle,
  takePage,
  trailLength,
  wantColumns,
  rowOf,
} from "../state/fleet-rows.ts";
import { now } from "../state/now.ts";
import { arrange, countStates, type ListWanted } from "./arrange.ts";
import { fleetQuery, fleetViewOf } from "./fleet-view.ts";

const columns = [
  "id",
  "name",
  "online",
  "boot",
  "seen",
  "silentAfter",
  "group",
  "tag",
  "version",
  "cpu.usage_idle",
  "retired",
];
const rows: TableCell[][] = [
  ["a", null, true, "b", 1_000, null, ["lab"], [], "0.10.0", 20, false],
  ["b", "Garage", false, "b", 1_000, null, ["lab", "north"], ["old"], "0.9.0", null, false],
  ["c", null, false, null, 1_000, 60_000, [], [], null, 90, false],
];
const told = (more: readonly TableCell[][], revision: string) =>
  takePage({ columns, rows: more.map((row) => [...row]) as never, whole: true, gone: [], revision, next: null });

const plain: ListWanted = {
  fits: undefined,
  state: undefined,
  withRetired: false,
  sort: undefined,
  group: undefined,
  closed: new Set(),
};
const ids = (wanted: Partial<ListWanted>): string[] =>
  arrange(allRows(), { ...plain, ...wanted }).items.map((item) =>
    item.kind === "row" ? item.row.id : `[${item.name} ${item.rows.length}]`,
  );

suite("web fleet", ({ test }) => {
  test("is chosen, sorted and grouped", () => {
    now.value = 50_000;
    told(rows, "x-5");
    const where = (text: string): string[] => ids({ fits: parseChoice(text).fits });
    assert.equal(where("group=lab"), ["a", "b"]);
    assert.equal(where("garage or cpu.usage_idle>80"), ["c", "b"]);
    assert.equal(where("version<0.10"), ["b"]);
    assert.equal(where("silent>40s state=reporting"), ["c"]);
    assert.equal(where("tag=old"), ["b"]);
    assert.equal(ids({ state: "offline" }), ["b"]);
    assert.equal(ids({ sort: parseSort("-cpu") }), ["a", "c", "b"]);
    assert.equal(ids({ sort: parseSort("-id") }), ["b", "c", "a"]);
    assert.equal(ids({ group: "group" }), ["[lab 2]", "a", "b", "[north 1]", "b", "[ 1]", "c"]);
    assert.equal(ids({ group: "group", closed: new Set(["lab"]) }), ["[lab 2]", "[north 1]", "b", "[ 1]", "c"]);
    assert.equal(countStates(allRows()), { all: 3, online: 1, offline: 1, reporting: 1, silent: 0, retired: 0 });
    told([["a", null, true, "b", 1_000, null, ["lab"], [], "0.10.0", 20, true]], "x-6");
    assert.equal([ids({}), ids({ state: "retired" }), countStates(allRows()).all], [["c", "b"], ["a"], 2]);
    assert.equal(ids({ fits: parseChoice("retired=true").fits, withRetired: true }), ["a"]);
    told([["c", ["Attic", "c"], false, null, 1_000, 60_000, [], [], null, 90, false]], "x-7");
    assert.equal(ids({ withRetired: true }), ["a", "c", "b"], "Attic stands before Garage");
    told([["a", ["Shed", "a"], true, "b", 1_000, null, ["lab"], [], "0.10.0", 20, true]], "x-8");
    assert.equal(ids({ withRetired: true, sort: parseSort("-id") }), ["a", "b", "c"], "by what is shown");
    now.value = 70_000;
    assert.is(countStates(allRows()).silent, 1);
    forgetRows();
  });

  test("takes what is newer alone, and lets go of what is told no more", () => {
    const version = (id: string): unknown => rowOf(id)?.values[8];
    told(rows, "x-5");
    const changed = [["a", null, true, "b", 1_000, null, ["lab"], [], "0.11.0", 20, false]];
    takeBundle({ rows: changed, revision: "x-9" });
    told([rows[0] ?? []], "x-7");
    assert.is(version("a"), "0.11.0");
    dropRow("c");
    assert.equal(ids({}), ["a", "b"]);
    const finish = startOver();
    assert.equal(ids({}), ["a", "b"], "what was known is shown meanwhile");
    told([rows[0] ?? []], "y-1");
    finish();
    assert.equal(ids({}), ["a"]);
    assert.is(version("a"), "0.10.0");
    forgetRows();
  });

  test("has so many columns of one's own, and no more", () => {
    const before = fleetColumns.value.length;
    assert.ok(wantColumns(Array.from({ length: maxOwnColumns + 1 }, (_, at) => `a.b${at}`)));
    assert.is(fleetColumns.value.length, before + maxOwnColumns);
    wantColumns([]);
  });

  test("keeps the newest values of the columns that have small lines", () => {
    wantColumns(["cpu.usage_idle"]);
    for (let at = 0; at < trailLength + 1; at++) told([[...(rows[0] ?? []).slice(0, -2), at, false]], `x-${at}`);
    const trail = rowOf("a")?.trails.get("cpu.usage_idle");
    assert.equal([trail?.length, trail?.[0]], [trailLength, 1]);
    wantColumns([]);
    forgetRows();
  });

  test("is looked at by what the address says", () => {
    for (const query of [
      "",
      "?where=group%3Dlab+x&state=silent&sort=-cpu&group=version&columns=a.b%2Cc&as=mosaic&wall=",
    ])
      assert.is(fleetQuery(fleetViewOf(query)), query);
    assert.is(fleetQuery(fleetViewOf("?state=x&as=y&columns=,a,a")), "?columns=a");
  });
});
