import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { readConsoleStatus, type ConsoleStatus } from "#shared/messages/presence-messages";
import { Console } from "../console/console.ts";
import { consoleStatusOf } from "../console/publisher.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const topic = "muster/console/status";

suite("the console's presence", ({ test }) => {
  test("outlives the will of a former run, which a broker gives up late, and being cleared", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const former = await connect(scope, fleet, "console-former");
    for (const late of [consoleStatusOf({ session: "former", online: false, now: Date.now() }), Buffer.alloc(0)]) {
      await former.publish(topic, late, { retain: true });
      await eventually("its word", async () => (await retained(fleet))?.online === true);
    }
  });

  test("of a console that stops while another goes on is the other's", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const { url, state } = fleet;
    const directory = await scope.directory();
    // Over a socket, where it goes by a random id.
    const way = { url, password: fleet.secretOf("console"), mqttVersion: 4 as const };
    const second = new Console({ directory, state, ...way, log: silentLog });
    await second.start();
    scope.cleanup(() => second.stop());
    await eventually("the second console", () => second.brokerConnected);
    await second.stop();
    await eventually("the first one's word", async () => (await retained(fleet))?.online === true);
    assert.is(fleet.console.brokerConnected, true);
  });
});

async function connect(scope: Scope, fleet: Fleet, clientId: string): Promise<Link> {
  const login = { username: "console", password: fleet.secretOf("console") };
  const link = new Link({ url: fleet.url, clientId, ...login, version: 4, log: silentLog, clock: systemClock });
  link.start();
  scope.cleanup(() => link.stop());
  await eventually("a connection", () => link.connected);
  return link;
}

/** What a new subscriber is told. */
async function retained(fleet: Fleet): Promise<ConsoleStatus | undefined> {
  const once = [...fleet.login("vic"), "-t", topic, "-C", "1", "-W", "1"];
  const { out } = await runProgram("mosquitto_sub", once);
  return out === "" ? undefined : readConsoleStatus(Buffer.from(out));
}
