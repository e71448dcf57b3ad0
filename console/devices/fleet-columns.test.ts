import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { maxFilterNames, maxCountedValues, maxNameValues, FilterNames } from "./filter-names.ts";
import { maxCellValues, maxColumns, readColumns, type FleetRow } from "./fleet-columns.ts";
import { maxGoneDevices, Revisions } from "./revisions.ts";

const row = (changes: Partial<FleetRow> = {}, facts: Record<string, string> = {}): FleetRow => ({
  device: {
    id: "rpi-7" as FleetRow["device"]["id"],
    online: true,
    since: 5,
    lastSeen: 7,
    reason: null,
    boot: "b",
    session: "s",
    agent: "1.0.0",
    interval: 1_000,
    paused: false,
    facts,
    commands: null,
    problem: null,
    skew: null,
  },
  groups: [],
  metric: () => undefined,
  now: 10,
  missing: () => 3,
  sampled: () => undefined,
  ...changes,
});

const many = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

suite("columns of the fleet", ({ test }) => {
  test("begin with the id, each once, and are names of the filter language or a few more", () => {
    const { names, cells } = readColumns(" state,missing , seen,id,state, model,mem.used_percent ");
    assert.equal(names, ["id", "state", "missing", "seen", "model", "mem.used_percent"]);
    assert.equal(cells(row({}, { model: "Pi" })), ["rpi-7", "online", 3, 7, "Pi", null]);
  });

  test("have bounds, each with its edge", () => {
    const names = (count: number): string =>
      many(count)
        .map((at) => `c${at}`)
        .join();
    assert.is(readColumns(names(maxColumns - 1)).names.length, maxColumns);
    assert.throws(() => readColumns(names(maxColumns)), new RegExp(`expected ${maxColumns} at most`));
    const cell = (values: readonly (string | number)[]): unknown =>
      readColumns("a.b").cells(row({ metric: () => values }))[1];
    assert.equal(cell(many(maxCellValues)), many(maxCellValues));
    assert.equal(
      cell(many(maxCellValues + 1)),
      many(maxCellValues + 1)
        .slice(1)
        .toReversed(),
    );
    assert.equal(cell([...many(maxCellValues), "x"]), many(maxCellValues));
  });
});

suite("revisions of the fleet", ({ test }) => {
  test("say nothing in another life, nor where too many devices went since", () => {
    const revisions = new Revisions("a-life");
    const from = revisions.next();
    assert.is(revisions.read(revisions.name(from)), from);
    for (const wrong of [undefined, "", "x", "another-1", "a-life-2", "a-life-", "a-life--1"])
      assert.is(revisions.read(wrong), undefined, wrong);
    for (let at = 0; at < maxGoneDevices; at++) revisions.went(`d${at}`);
    assert.is(revisions.read(revisions.name(from)), from);
    assert.is(revisions.goneSince(from).length, maxGoneDevices);
    revisions.went("one-more");
    assert.is(revisions.read(revisions.name(from)), undefined);
    const known = revisions.last - 2;
    assert.is(revisions.read(revisions.name(known)), known);
    assert.equal(revisions.goneSince(known), [`d${maxGoneDevices - 1}`, "one-more"]);
  });
});

suite("names that filters can have", ({ test }) => {
  test("come with their most frequent values, and have bounds", () => {
    const names = new FilterNames();
    const metrics = many(maxFilterNames).map((at) => `m.f${at}`);
    names.take(row({ groups: ["lab"] }, { os: "linux" }), []);
    names.take(row({ groups: ["lab", "north"] }, { os: "linux" }), metrics);
    for (const at of many(maxCountedValues + 1)) names.take(row({}, { os: `os${at}` }), []);
    const list = new Map(names.list().map(({ name, values }) => [name, values]));
    assert.equal(list.get("group"), ["lab", "north"]);
    assert.equal(list.get("os")?.slice(0, 2), ["linux", "os0"]);
    assert.is(list.get("os")?.length, maxNameValues);
    assert.is(list.size, maxFilterNames);
    assert.ok(list.has("m.f0"));
  });
});
