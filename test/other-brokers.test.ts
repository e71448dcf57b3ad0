import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { startFleet } from "./fleet.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const device = parseDeviceId("rpi-7");

const kinds = ["nats", "mochi"] as const;

/** Both promises over brokers that others wrote, with the accounts and rules of docs/brokers.md. */
suite("commands and samples over other brokers", ({ test, before }) => {
  const outcomes = new Map<string, PromiseSettledResult<void>>();

  // Each mostly waits for connections to come back: both at once.
  before(async (scope) => {
    const all = await Promise.allSettled(kinds.map((kind) => withdrawnAndKilled(scope, kind)));
    for (const [at, kind] of kinds.entries()) outcomes.set(kind, all[at]!);
  });

  for (const kind of kinds)
    test(`${kind}: calls, tasks for a device that is off, cancelled ones, and a kill -9 of the broker under load`, () => {
      const outcome = outcomes.get(kind);
      if (outcome?.status !== "fulfilled") throw outcome?.reason;
    });
});

async function withdrawnAndKilled(scope: Scope, kind: (typeof kinds)[number]): Promise<void> {
  const fleet = await startFleet(scope, kind);
  const { desk, ingest } = fleet.console;
  const begun: number[] = [];
  const setting = { directory: await scope.directory(), interval: 100 };
  const handler = { run: ({ n }: Record<string, unknown>) => void begun.push(Number(n)) };
  const first = fleet.newAgent("rpi-7", setting);
  first.handle("count", handler);
  first.start();
  await fleet.sees("rpi-7", true);
  for (let n = 0; n < 5; n++) await fleet.console.send("rpi-7", { key: "count", args: { n } });
  assert.equal(begun.splice(0), [0, 1, 2, 3, 4]);
  await first.stop();
  await fleet.sees("rpi-7", false);

  const queued = { key: "count", by: "ann", timeout: null, ttl: 120_000 };
  const tasks = Array.from({ length: 20 }, (_, n) => desk.submit(device, { ...queued, args: { n } }));
  const state = (at: number): string | undefined => desk.withId(tasks[at]!.id)[0]?.state;
  desk.cancel(device, tasks[3]!.id, "ann");
  await fleet.restartBroker();
  // What the broker has forgotten by its death, and what it has kept: both are for the console to put right.
  desk.cancel(device, tasks[5]!.id, "ann");
  await eventually("the console's connection", () => fleet.console.brokerConnected);
  const agent = fleet.newAgent("rpi-7", setting);
  agent.handle("count", handler);
  agent.start();
  await eventually("all of them to end", () => tasks.every((_, at) => /succeeded|cancelled/.test(state(at) ?? "")));
  assert.equal([state(3), state(5)], ["cancelled", "cancelled"]);
  const rest = tasks.map((_, n) => n).filter((n) => n !== 3 && n !== 5);
  assert.equal(begun.splice(0), rest, "each once, in the order of their creation");

  const before = ingest.batches.stats.stored;
  await fleet.restartBroker();
  for (const n of [100, 101, 102]) desk.submit(device, { ...queued, args: { n } });
  await eventually("what came meanwhile", () => begun.length >= 3);
  assert.equal(begun, [100, 101, 102]);
  await eventually("samples again", () => ingest.batches.stats.stored > before + 3);
  await fleet.console.send("rpi-7", { key: "pause" });
  await eventually("an empty outbox", () => agent.outbox.batches === 0);
}
