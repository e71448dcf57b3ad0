import { createServer } from "node:net";
import { once } from "node:events";
import * as assert from "uvu/assert";
import { silentLog } from "#shared/log";
import { CountingClock, failing, lookAround, thrownBy, type Start } from "../test/left-behind.ts";
import { accounts, login } from "../test/broker.ts";
import { suite } from "../test/suite.ts";
import { Broker, type BrokerOptions } from "./broker.ts";
import { Engine } from "./engine.ts";
import { Listener } from "./listener.ts";
import { LocalBus } from "./local-bus.ts";
import { Sessions } from "./sessions.ts";

function makeBroker(port = 0) {
  const clock = new CountingClock();
  const authenticate: BrokerOptions["authenticate"] = async (name) => ({ name, role: accounts[name] ?? "viewer" });
  return {
    clock,
    broker: new Broker({ listen: "127.0.0.1", port, root: "muster", authenticate, log: silentLog, clock }),
  };
}

const starts: readonly Start[] = [
  { of: Engine, by: "start" },
  { of: LocalBus, by: "up" },
  // The first publication of `$SYS` begins with them.
  { of: Sessions, by: "expire" },
  { of: Listener, by: "start" },
];

suite("the broker's lifetime", ({ test }) => {
  for (const start of starts) {
    test(`${start.of.name}'s ${start.by} fails: nothing is left`, async (scope) => {
      const isAsBefore = await lookAround();
      const { broker, clock } = makeBroker();
      let up = false;
      broker.local().onConnection((change) => (up = change.up));
      scope.cleanup(failing(start));
      assert.match(await thrownBy(() => broker.start()), `${start.by} fails`);
      assert.equal([clock.timers, up], [0, false]);
      await broker.stop();
      await broker.stop();
      await isAsBefore();
    });
  }

  test("its port is taken: it is stopped, whoever lives with it hears so, and another one can have the port later", async (scope) => {
    const isAsBefore = await lookAround();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const { broker, clock } = makeBroker(port);
    await broker.open();
    const heard: boolean[] = [];
    broker.local().onConnection(({ up }) => heard.push(up));
    assert.match(await thrownBy(() => broker.start()), "is in use");
    assert.equal([clock.timers, heard], [0, [true, false]]);
    await new Promise((resolve) => server.close(resolve));
    await isAsBefore();
    const second = makeBroker(port).broker;
    scope.cleanup(() => second.stop());
    assert.is((await second.start()).port, port);
  });

  test("stopped twice at once, with a client: both wait for the end, and nothing is left", async (scope) => {
    const isAsBefore = await lookAround();
    const { broker, clock } = makeBroker();
    const { port } = await broker.start();
    const client = await login(scope, `mqtt://127.0.0.1:${port}`, "rpi-7", {
      will: { topic: "muster/rpi-7/status", payload: Buffer.from("{}"), qos: 0, retain: false },
    });
    const wills: string[] = [];
    broker.local().subscribe(["muster/rpi-7/status"], ({ topic }) => void wills.push(topic));
    await Promise.all([broker.stop(), broker.stop()]);
    assert.equal([clock.timers, broker.local().connected, wills], [0, false, []]);
    await client.endAsync(true);
    await isAsBefore();
  });
});
