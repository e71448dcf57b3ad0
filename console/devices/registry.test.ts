import * as assert from "uvu/assert";
import { silentByDefault } from "#shared/liveness";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import type { Status } from "#shared/messages/presence-messages";
import { suite, type Scope } from "../../test/suite.ts";
import { keepSeenEvery, Registry } from "./registry.ts";
import { openState, type State } from "../state/state.ts";

const id = parseDeviceId("rpi-7");
const birth = (session: string): Status => ({ v: 1, online: true, boot: "b", session });
const death = (session: string): Status => ({ v: 1, online: false, boot: "b", session });

/** A console's registry on `state`, as after a start. */
function registryOn(scope: Scope, state: State, clock: ManualClock, device = id): Registry {
  const registry = new Registry({ database: state.database, clock, enrolled: (name) => name === device });
  registry.start();
  scope.cleanup(() => registry.stop());
  return registry;
}

async function started(scope: Scope) {
  const clock = new ManualClock();
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  return { clock, state, registry: registryOn(scope, state, clock) };
}

suite("registry", ({ test }) => {
  test("when a device was seen is kept with its first message and every ten minutes, whatever ends the console", async (scope) => {
    const { clock, state, registry } = await started(scope);
    const kept = (): number | null | undefined => registryOn(scope, state, clock).get(id)?.lastSeen;
    registry.seen(id);
    const first = clock.now();
    assert.is(kept(), first);
    clock.advance(keepSeenEvery - 1);
    registry.seen(id);
    assert.is(kept(), first);
    clock.advance(1);
    registry.seen(id);
    assert.is(kept(), clock.now());
  });

  test("of a device that only publishes the rhythm is learned, until an agent introduces itself under its name", async (scope) => {
    const { clock, registry } = await started(scope);
    registry.seen(id);
    assert.is(registry.get(id)?.silentAfter, silentByDefault);
    for (let round = 0; round < 3; round++) {
      clock.advance(60_000);
      registry.seen(id);
    }
    assert.is(registry.get(id)?.silentAfter, 185_000);
    for (let message = 100; message > 5; message--) {
      clock.advance(1_500);
      registry.seen(id, clock.now() - message * 60_000);
    }
    assert.is(registry.get(id)?.silentAfter, 185_000, "a backlog changes nothing");
    registry.presence(id, birth("s1"));
    assert.is(registry.get(id)?.silentAfter, null);
  });

  test("a device that speaks is online, where no broker has handed its birth to a console that came", async (scope) => {
    const { clock, state, registry } = await started(scope);
    registry.presence(id, birth("s1"));
    registry.stop();
    const next = registryOn(scope, state, clock);
    assert.is(next.get(id)?.online, false);
    next.spoke(id);
    assert.is(next.get(id)?.online, true);
    assert.is(next.get(id)?.reason, null);
    // Which session it has is not known: the death of any may be its own.
    next.presence(id, death("s2"), true);
    assert.is(next.get(id)?.online, true, "one that was kept is older");
    next.presence(id, death("s2"));
    assert.is(next.get(id)?.online, false);
    next.spoke(id);
    assert.is(next.get(id)?.online, true, "it was another one's");
    next.presence(id, death("s1"));
    next.spoke(id);
    assert.is(next.get(id)?.online, false, "this was its own: what comes after it was under way");
  });

  test("so is one that is heard after the broker came back without its birth", async (scope) => {
    const { clock, registry } = await started(scope);
    registry.presence(id, birth("s1"));
    registry.brokerCameBack();
    clock.advance(60_000);
    assert.is(registry.get(id)?.online, false);
    registry.spoke(id);
    assert.is(registry.get(id)?.online, true);
  });

  test("one that has said its death is not brought back by a batch that was under way, nor one that was never born", async (scope) => {
    const { registry } = await started(scope);
    registry.seen(id);
    registry.spoke(id);
    assert.is(registry.get(id)?.online, false);
    registry.presence(id, birth("s1"));
    registry.presence(id, death("s1"));
    registry.spoke(id);
    assert.is(registry.get(id)?.online, false);
  });
});

/**
 * What a device and its broker may say: `birth s1` and `death s1` of a session, `kept` before it where the broker had it, `heard` (a batch or a
 * reply), `simple` (a message of a device that gives no birth), `broker` (it came back), `restart` (of the console), or so many ms pass.
 */
const cases: readonly (readonly [what: string, words: readonly string[], online: boolean, reason: string | null])[] = [
  ["only enrolled", [], false, "never heard"],
  ["born", ["birth s1"], true, null],
  ["found born", ["kept birth s1"], true, null],
  ["gone", ["birth s1", "death s1"], false, "connection lost"],
  ["the late death of an earlier session", ["birth s1", "birth s2", "death s1"], true, null],
  ["a death that a broker had kept, of an earlier session", ["birth s2", "kept death s1"], true, null],
  ["found dead", ["kept death s1"], false, "never heard"],
  ["back again", ["birth s1", "death s1", "birth s2"], true, null],
  ["what was under way comes after its death", ["birth s1", "death s1", "heard"], false, "connection lost"],
  ["never born, and heard", ["heard"], false, null],
  ["without a birth", ["simple"], false, null],
  ["the broker came back, and it is given a while", ["birth s1", "broker", "9000"], true, null],
  ["and is heard in it", ["birth s1", "broker", "simple", "60000"], true, null],
  ["and is born in it", ["birth s1", "broker", "birth s2", "60000"], true, null],
  ["and is not heard", ["birth s1", "broker", "60000"], false, "not heard since the broker came back"],
  ["but then it is", ["birth s1", "broker", "60000", "heard"], true, null],
  ["and dies of another session then", ["birth s1", "broker", "60000", "heard", "death s2"], false, "connection lost"],
  ["the console started, and hears nothing", ["birth s1", "restart"], false, "not heard since the console started"],
  ["hears it", ["birth s1", "restart", "heard"], true, null],
  ["hears its birth", ["birth s1", "restart", "kept birth s1"], true, null],
  ["finds it dead", ["birth s1", "restart", "kept death s1", "heard"], false, "not heard since the console started"],
];

suite("registry, case by case", ({ test, before }) => {
  let shared: Awaited<ReturnType<typeof started>>;
  before(async (scope) => {
    shared = await started(scope);
  });

  for (const [at, [what, words, online, reason]] of cases.entries())
    test(what, (scope) => {
      const { clock, state } = shared;
      const one = parseDeviceId(`device-${at}`);
      let registry = registryOn(scope, state, clock, one);
      for (const word of words) {
        const kept = word.startsWith("kept ");
        const [act = "", session = ""] = word.replace("kept ", "").split(" ");
        if (/^\d+$/.test(act)) clock.advance(Number(act));
        else if (act === "birth") registry.presence(one, birth(session), kept);
        else if (act === "death") registry.presence(one, death(session), kept);
        else if (act === "simple") registry.seen(one);
        else if (act === "heard") {
          registry.seen(one);
          registry.spoke(one);
        } else if (act === "broker") registry.brokerCameBack();
        else {
          registry.stop();
          registry = registryOn(scope, state, clock, one);
        }
      }
      const device = registry.get(one);
      assert.equal([device?.online, device?.reason], [online, reason]);
    });
});
