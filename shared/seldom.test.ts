import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite } from "../test/suite.ts";
import { maxRemembered, quietEvery, Seldom } from "./seldom.ts";

suite("what is said seldom", ({ test }) => {
  const recorded = (): { seldom: Seldom; clock: ManualClock; said: [object, string][] } => {
    const said: [object, string][] = [];
    const clock = new ManualClock();
    const warn = (fields: object, message: string): void => void said.push([fields, message]);
    return { seldom: new Seldom({ ...silentLog, warn }, clock), clock, said };
  };

  test("one thing about one device once a minute, and then how often it was not said", () => {
    const { seldom, clock, said } = recorded();
    for (let n = 0; n < 5; n += 1) seldom.say("warn", "rpi-7", { n }, "it drops batches");
    seldom.say("warn", "rpi-8", {}, "it drops batches");
    seldom.say("warn", "rpi-7", {}, "something else");
    clock.advance(quietEvery - 1);
    seldom.say("warn", "rpi-7", {}, "it drops batches");
    assert.is(said.length, 3);
    clock.advance(1);
    seldom.say("warn", "rpi-7", { n: 6 }, "it drops batches");
    assert.equal(said.at(-1), [{ n: 6, unsaid: 5 }, "it drops batches"]);
  });

  test("however many devices there are, so many are remembered", () => {
    const { seldom, said } = recorded();
    for (let n = 0; n < maxRemembered; n += 1) seldom.say("warn", `rpi-${n}`, {}, "a");
    seldom.say("warn", "rpi-0", {}, "a");
    assert.is(said.length, maxRemembered);
    seldom.say("warn", "one more", {}, "a");
    seldom.say("warn", "rpi-0", {}, "a");
    assert.is(said.length, maxRemembered + 2);
  });
});
