import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import * as assert from "uvu/assert";
import { partingPatience } from "../agent/presence.ts";
import { startFleet } from "./fleet.ts";
import { suite, withDeadline, type Scope } from "./suite.ts";

interface BlackHole {
  readonly url: string;
  /** From now on what comes on connections that stand is swallowed, both ways; nobody is told, as by a NAT that has forgotten them. */
  readonly forget: () => void;
}

async function startBlackHole(scope: Scope, broker: string): Promise<BlackHole> {
  const pairs: [Socket, Socket][] = [];
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(broker).port), "127.0.0.1");
    pairs.push([client, upstream]);
    for (const socket of [client, upstream]) {
      socket.on("error", () => {});
      scope.cleanup(() => socket.destroy());
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => new Promise((resolve) => server.close(resolve)));
  const forget = (): void => {
    for (const [client, upstream] of pairs.splice(0)) {
      client.unpipe(upstream);
      upstream.unpipe(client);
      client.resume();
      upstream.resume();
    }
  };
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, forget };
}

/** Seconds in which a service manager wants the agent to have ended: `TimeoutStopSec` of the unit. */
const stopsWithin = 5;

suite("a connection that is dead, and nobody says so", ({ test }) => {
  test("does not keep the agent from stopping in time, and what it has sampled is in the outbox", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const hole = await startBlackHole(scope, fleet.url);
    const options = { url: hole.url, interval: 3_600_000, batchSize: 100, directory: await scope.directory() };
    const agent = await fleet.agent("rpi-7", options);
    hole.forget();
    const before = agent.outbox.batches;
    agent.count("doors", { opened: 3 });
    const began = performance.now();
    await withDeadline(agent.stop(), 50, "its stop");
    const took = (performance.now() - began) / 1_000;
    assert.ok(took >= partingPatience / 1_000, "it has tried to say goodbye");
    assert.ok(took < stopsWithin, `${took.toFixed(1)} s`);
    assert.ok(agent.outbox.batches > before, "what was counted is kept");
  });
});
