import * as assert from "uvu/assert";
import type { SampleDocument } from "#api/device-routes";
import { suite } from "../../test/suite.ts";
import { mergeLatest } from "../state/latest.ts";
import { chartedSeries } from "./stored-series.ts";

const sample = (measurement: string, fields: SampleDocument["fields"], tags = {}): SampleDocument => ({
  measurement,
  tags,
  ts: 1_000,
  fields,
});

suite("which series the charts of a time follow from", ({ test }) => {
  const now = mergeLatest(new Map(), [sample("room", { t: 20 }), sample("door", { open: true })]).latest;
  const then = [sample("room", { humidity: 40, t: 19 }), sample("pump", { on: true })];
  const fields = (
    view: { span: number; to?: number },
    stored: { view: typeof view; series: SampleDocument[] } | undefined,
  ) => Object.fromEntries(chartedSeries(now, view, stored).map((one) => [one.measurement, one.fields]));
  const moving = { span: 60_000 };
  const past = { span: 60_000, to: 5_000 };

  test("what is sent now, until the store has said what there was", () => {
    assert.equal(fields(moving, undefined), { room: { t: 20 }, door: { open: true } });
    assert.equal(fields(past, undefined), { room: { t: 20 }, door: { open: true } });
  });

  test("of a time that moves, also what is sent no more", () => {
    assert.equal(fields(moving, { view: moving, series: then }), {
      room: { humidity: 40, t: 20 },
      door: { open: true },
      pump: { on: true },
    });
  });

  test("of a time in the past, what was sent then and nothing else", () => {
    assert.equal(fields(past, { view: past, series: then }), { room: { humidity: 40, t: 19 }, pump: { on: true } });
    assert.equal(fields(past, { view: past, series: [] }), {});
  });

  test("what is known of another time does not hide what is sent now", () => {
    assert.equal(Object.keys(fields(past, { view: moving, series: then })).sort(), ["door", "pump", "room"]);
    assert.equal(Object.keys(fields(moving, { view: past, series: [] })).sort(), ["door", "room"]);
  });
});
