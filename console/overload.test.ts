import * as assert from "uvu/assert";
import { Topics } from "#shared/topics";
import { House } from "../test/damage.ts";
import { eventually, suite } from "../test/suite.ts";
import { pressureFrom } from "./ingest/pressure.ts";

type Health = { ok: boolean; store: { ok: boolean; overload?: string } };

suite("more samples than the store takes", ({ test }) => {
  test("agents are told to hold, people how far behind it is; all goes on when it is over", async (scope) => {
    const house = await House.open(await scope.directory());
    scope.cleanup(() => house.close());
    const topics = new Topics();
    let taking: boolean | undefined;
    house.bus.subscribe([topics.build({ kind: "console" })], ({ payload }) => {
      ({ taking } = JSON.parse(payload.toString()) as { taking?: boolean });
    });
    await eventually("it is taking", () => taking === true);
    let unread = pressureFrom.behind + 500;
    Object.defineProperty(house.bus, "behind", { get: () => unread });
    house.state.accounts.set("rpi-7", "device", "the secret of rpi-7");
    await house.batch("rpi-7", 1, { v: [1, 2] });
    await eventually("agents hold", () => taking === false);
    const { ok, store } = (await house.ask("/healthz")).body as Health;
    assert.equal([ok, store.ok], [true, true]);
    assert.match(
      store.overload ?? "",
      /more samples come than the store takes: it is 1\.5 s behind, and 0 devices wait/,
    );
    unread = 0;
    await house.batch("rpi-7", 2, { v: [1, 2] });
    await eventually("all goes on", () => taking === true);
    await eventually("both are stored", () => house.console.ingest.batches.stats.acknowledged === 2);
  });
});
