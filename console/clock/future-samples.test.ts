import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { House } from "../../test/damage.ts";
import { eventually, suite } from "../../test/suite.ts";
import { EmbeddedStore, maxCounted } from "../store/embedded.ts";
import { FutureSamples, futureLookEvery } from "./future-samples.ts";

const day = 86_400_000;
const began = Date.UTC(2026, 10, 21);
const at = (device: string, ...times: number[]) => ({
  device: parseDeviceId(device),
  measurement: "room",
  tags: {},
  times,
  fields: { t: times.map((_, index) => index) },
});

suite("samples in the future", ({ test }) => {
  test("are told as long as there are any: whose, how many, until when, and what to do", async (scope) => {
    const clock = new ManualClock(began);
    const store = new EmbeddedStore({
      path: join(await scope.directory(), "metrics.db"),
      maxAge: 30 * day,
      maxBytes: 1e8,
      clock,
      log: silentLog,
    });
    await store.start();
    scope.cleanup(() => store.stop());
    let [trusted, changes] = [false, 0];
    const future = new FutureSamples({
      look: (after) => store.ahead(after),
      trusted: () => trusted,
      clock,
      log: silentLog,
      changed: () => (changes += 1),
    });
    scope.cleanup(() => future.stop());
    await store.write([at("rpi-7", began, began + 60_000), at("rpi-8", began)]);
    assert.is(await store.ahead(began + 60_000), undefined);
    await store.write([at("rpi-7", began + 8 * day, began + 8 * day + 1), at("rpi-9", began + 7 * day)]);
    future.check();
    assert.is(future.problem, undefined, "by a clock that may be wrong itself nothing is in the future");
    trusted = true;
    future.check();
    await eventually("it is told", () => future.problem !== undefined);
    assert.match(
      future.problem ?? "",
      /^3 samples of rpi-7 and 1 more stand in the future, up to 2026-11-29T00:00:00.001Z: .*sqlite3 metrics\.db "DELETE FROM samples WHERE ts > \d+; DELETE FROM stretches WHERE first > \d+"/,
    );
    const sql = /"(DELETE .*?)"/.exec(future.problem ?? "")?.[1] ?? "";
    store.database?.exec(sql);
    clock.advance(futureLookEvery);
    await eventually("it is over", () => future.problem === undefined);
    assert.is(changes, 2);
    assert.equal((await store.ahead(0))?.samples, 3, "and nothing else is deleted");
  });

  test("very many are counted to a bound", async (scope) => {
    const store = new EmbeddedStore({
      path: join(await scope.directory(), "metrics.db"),
      maxAge: 30 * day,
      maxBytes: 1e8,
      clock: new ManualClock(began),
      log: silentLog,
    });
    await store.start();
    scope.cleanup(() => store.stop());
    const times = Array.from({ length: maxCounted + 1 }, (_, index) => began + index);
    await store.write([at("rpi-7", ...times.slice(0, -2))]);
    assert.equal([(await store.ahead(0))?.samples, (await store.ahead(0))?.more], [maxCounted - 1, false]);
    await store.write([at("rpi-7", ...times)]);
    assert.equal([(await store.ahead(0))?.samples, (await store.ahead(0))?.more], [maxCounted, true]);
  });

  test("are found at a start, and told on /healthz and so on the page", async (scope) => {
    const directory = await scope.directory();
    const house = await House.open(directory);
    await house.console.store.write([at("rpi-7", Date.now() + 8 * day)]);
    await house.close();
    const again = await House.open(directory);
    scope.cleanup(() => again.close());
    const told = async (): Promise<unknown> =>
      ((await again.ask("/healthz")).body as { store: { clock?: string } }).store.clock;
    await eventually("it is told", async () => (await told()) !== undefined);
    assert.match(String(await told()), /^1 sample of rpi-7 stand/);
  });
});
