import { monitorEventLoopDelay } from "node:perf_hooks";
import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { House } from "../../test/damage.ts";
import { suite } from "../../test/suite.ts";
import { LatestValues, maxGlances, maxValues } from "../devices/latest-values.ts";
import { listAnswer, maxPageLength, type Listed } from "./list-pages.ts";
import type { Steps } from "./turns.ts";

interface Page {
  readonly devices: readonly { readonly id: string; readonly latest: readonly unknown[] }[];
  readonly next: string | null;
}

/** What an answer says, made in one go. */
function made(steps: Steps<Buffer>): Record<string, unknown> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return JSON.parse(value.toString()) as Record<string, unknown>;
  }
}

suite("pages of lists", ({ test }) => {
  test("a list ends where there is no more room, but has one item at least; it says whether there is more", () => {
    const items = Array.from({ length: 100 }, (_, at) => at);
    const wide = { list: "wide", items, document: (at: number) => ({ at, text: "ü".repeat(maxPageLength / 10) }) };
    const after = ({ last, more }: Listed<number>): object => ({ last, more });
    const page = made(listAnswer({ ...wide, room: maxPageLength, before: { a: 1, b: 2 }, after }));
    assert.equal(Object.keys(page), ["a", "b", "wide", "last", "more"]);
    assert.equal([(page["wide"] as unknown[]).length, page["last"], page["more"]], [9, 8, true]);
    const one = made(listAnswer({ ...wide, document: () => "x".repeat(maxPageLength), room: maxPageLength, after }));
    assert.equal([(one["wide"] as unknown[]).length, one["last"], one["more"]], [1, 0, true]);
    const counted = (most: number): unknown =>
      made(listAnswer({ list: "some", items: [1, 2, 3], document: (at) => at, most, after }));
    assert.equal(counted(2), { some: [1, 2], last: 2, more: true });
    assert.equal(counted(3), { some: [1, 2, 3], last: 3, more: false });
    assert.equal(made(listAnswer({ list: "none", items: [], document: (at) => at })), { none: [] });
  });

  test("a large fleet is told in pages, and holds nobody up", async (scope) => {
    const directory = await scope.directory();
    const first = await House.open(directory);
    // What a device may say about itself at most, and what is usual.
    const status = (wide: boolean): string =>
      JSON.stringify({
        v: 1,
        online: true,
        boot: "b",
        session: "s",
        facts: wide ? { text: "x".repeat(20_000) } : { os: "linux", arch: "arm64", cpus: 4 },
        commands: { ping: {}, info: {}, "set-interval": { args: { type: "object", properties: {} } } },
      });
    first.state.database.exec("BEGIN");
    const insert = first.state.database.prepare(
      "INSERT INTO devices (id, first_seen, last_seen, online, status) VALUES (?, 0, 0, 1, ?)",
    );
    for (let at = 0; at < 4_000; at++) insert.run(`d${String(at).padStart(5, "0")}`, status(at % 100 === 0));
    first.state.database.exec("COMMIT; DELETE FROM devices WHERE id = 'd1'");
    await first.close();
    const house = await House.open(directory);
    scope.cleanup(() => house.close());
    const fields = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`f${at}`, at]));
    for (let at = 0; at < 200; at++)
      house.console.registry.observe(parseDeviceId("d00007"), [
        {
          device: parseDeviceId("d00007"),
          measurement: "disk",
          tags: { at: `${at}` },
          times: [1],
          fields: { ...fields, used_percent: at },
        },
      ]);
    const delay = monitorEventLoopDelay({ resolution: 2 });
    delay.enable();
    const seen: string[] = [];
    let pages = 0;
    for (let after: string | null = ""; after !== null; pages++) {
      const { status: code, body } = await house.ask(`/api/devices${after === "" ? "" : `?after=${after}`}`);
      assert.is(code, 200);
      const { devices, next } = body as Page;
      seen.push(...devices.map(({ id }) => id));
      for (const { id, latest } of devices) if (id === "d00007") assert.is(latest.length, maxGlances);
      after = next;
    }
    delay.disable();
    assert.is(seen.length, 4_000);
    assert.equal(seen, [...new Set(seen)].sort());
    assert.ok(pages > 3, `${pages} pages`);
    // Page by page: the median of the turns, because a busy machine may hold up any of them.
    assert.ok(delay.percentile(50) / 1e6 < 50, `${delay.percentile(50) / 1e6} ms`);
    const few = (await house.ask("/api/devices?limit=3&after=d00500")).body as Page;
    assert.equal(
      few.devices.map(({ id }) => id),
      ["d00501", "d00502", "d00503"],
    );
    assert.is(few.next, "d00503");
  });

  test("the newest values of one device are so many at most", () => {
    const latest = new LatestValues();
    const device = parseDeviceId("d1");
    const perSeries = 100;
    const fields = Object.fromEntries(Array.from({ length: perSeries }, (_, at) => [`f${at}`, at]));
    const count = maxValues / perSeries + 10;
    latest.observe(
      Array.from({ length: count }, (_, at) => ({
        device,
        measurement: "m",
        tags: { at: `${at}` },
        times: [1],
        fields,
      })),
    );
    assert.is(latest.list().length, maxValues / perSeries);
  });
});
