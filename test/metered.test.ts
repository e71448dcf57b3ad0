import { connect, createServer, type AddressInfo } from "node:net";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { aroundConnection, aroundPacket } from "#shared/wire-count";
import { systemClock } from "#shared/clock";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { keptForCommands } from "../agent/metrics/daily-budget.ts";
import type { Command } from "../console/desk/command.ts";
import { startFleet } from "./fleet.ts";
import { eventually, suite, type Scope } from "./suite.ts";
import { startTls } from "./tls.ts";

/** Passes connections on, and counts what they carry. */
async function counting(scope: Scope, to: string): Promise<{ port: number; bytes: () => number }> {
  let bytes = 0;
  const server = createServer((near) => {
    const far = connect(Number(new URL(to).port), "127.0.0.1");
    for (const [from, into] of [[near, far] as const, [far, near] as const]) {
      from.on("data", (chunk: Buffer) => void (bytes += chunk.length));
      from.on("error", () => into.destroy());
      from.pipe(into);
      scope.cleanup(() => from.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.address() as AddressInfo).port, bytes: () => bytes };
}

suite("a metered line", ({ test }) => {
  test("what a connection carries is counted, with TLS and in a WebSocket too, and what is around it estimated", async (scope) => {
    const { identity, authority } = await startTls(scope);
    const bundle = authority.caBundle();
    const fleet = await startFleet(scope, "embedded", {}, { identity, bundle });
    for (const [protocol, url] of [
      ["mqtt", fleet.url],
      ["ws", fleet.url],
      ["mqtts", fleet.tlsUrl],
    ] as const) {
      const relay = await counting(scope, url);
      let told = 0;
      let packets = 0;
      const link = new Link({
        url: `${protocol}://127.0.0.1:${relay.port}`,
        clientId: "rpi-7",
        username: "rpi-7",
        password: fleet.secretOf("rpi-7"),
        ca: () => bundle,
        log: silentLog,
        clock: systemClock,
        spent: (bytes) => {
          told += bytes;
          packets += 1;
        },
      });
      scope.cleanup(() => link.stop());
      link.start();
      await eventually(`the connection by ${protocol}`, () => link.connected);
      for (let at = 0; at < 20; at += 1) await link.publish("muster/rpi-7/reply/none", Buffer.alloc(3_000, "x"));
      await link.stop();
      const around = (): number => told - relay.bytes();
      await eventually(`all that was carried by ${protocol}`, () => around() >= 40 * aroundPacket);
      assert.ok(
        around() <= (packets + 100) * aroundPacket + 2 * aroundConnection,
        `${around()} around ${relay.bytes()} by ${protocol}`,
      );
    }
  });

  test("when its bytes are used up samples wait and everybody sees why, and commands get through", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await scope.directory();
    const agent = await fleet.agent("rpi-7", { directory, interval: 3_600_000, maxBytesPerDay: 40_000 });
    const report = async (): Promise<void> => {
      const { state } = await fleet.console.send("rpi-7", { key: "report" }, { timeout: 20_000 });
      assert.is(state, "succeeded");
    };
    const problem = (): string => fleet.console.registry.get("rpi-7")?.problem ?? "";
    for (let at = 0; at < 100 && !problem().startsWith("held back: budget: "); at += 1) await report();
    await eventually("the word on it", () => problem().startsWith("held back: budget: "));
    await report();
    assert.ok(agent.outbox.batches > 0);
    assert.equal([agent.outbox.dropped, agent.outbox.gaps], [0, 0]);
  });

  test("a file does not take what the day does not have, and says so", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const logs = await scope.directory();
    writeFileSync(join(logs, "large"), Buffer.alloc(20_000_000));
    writeFileSync(join(logs, "small"), randomBytes(200_000));
    const files = { fetchFrom: [logs], putInto: [], own: [] };
    const max = 1_048_576;
    const directory = await scope.directory();
    await fleet.agent("rpi-7", { directory, interval: 3_600_000, maxBytesPerDay: max, files });
    const fetch = (name: string): Promise<Command> =>
      fleet.console
        .send("rpi-7", { key: "fetch", args: { path: join(logs, name) } }, { timeout: 60_000 })
        .catch((error: unknown) => {
          const { details } = error as { details?: { command: Command } };
          if (!details) throw error;
          return details.command;
        });
    const { error } = await fetch("large");
    assert.is(error?.code, "budget");
    assert.match(error?.message ?? "", /more than a day has/);
    let code: string | undefined;
    for (let at = 0; at < 10 && code === undefined; at += 1) code = (await fetch("small")).error?.code;
    assert.is(code, "budget");
    // As it is written down from time to time, less a 64th.
    const { used } = JSON.parse(readFileSync(join(directory, "budget.json"), "utf8")) as { used: number };
    assert.ok(used > max / 4 && used < max * (1 - keptForCommands) + 20_000, `${used} of ${max}`);
    await fleet.console.send("rpi-7", { key: "ping" }, { timeout: 20_000 });
  });
});
