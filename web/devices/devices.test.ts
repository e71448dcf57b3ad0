import * as assert from "uvu/assert";
import type { SampleDocument } from "#api/device-routes";
import { suite } from "../../test/suite.ts";
import { looksByName, looksOf } from "../state/field-looks.ts";
import { mergeLatest } from "../state/latest.ts";
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
