import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import type { Role } from "#shared/principal";
import { suite, type Scope } from "../../test/suite.ts";
import { LoginPlaces, maxPlaces, placeAge } from "../accounts/login-places.ts";
import { openState } from "../state/state.ts";
import { BrokerDoor } from "./broker-door.ts";
import { Entrances, maxKnocks } from "./entrances.ts";
import { search } from "./search.ts";

async function start(scope: Scope) {
  const clock = new ManualClock();
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  const { accounts, audit, database } = state;
  accounts.set("rpi-7", "device");
  accounts.set("ann", "operator");
  /** As after a start: what is in memory is new. */
  const door = (): BrokerDoor => {
    const entrances = new Entrances({ audit, clock, log: silentLog });
    scope.cleanup(() => entrances.stop());
    return new BrokerDoor({ entrances, places: new LoginPlaces(database, clock) });
  };
  const told = (): string[] =>
    [...search(database, { what: "login" })]
      .flatMap((entry) => entry ?? [])
      .map(({ who, from, what, result }) => `${who} from ${from}: ${what} ${result}`)
      .toReversed();
  return { clock, accounts, door, told };
}

const of = (name: string, role: Role = "device") => ({ name, role });

suite("who comes in at the broker, in the audit log", ({ test }) => {
  test("a device is told of when it comes from elsewhere, and not for coming again, also after a restart", async (scope) => {
    const { clock, door, told } = await start(scope);
    const first = door();
    for (let times = 0; times < 1_000; times += 1) {
      first.letIn(of("rpi-7"), `192.0.2.${times % maxPlaces}`);
      clock.advance(1_000);
    }
    const before = told();
    assert.is(before[0], "rpi-7 from 192.0.2.0: login.new-place ok");
    assert.is(new Set(before).size, maxPlaces);
    door().letIn(of("rpi-7"), "192.0.2.1");
    assert.equal(told(), before);
    first.letIn(of("rpi-7"), "198.51.100.1");
    assert.is(told().at(-1), "rpi-7 from 198.51.100.1: login.new-place ok");
    clock.advance(placeAge);
    first.letIn(of("rpi-7"), "192.0.2.1");
    assert.is(told().length, before.length + 2, "a place that nobody remembers is a new one");
  });

  test("people once an hour, as at the other doors; and a fleet that comes at once is counted", async (scope) => {
    const { accounts, door, told } = await start(scope);
    const one = door();
    for (let times = 0; times < 50; times += 1) one.letIn(of("ann", "operator"), "203.0.113.1");
    assert.equal(told(), ["ann from 203.0.113.1: login.ok ok"]);
    for (let n = 0; n < 100; n += 1) {
      accounts.set(`d${n}`, "device");
      one.letIn(of(`d${n}`), "192.0.2.9");
    }
    assert.is(told().length, 1 + maxKnocks.ofNetwork);
    assert.not.ok(told().some((line) => line.includes("\n")));
  });

  test("a device that roams without end has so many places, and its entries a bound", async (scope) => {
    const { door, told } = await start(scope);
    const one = door();
    for (let n = 0; n < maxPlaces * 10; n += 1) one.letIn(of("rpi-7"), `10.${n}.0.1`);
    assert.is(told().length, maxKnocks.ofAll);
  });
});
