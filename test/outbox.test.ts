import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { builtProgram } from "./built-program.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { startInflux } from "./influx.ts";
import { Running } from "./programs.ts";
import { fillDisk, smallDisk } from "./small-disk.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** An agent in a process of its own. */
async function spawnAgent(scope: Scope, fleet: Fleet, directory: string, kept: string): Promise<Running> {
  const settings = {
    device: "rpi-7",
    url: fleet.url,
    password: fleet.secretOf("rpi-7"),
    directory,
    kept,
    interval: 20,
    mqttVersion: 4,
  };
  return new Running(scope, process.execPath, [await builtProgram("outbox-agent"), JSON.stringify(settings)]);
}

/** The numbers that its outbox has taken. */
const keptIn = (path: string): number[] =>
  existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").filter(Boolean).map(Number) : [];

const segmentsIn = (directory: string): string[] =>
  readdirSync(join(directory, "outbox"), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".seg"));

async function stored(fleet: Fleet): Promise<number[]> {
  const range = { from: 0, to: Date.now() + 60_000, every: 0 };
  const series = await fleet.console.store.query({
    device: "rpi-7" as never,
    measurement: "serial",
    field: "n",
    ...range,
  });
  return series.flatMap(({ points }) => points.map((point) => Number(Object.values(point)[1])));
}

suite("the agent's outbox over a real fleet", ({ test }) => {
  test(
    "an agent killed twice with the console away delivers all that its outbox took, each once",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      const directory = join(await scope.directory(), "agent");
      const kept = join(await scope.directory(), "kept");
      await fleet.console.stop();
      for (const enough of [30, 60]) {
        const agent = await spawnAgent(scope, fleet, directory, kept);
        await eventually(`${enough} batches`, () => keptIn(kept).length >= enough, 20);
        await agent.kill("SIGKILL");
      }
      await fleet.console.start();
      const last = await spawnAgent(scope, fleet, directory, kept);
      await last.line(/^up/);
      await eventually(
        "all in the store",
        async () => {
          const there = new Set(await stored(fleet));
          return keptIn(kept).length > 70 && keptIn(kept).every((n) => there.has(n));
        },
        20,
      );
      await last.kill("SIGKILL");
      const values = await stored(fleet);
      assert.is(new Set(values).size, values.length, "each once");
    },
    { seconds: 60 },
  );

  test("a second agent in the same directory does not start, and says which process is there", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await scope.directory();
    const agent = await fleet.agent("rpi-7", { directory });
    const other = await spawnAgent(scope, fleet, directory, join(directory, "kept"));
    await other.line(new RegExp(`not started: another agent \\(process ${process.pid}\\) is at work`));
    assert.throws(() => fleet.newAgent("rpi-8", { directory }).start(), /another agent/);
    await agent.stop();
    await fleet.agent("rpi-8", { directory });
  });

  test("an agent on a full disk goes on, tells it in info, and its samples arrive", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await smallDisk(scope);
    const agent = await fleet.agent("rpi-7", { directory, interval: 50 });
    const filler = fillDisk(directory);
    await eventually("a problem", () => agent.outbox.problem?.includes("ENOSPC"));
    await eventually("nothing waits for long", () => agent.outbox.batches <= 3);
    rmSync(filler);
    await eventually("the disk is used again", () => agent.outbox.problem === undefined);
    const info = (await fleet.console.send("rpi-7", { key: "info" })).result as { outbox: Record<string, unknown> };
    assert.is(info.outbox["dropped"], 0);
    assert.is(info.outbox["gaps"], 0);
  });

  test("an agent that gathers sends at once and writes nothing, and its next run is not taken for a copy", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await scope.directory();
    for (let run = 0; run < 2; run += 1) {
      const before = fleet.console.ingest.stats.messages;
      const agent = await fleet.agent("rpi-7", { directory, interval: 50, outboxSync: 3_600_000 });
      await eventually("some batches", () => fleet.console.ingest.stats.messages > before + 5);
      await eventually("their acks", () => agent.outbox.batches <= 2);
      if (run === 0) assert.equal(segmentsIn(directory), []);
      const { result } = await fleet.console.send("rpi-7", { key: "info" });
      const { disk } = result as { disk: { bytes: number } };
      assert.ok(disk.bytes < 20_000, `${disk.bytes} bytes, of the ledger and who it is`);
      // What waits at its end may come to the disk then.
      await agent.stop();
    }
    assert.is(fleet.console.registry.get("rpi-7")?.problem ?? null, null);
  });

  test(
    "while the store takes nothing the agent only tries now and then; when it is back everything comes at once",
    async (scope) => {
      const influx = await startInflux(scope);
      await influx.stop();
      const fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/fleet` });
      const agent = await fleet.agent("rpi-7", { directory: await scope.directory(), interval: 50 });
      await eventually("ten batches", () => agent.outbox.batches >= 10);
      const before = fleet.console.ingest.stats.messages;
      await eventually("sixty batches", () => agent.outbox.batches >= 60);
      const tried = fleet.console.ingest.stats.messages - before;
      assert.ok(tried <= 2, `${tried} messages for fifty samples`);
      await influx.start();
      await eventually("an empty outbox", () => agent.outbox.batches <= 1, 30);
      assert.equal([agent.outbox.dropped, agent.outbox.gaps], [0, 0]);
    },
    { seconds: 60 },
  );
});
