import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import type { Status } from "#shared/messages/presence";
import { suite, type Scope } from "../test/suite.ts";
import { Registry } from "./registry.ts";
import { openState, type State } from "./state.ts";

const id = parseDeviceId("rpi-7");
const birth = (session: string): Status => ({ v: 1, online: true, boot: "b", session });
const death = (session: string): Status => ({ v: 1, online: false, boot: "b", session });

/** A console's registry on `state`, as after a start. */
function registryOn(scope: Scope, state: State, clock: ManualClock): Registry {
  const registry = new Registry({ database: state.database, clock, enrolled: (name) => name === id });
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
