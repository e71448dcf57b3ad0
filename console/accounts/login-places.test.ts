import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite, type Scope } from "../../test/suite.ts";
import { LoginPlaces, maxPlaces, placeAge } from "./login-places.ts";
import { openState } from "../state/state.ts";

async function start(scope: Scope) {
  const clock = new ManualClock();
  const state = openState(join(await scope.directory(), "data"), clock);
  scope.cleanup(() => state.close());
  state.accounts.set("ann", "viewer", "correct horse");
  const places = new LoginPlaces(state.database, clock);
  return { clock, state, places };
}

suite("the places that logins come from", ({ test }) => {
  test("are an account's own, by network", async (scope) => {
    const { places } = await start(scope);
    assert.not(places.isKnown("ann", "192.0.2.1"));
    places.note("ann", "::ffff:192.0.2.1");
    places.note("ann", "2001:db8:1:2::9");
    assert.ok(places.isKnown("ann", "192.0.2.1"));
    assert.ok(places.isKnown("ann", "2001:db8:1:2:3::4"));
    for (const [name, address] of [
      ["ann", "192.0.2.2"],
      ["ann", "2001:db8:1:3::9"],
      ["bob", "192.0.2.1"],
    ] as const)
      assert.not(places.isKnown(name, address), `${name} ${address}`);
  });

  test("are so many, those that were used last, and not for ever", async (scope) => {
    const { places, clock } = await start(scope);
    for (let at = 0; at <= maxPlaces; at++) {
      places.note("ann", `192.0.2.${at}`);
      clock.advance(1_000);
    }
    assert.not(places.isKnown("ann", "192.0.2.0"));
    assert.ok(places.isKnown("ann", "192.0.2.1"));
    clock.advance(placeAge);
    assert.not(places.isKnown("ann", "192.0.2.1"));
  });

  test("go with the account, and hold nobody up on a clock that was set back or a disk that is full", async (scope) => {
    const { places, state, clock } = await start(scope);
    places.note("ann", "192.0.2.1");
    clock.setWall(clock.now() - 1_000);
    assert.not(places.isKnown("ann", "192.0.2.1"));
    state.database.exec("PRAGMA query_only = ON");
    places.note("ann", "192.0.2.9");
    state.database.exec("PRAGMA query_only = OFF");
    assert.ok(state.accounts.remove("ann"));
    assert.is(state.database.prepare("SELECT COUNT(*) AS n FROM login_places").get()?.["n"], 0);
  });
});
