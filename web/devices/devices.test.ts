import * as assert from "uvu/assert";
import type { SampleDocument } from "#api/device-routes";
import { suite } from "../../test/suite.ts";
import { looksByName, looksOf } from "../state/field-looks.ts";
import { mergeLatest } from "../state/latest.ts";
import { matchesSearch } from "./filter.ts";
import { gaugesOf } from "./gauges.ts";
import { valueTables } from "./value-tables.ts";

const sample = (
  measurement: string,
  tags: Record<string, string>,
  ts: number,
  fields: SampleDocument["fields"],
): SampleDocument => ({
  measurement,
  tags,
  ts,
  fields,
});

suite("web device gauges", ({ test }) => {
  test("are the whole processor, and the fullest disk", () => {
    const { latest } = mergeLatest(new Map(), [
      sample("cpu", { cpu: "cpu0" }, 1, { usage_idle: 1 }),
      sample("cpu", { cpu: "cpu-total" }, 1, { usage_idle: 80 }),
      sample("disk", { path: "/" }, 1, { used_percent: 30 }),
      sample("disk", { path: "/data" }, 1, { used_percent: 91 }),
    ]);
    assert.equal(gaugesOf(latest), { cpu: 20, mem: undefined, disk: 91, load: undefined });
  });

  test("are of the newest series, where a device was given other tags", () => {
    const { latest } = mergeLatest(new Map(), [
      sample("system", {}, 1, { load1: 9 }),
      sample("system", { site: "berlin" }, 2, { load1: 1 }),
    ]);
    assert.is(gaugesOf(latest).load, 1);
  });
});

suite("web fleet filter", ({ test }) => {
  const device = {
    id: "edge-berlin-01",
    online: true,
    since: 1,
    lastSeen: 1,
    reason: null,
    problem: null,
    boot: null,
    session: null,
    agent: null,
    interval: null,
    paused: false,
    commands: {},
    skew: null,
    facts: { os: "Debian 12", cores: 4 },
  };

  test("wants every word, in the name or a fact, in any case", () => {
    for (const words of ["", "  ", "berlin", "DEBIAN edge", "12"]) assert.ok(matchesSearch(device, words), words);
    for (const words of ["munich", "berlin munich"]) assert.not(matchesSearch(device, words), words);
  });
});

const called = (title: string) => ({ title, description: undefined });

suite("web value tables", ({ test }) => {
  test("put a device's own measurements first, leave the loopback out and show counters as rates", () => {
    const net = (ts: number, bytes: number): SampleDocument[] => [
      sample("net", { interface: "eth0" }, ts, { bytes_recv: bytes }),
      sample("net", { interface: "lo" }, ts, { bytes_recv: bytes }),
    ];
    const first = mergeLatest(new Map(), [
      ...net(0, 0),
      sample("garden", { bed: "north" }, 0, { temperature: 21.5, wet: true }),
    ]);
    const { latest } = mergeLatest(first.latest, net(1_000, 2_048));
    assert.equal(valueTables(latest, looksByName), [
      {
        measurement: "garden",
        title: "garden",
        description: undefined,
        ts: 0,
        fields: ["temperature", "wet"],
        titles: [called("temperature"), called("wet")],
        rows: [{ name: "bed=north", cells: ["21.5 °C", "yes"] }],
      },
      {
        measurement: "net",
        title: "net",
        description: undefined,
        ts: 1_000,
        fields: ["bytes_recv"],
        titles: [called("bytes_recv")],
        rows: [{ name: "eth0", cells: ["2 KiB/s"] }],
      },
    ]);
  });

  test("have a rate only once two samples came", () => {
    const { latest } = mergeLatest(new Map(), [sample("net", { interface: "eth0" }, 0, { bytes_recv: 5 })]);
    assert.equal(valueTables(latest, looksByName)[0]?.rows[0]?.cells, ["–"]);
  });

  test("call things as a person or the device has said, and count what it says only grows", () => {
    const room = (ts: number, rain: number) => [sample("room", {}, ts, { t: 68, rain })];
    const first = mergeLatest(new Map(), room(0, 4));
    const { latest } = mergeLatest(first.latest, room(1_000, 6));
    const looks = looksOf({
      room: {
        title: "Room",
        fields: { t: { unit: "°F", by: "ann" }, rain: { title: "Rain", unit: "mm", counter: true } },
      },
    });
    const [table] = valueTables(latest, looks);
    assert.equal([table?.title, table?.titles.map(({ title }) => title)], ["Room", ["t", "Rain"]]);
    assert.equal(table?.rows[0]?.cells, ["68 °F", "2 mm/s"]);
  });
});
