import * as assert from "uvu/assert";
import * as fc from "fast-check";
import { parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import { LatestValues, maxGlances, maxLatestFields } from "./latest-values.ts";
import type { SeriesColumns } from "../store/store.ts";
import { silentSince } from "./told-otherwise.ts";

const device = parseDeviceId("rpi-7");
const series = (measurement: string, tags: SeriesColumns["tags"], ts: number, fields: SeriesColumns["fields"]) => ({
  device,
  measurement,
  tags,
  times: [ts - 1, ts],
  fields,
});
const cpu = (unit: string, ts: number, value: number) => series("cpu", { cpu: unit }, ts, { used: [0, value] });

suite("latest values", ({ test }) => {
  test("the last value of each field in any form, each with its time", () => {
    const latest = new LatestValues();
    const fields = { list: [1, 2], fixed: "on", scaled: { e: 1, d: [10, 5] }, none: [3, null] };
    latest.observe([series("mem", { a: "b" }, 1_000, fields)]);
    assert.equal(latest.list(), [
      {
        measurement: "mem",
        tags: { a: "b" },
        ts: 1_000,
        fields: { list: 2, fixed: "on", scaled: 1.5, none: 3 },
        times: { none: 999 },
      },
    ]);
  });

  test("newer rows replace the fields that they name, in whatever order they come; older ones change nothing", () => {
    const latest = new LatestValues();
    latest.observe([cpu("0", 1_000, 1), cpu("1", 1_000, 2)]);
    latest.observe([cpu("1", 2_000, 3), cpu("0", 2_000, 4), series("mem", {}, 2_000, { a: 1, b: 2 })]);
    latest.observe([series("mem", {}, 3_000, { b: 5 }), cpu("0", 1_500, 9)]);
    const values = latest.list().map(({ measurement, tags, fields }) => [measurement, tags, fields]);
    assert.equal(values, [
      ["cpu", { cpu: "0" }, { used: 4 }],
      ["cpu", { cpu: "1" }, { used: 3 }],
      ["mem", {}, { a: 1, b: 5 }],
    ]);
  });

  test("a sample that leaves a field out takes it from nobody: it stays, with its own time", () => {
    const latest = new LatestValues();
    latest.observe([series("room", {}, 1_000, { temperature: 20, humidity: 40 })]);
    latest.observe([series("room", {}, 1_000 + 2 * silentSince, { temperature: 35 })]);
    const room = { measurement: "room", tags: {}, ts: 1_000 + 2 * silentSince };
    assert.equal(latest.list(), [{ ...room, fields: { temperature: 35, humidity: 40 }, times: { humidity: 1_000 } }]);
    assert.is(latest.valued("room", "humidity"), 40);
    assert.is(latest.valued("room", "humidity", 1_001), undefined, "a condition of what is new");
    latest.observe([series("room", {}, 2_000, { temperature: 1, humidity: 41, pressure: 990 })]);
    assert.equal(latest.list()[0]?.fields, { temperature: 35, humidity: 41, pressure: 990 }, "each by its own time");
    assert.is(latest.observe([series("room", {}, room.ts, { humidity: 42 })]), undefined, "overwrites nothing");
  });

  test("each field has the value of the newest sample that has told it, in whatever order samples come and whatever they leave out", () => {
    const value = fc.option(fc.nat(9));
    const told = fc.record({ ts: fc.integer({ min: 1, max: 6 }), a: value, b: value, c: value });
    fc.assert(
      fc.property(fc.array(told, { maxLength: 12 }), (samples) => {
        const latest = new LatestValues();
        const model = new Map<string, { value: number; at: number }>();
        let newest = 0;
        for (const { ts, ...values } of samples) {
          const fields = Object.fromEntries(Object.entries(values).map(([name, one]) => [name, [one]]));
          latest.observe([{ ...series("mem", {}, ts, fields), times: [ts] }]);
          for (const [name, one] of Object.entries(values))
            if (one !== null && ts >= (model.get(name)?.at ?? 0)) model.set(name, { value: one, at: ts });
          newest = Math.max(newest, ts);
        }
        const [sample] = latest.list();
        assert.equal(
          Object.fromEntries(Object.entries(sample?.fields ?? {}).sort()),
          Object.fromEntries([...model].sort().map(([name, one]) => [name, one.value])),
        );
        for (const [name, { at }] of model) assert.is(sample?.times?.[name] ?? newest, at, name);
      }),
      // The newest told nothing: what is older keeps its own time.
      {
        examples: [
          [
            [
              { ts: 2, a: null, b: null, c: null },
              { ts: 1, a: 0, b: 0, c: 0 },
            ],
          ],
        ],
      },
    );
  });

  test("fields of one series are bounded: beyond it those of its newest sample stay", () => {
    const latest = new LatestValues();
    for (let at = 0; at < maxLatestFields; at++) latest.observe([series("room", {}, 1_000 + at, { [`f${at}`]: at })]);
    assert.is(Object.keys(latest.list()[0]?.fields ?? {}).length, maxLatestFields);
    latest.observe([series("room", {}, 9_000, { more: 1, f1: 2 })]);
    assert.equal(latest.list()[0], { measurement: "room", tags: {}, ts: 9_000, fields: { f1: 2, more: 1 } });
  });

  test("in a list of many, more file systems than there is room for do not push out what there is one of", () => {
    const latest = new LatestValues();
    const disks = Array.from({ length: 40 }, (_, at) => series("disk", { path: `/${at}` }, 1, { used_percent: at }));
    latest.observe([
      series("mem", {}, 1, { used_percent: 1 }),
      ...disks,
      series("system", {}, 1, { load1: 1 }),
      series("cpu", { cpu: "cpu-total" }, 1, { usage_idle: 1 }),
    ]);
    const shown = latest.glance().map(({ measurement }) => measurement);
    assert.is(shown.length, maxGlances);
    assert.equal(shown.slice(0, 4), ["mem", "system", "cpu", "disk"]);
    assert.equal(latest.glance()[3]?.fields, { used_percent: 39 });
  });

  test("one that stands in the future by now, placed by a clock that was wrong, hides nothing newer", () => {
    const latest = new LatestValues();
    latest.observe([cpu("0", 9_000, 1)], 9_000);
    latest.observe([cpu("0", 2_000, 2)], 2_000);
    assert.equal(latest.list()[0]?.fields, { used: 2 });
    latest.observe([cpu("0", 1_500, 3)], 2_500);
    assert.equal(latest.list()[0]?.fields, { used: 2 }, "an older one is older as ever");
  });

  test("what a device tells under other tags since is there once; what goes on beside it, and what comes back, is there as well", () => {
    const latest = new LatestValues();
    const told = (): unknown[] =>
      latest.list().map(({ measurement, tags }) => [measurement, Object.values(tags).join()]);
    const sample = (tags: Record<string, string>, ts: number): void =>
      void latest.observe([
        series("mem", tags, ts, { a: 1 }),
        series("disk", { path: "/", ...tags }, ts, { used_percent: 1 }),
        series("disk", { path: "/home", ...tags }, ts, { used_percent: 2 }),
      ]);
    const rows = (tag: string): unknown[] => [
      ["mem", tag],
      ["disk", ["/", tag].filter(Boolean).join()],
      ["disk", ["/home", tag].filter(Boolean).join()],
    ];
    sample({}, 1_000);
    sample({ site: "berlin" }, 2_000);
    assert.is(told().length, 6);
    sample({ site: "berlin" }, 1_001 + silentSince);
    assert.equal(told(), rows("berlin"));
    assert.ok(latest.glance().every(({ tags }) => tags["site"] === "berlin"));
    sample({}, 1_002 + silentSince);
    sample({ site: "berlin" }, 3 * silentSince);
    assert.is(told().length, 6, "one that tells now and then, beside the other");
    sample({}, 5 * silentSince);
    assert.equal(told(), rows(""));
  });

  test("what a device tells under another value of its own tag since is there once; a part that is silent stays", () => {
    const latest = new LatestValues();
    const told = (): string[] =>
      latest.list().map(({ measurement, tags }) => [measurement, ...Object.values(tags)].join(" "));
    const sample = (site: string, ts: number, parts = ["/", "/home"]): void =>
      void latest.observe([
        series("mem", { site }, ts, { used_percent: ts }),
        ...parts.map((path) => series("disk", { path, site }, ts, { used_percent: ts })),
      ]);
    sample("berlin", 1_000, ["/", "/home", "/media"]);
    sample("berlin", 2_000);
    sample("hamburg", 3_000);
    assert.is(told().length, 4 + 3, "nobody knows yet");
    const later = 2_001 + silentSince;
    sample("hamburg", later);
    assert.equal(told(), ["disk /media berlin", "mem hamburg", "disk / hamburg", "disk /home hamburg"]);
    assert.equal(latest.valued("mem", "used_percent"), later, "a condition holds of what is told now");
    sample("berlin", later + silentSince + 1, ["/"]);
    assert.ok(told().includes("mem berlin") && !told().includes("mem hamburg"), "and back");

    // Kinds of events are no tags of the device, however seldom one of them comes.
    const events = new LatestValues();
    events.observe([series("event", { kind: "door" }, 1_000, { n: 1 })]);
    events.observe([series("event", { kind: "window" }, 2_000 + 2 * silentSince, { n: 1 })]);
    assert.is(events.list().length, 2);
  });

  test("tags tell series apart, not the order in which they are named", () => {
    const latest = new LatestValues();
    latest.observe([series("a", { x: "1", y: "2" }, 1, { f: 1 })]);
    latest.observe([series("a", { y: "2", x: "1" }, 2, { f: 2 })]);
    latest.observe([series("a", { x: "1" }, 3, { f: 3 })]);
    latest.observe([series("a", { x: "1", y: "2", z: "3" }, 3, { f: 4 })]);
    assert.equal(
      latest.list().map(({ fields }) => fields["f"]),
      [2, 3, 4],
    );
  });

  test("another value at the newest instant is told; the same, another field and another instant are not", () => {
    const latest = new LatestValues();
    const cases: [ts: number, fields: SeriesColumns["fields"], lost: string | undefined][] = [
      [1_000, { t: 1, h: 40 }, undefined],
      [1_000, { t: 1 }, undefined],
      [1_000, { w: "open" }, undefined],
      [1_000, { t: [5, null] }, undefined],
      [1_000, { t: 2 }, "room t"],
      [1_000, { h: [1, 41], w: ["shut", "open"] }, "room h"],
      [1_001, { t: 3 }, undefined],
      [1_000, { t: 4 }, undefined],
      [1_001, { t: { e: 0, d: [0, 4] } }, "room t"],
    ];
    for (const [ts, fields, lost] of cases) {
      const found = latest.observe([series("room", {}, ts, fields)]);
      assert.is(found && `${found.measurement} ${found.field}`, lost, JSON.stringify(fields));
    }
    assert.equal(latest.list()[0]?.fields, { t: 4, h: 41, w: "open" });
  });

  test("moments ahead of the clock are shown as now, and are told apart all the same", () => {
    const latest = new LatestValues();
    assert.is(latest.observe([series("room", {}, 5_000, { t: 1 })], 1_000), undefined);
    assert.is(latest.observe([series("room", {}, 5_001, { t: 2 })], 1_000), undefined);
    assert.ok(latest.observe([series("room", {}, 5_001, { t: 3 })], 1_000));
    assert.equal(latest.list()[0], { measurement: "room", tags: {}, ts: 1_000, fields: { t: 3 } });
  });

  test("no more series are kept than a device may have", () => {
    const latest = new LatestValues();
    for (let at = 0; at < 2_010; at++) latest.observe([cpu(`${at}`, 1_000, at)]);
    assert.is(latest.list().length, 2_000);
    latest.observe([cpu("5", 2_000, -1), cpu("2005", 2_000, -1)]);
    assert.is(latest.list().length, 2_000);
    assert.is(latest.list()[5]?.fields["used"], -1);
  });
});
