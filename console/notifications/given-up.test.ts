import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import { mayGo } from "../audit/thinned-section.ts";
import { GivenUp, givenUpWindow } from "./given-up.ts";

suite("notices that are given up", ({ test }) => {
  test("of a channel one entry a minute says how many; they are among what is thinned out", () => {
    const clock = new ManualClock(0);
    const noted: { on: string | undefined; times: unknown }[] = [];
    const note = ({
      what,
      on,
      result,
      detail,
    }: Parameters<ConstructorParameters<typeof GivenUp>[0]["audit"]["note"]>[0]) => {
      assert.ok(mayGo({ what, result: result ?? "" }));
      noted.push({ on, times: detail?.["times"] });
    };
    const givenUp = new GivenUp({ audit: { note }, clock, log: silentLog });
    const lose = (channel: string, count: number): void => {
      for (let at = 0; at < count; at += 1) givenUp.note({ channel, alert: `${at}` }, { said: "no room", tries: 0 });
    };
    const told = () => noted.splice(0).map(({ on, times }) => `${on} ${String(times)}`);
    lose("a", 1_000);
    lose("b", 1);
    assert.equal(told(), ["a 1", "b 1"]);
    clock.advance(givenUpWindow);
    assert.equal(told(), ["a 999"]);
    lose("a", 5);
    assert.equal(told(), [], "the next minute has begun");
    clock.advance(givenUpWindow);
    assert.equal(told(), ["a 5"]);
    clock.advance(2 * givenUpWindow);
    lose("a", 3);
    givenUp.stop();
    assert.equal(told(), ["a 1", "a 2"]);
  });
});
