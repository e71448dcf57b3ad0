import * as assert from "uvu/assert";
import type { Bus } from "#shared/bus";
import { silentLog } from "#shared/log";
import { suite } from "../test/suite.ts";
import { clearingAtOnce, Leftovers, waitingBytes } from "./leftovers.ts";

suite("what is retained where nothing should be", ({ test }) => {
  test(`${clearingAtOnce} topics are cleared at once, the others wait for their answers`, async () => {
    const { leftovers, published, answer } = slowBroker();
    for (let at = 0; at <= clearingAtOnce; at++) leftovers.clear(`muster/rpi-7/reply/${at}`);
    assert.is(published.length, clearingAtOnce);
    await answer(0);
    assert.is(published.at(-1), `muster/rpi-7/reply/${clearingAtOnce}`);
    assert.is(published.length, clearingAtOnce + 1);
  });

  test("a topic is cleared once for all that came before the broker's answer, and again for what comes after", async () => {
    const { leftovers, published, answer } = slowBroker();
    for (let at = 0; at < 50; at++) leftovers.clear("muster/rpi-7/reply/1");
    assert.is(published.length, 1);
    await answer(0);
    leftovers.clear("muster/rpi-7/reply/1");
    assert.is(published.length, 2);
    assert.is(leftovers.stats.cleared, 2);
  });

  test("the topics that wait have a bound in bytes, beyond which they stay at the broker; a lost connection makes room", async () => {
    const { leftovers, published, lose } = slowBroker();
    const long = "a".repeat(waitingBytes / 64);
    for (let at = 10; at < 74; at++) leftovers.clear(`${at}${long}`);
    assert.equal(leftovers.stats, { cleared: 63, skipped: 1 });
    await lose();
    leftovers.clear(`74${long}`);
    assert.is(published.length, 64);
    assert.equal(leftovers.stats, { cleared: 64, skipped: 1 });
  });
});

/** A broker that answers when it is told to. */
function slowBroker() {
  const published: string[] = [];
  const open: PromiseWithResolvers[] = [];
  const publish: Bus["publish"] = (topic) => {
    published.push(topic);
    return new Promise<void>((resolve, reject) => open.push({ resolve, reject }));
  };
  const bus: Bus = { connected: true, publish, subscribe: () => async () => {}, onConnection: () => () => {} };
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    leftovers: new Leftovers({ bus, log: silentLog }),
    published,
    answer: (at: number): Promise<void> => {
      open[at]?.resolve();
      return settled();
    },
    lose: (): Promise<void> => {
      for (const { reject } of open) reject(new Error("the connection is gone"));
      return settled();
    },
  };
}

interface PromiseWithResolvers {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}
