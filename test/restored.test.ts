import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { Agent } from "../agent/agent.ts";
import { Broker } from "../broker/broker.ts";
import { systemClock } from "#shared/clock";
import { asDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { mortal } from "./mortal.ts";
import { eventually, suite, type Scope } from "./suite.ts";
import { copyDirectory } from "./copy.ts";

/** Agents that sample a number which is never the same, and what they have sampled. */
function sampling(scope: Scope, fleet: Fleet) {
  const sampled: number[] = [];
  let agents = 0;
  let sampling = true;
  const start = async (directory: string, device = "rpi-7"): Promise<Agent> => {
    sampling = true;
    // Two agents may sample within one millisecond, and of one series the later sample would overwrite the earlier.
    const tags = { agent: String((agents += 1)) };
    const sample = () => {
      if (!sampling) return [];
      sampled.push(sampled.length + 1);
      return [{ measurement: "serial", tags, fields: { n: sampled.length } }];
    };
    const agent = fleet.newAgent(device, { directory, interval: 20, collectors: [{ name: "serial", sample }] });
    agent.start();
    return agent;
  };
  /** Until so many more are sampled, and all that there is has left the agents. */
  const more = async (count: number, ...agents: Agent[]): Promise<void> => {
    const wanted = sampled.length + count;
    await eventually(`${wanted} samples`, () => sampled.length >= wanted, 20);
    sampling = false;
    // What is on its way to the disk is not counted: the last sample's arrival says that there is none.
    const last = sampled.length;
    await eventually("the last sample", async () => (await storedOf(fleet, "rpi-7", "rpi-8")).includes(last), 20);
    await eventually("empty outboxes", () => agents.every(({ outbox }) => outbox.batches === 0), 20);
  };
  return { sampled, start, more };
}

async function storedOf(fleet: Fleet, ...devices: string[]): Promise<number[]> {
  const values: number[] = [];
  for (const name of devices) {
    const device = asDeviceId(name);
    if (device === undefined) continue;
    const range = { from: 0, to: Date.now() + 60_000, every: 0 };
    const series = await fleet.console.store.query({ device, measurement: "serial", field: "n", ...range });
    for (const { points } of series) values.push(...points.map((point) => Number(Object.values(point)[1])));
  }
  return values.sort((a, b) => a - b);
}

for (const kind of brokerKinds) {
  suite(`an agent's directory over ${kind}`, ({ test }) => {
    test("put back to an earlier state: everything is stored once, a new outbox is begun, and the device says why", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const { sampled, start, more } = sampling(scope, fleet);
      const directory = join(await scope.directory(), "agent");
      const backup = join(await scope.directory(), "backup");
      const life = async (count: number): Promise<void> => {
        const agent = await start(directory);
        await more(count, agent);
        await agent.stop();
      };
      await life(5);
      copyDirectory(directory, backup);
      await life(12);
      assert.is(fleet.console.registry.get("rpi-7")?.problem, null);
      for (let times = 0; times < 2; times += 1) {
        rmSync(directory, { recursive: true });
        copyDirectory(backup, directory);
        await life(12);
      }
      await life(3);
      assert.equal(await storedOf(fleet, "rpi-7"), sampled);
      const { stored, missing, outstanding, expected } = fleet.console.ingest.batches.completeness.of("rpi-7" as never);
      assert.equal([stored, missing, outstanding.batches, expected], [sampled.length, 0, 0, sampled.length]);
      assert.match(
        fleet.console.registry.get("rpi-7")?.problem ?? "",
        /the outbox of rpi-7 went back to an earlier state, or exists twice/,
      );
    });

    test(
      "copied, and both of them run: the later is refused, both are named, and nothing of either is lost",
      async (scope) => {
        const fleet = await startFleet(scope, kind);
        const { sampled, start, more } = sampling(scope, fleet);
        const [directory, copy] = [join(await scope.directory(), "agent"), join(await scope.directory(), "copy")];
        const first = await start(directory);
        await more(5, first);
        await first.stop();
        copyDirectory(directory, copy);
        const one = await start(directory);
        await eventually("it is there", () => fleet.console.registry.get("rpi-7")?.online === true);
        const other = await start(copy);
        const refusal = await other.finished;
        assert.match(
          refusal,
          /refused: the id rpi-7 is in use by another agent, on \S+ \(.+\): give this one, on \S+ \(.+\)/,
        );
        assert.match(refusal, /npx muster enroll rpi-7-2, on the console's machine, prints a line to paste here/);
        await more(5, one);
        const problem = (): string => fleet.console.registry.get("rpi-7")?.problem ?? "";
        assert.match(
          problem(),
          /two machines run as rpi-7: \S+.* and \S+.*; the later one was refused.*muster enroll rpi-7-2/,
        );
        // Given an id of its own, it sends what it has.
        const moved = await start(copy, "rpi-8");
        await more(3, one, moved);
        // Two agents: that the last one is there says nothing of the other's.
        const distinct = async (): Promise<number[]> => [...new Set(await storedOf(fleet, "rpi-7", "rpi-8"))];
        await eventually("all samples", async () => (await distinct()).length === sampled.length);
        assert.equal(await distinct(), sampled);
        for (const device of ["rpi-7", "rpi-8"]) {
          const { stored, missing, outstanding } = fleet.console.ingest.batches.completeness.of(device as never);
          assert.equal([missing, outstanding.batches], [0, 0], device);
          assert.is(stored, (await storedOf(fleet, device)).length, device);
        }
      },
      { seconds: 60 },
    );
  });
}

for (const kind of brokerKinds) {
  suite(`a running command and a ledger that does not know it, over ${kind}`, ({ test }) => {
    test(
      "the agent is killed and its directory put back to before the command: it took effect once, and is interrupted",
      async (scope) => {
        const backup = join(await scope.directory(), "backup");
        const putBack = (directory: string): void => {
          for (const name of readdirSync(directory))
            if (name !== "effects") rmSync(join(directory, name), { recursive: true });
          copyDirectory(backup, directory);
        };
        const { fleet, directory, kill, ended, effects, starts } = await mortal(scope, kind, putBack);
        copyDirectory(directory, backup);
        const end = ended("lasting");
        await eventually("it runs", () => fleet.console.desk.list({ state: "running" }).length === 1);
        await kill();
        const { id, state, error } = await end;
        assert.equal([state, error?.code, effects(id), starts()], ["interrupted", "begun-elsewhere", 1, 2]);
      },
      { seconds: 60 },
    );

    test(
      "a second agent with a fresh directory is refused and begins nothing; the first one ends it, and that is its end",
      async (scope) => {
        const fleet = await startFleet(scope, kind);
        const effects: string[] = [];
        let done: (() => void) | undefined;
        const start = async (name: string): Promise<Agent> => {
          const agent = fleet.newAgent("rpi-7", { directory: join(await scope.directory(), "agent") });
          agent.handle("count", {
            run: () =>
              new Promise<void>((resolve) => {
                effects.push(name);
                done = resolve;
              }),
          });
          agent.start();
          return agent;
        };
        await start("first");
        await fleet.sees("rpi-7", true);
        const sent = fleet.console.send("rpi-7", { key: "count" }, { ttl: "1m", timeout: "30s" });
        await eventually("it runs", () => fleet.console.desk.list({ state: "running" }).length === 1);
        const second = await start("second");
        assert.match(await second.finished, /refused: the id rpi-7 is in use by another agent/);
        done?.();
        assert.is((await sent).state, "succeeded");
        assert.equal(effects, ["first"]);
      },
      { seconds: 60 },
    );
  });
}

suite("an image with the data baked in", ({ test }) => {
  test("devices of different ids with one outbox take nothing from each other", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const { sampled, start, more } = sampling(scope, fleet);
    const image = join(await scope.directory(), "image");
    const made = await start(image);
    await more(3, made);
    await made.stop();
    const agents: Agent[] = [];
    for (const device of ["rpi-7", "rpi-8"]) {
      const directory = join(await scope.directory(), device);
      copyDirectory(image, directory);
      agents.push(await start(directory, device));
    }
    await more(20, ...agents);
    assert.equal(await storedOf(fleet, "rpi-7", "rpi-8"), sampled);
    for (const device of ["rpi-7", "rpi-8"]) {
      const { missing, outstanding } = fleet.console.ingest.batches.completeness.of(device as never);
      assert.equal([missing, outstanding.batches, fleet.console.registry.get(device)?.problem], [0, 0, null]);
    }
  });
});

suite("an agent that is refused", ({ test }) => {
  test("begins nothing that comes after the refusal on the same connection", async (scope) => {
    const broker = new Broker({
      listen: "127.0.0.1",
      port: 0,
      root: "muster",
      authenticate: async () => ({ role: "device", name: "rpi-7" }),
      clock: systemClock,
      log: silentLog,
    });
    const { port } = await broker.start();
    scope.cleanup(() => broker.stop());
    const agent = new Agent({ device: "rpi-7", url: `mqtt://127.0.0.1:${port}`, password: "x", collectors: [] });
    scope.cleanup(() => agent.stop());
    const begun: string[] = [];
    agent.handle("count", { concurrent: true, harmless: true, run: (_, { command }) => void begun.push(command.id) });
    const bus = broker.local();
    const say = (topic: string, what: object): Promise<void> =>
      bus.publish(`muster/rpi-7/${topic}`, Buffer.from(JSON.stringify(what)), { qos: 1 });
    const born = new Promise<void>((resolve) => void bus.subscribe(["muster/rpi-7/status"], () => resolve()));
    agent.start();
    await born;
    const told = [say("ack", { boot: agent.runId, ranges: [], refused: "there is another" })];
    for (let at = 0; at < 20; at += 1) told.push(say(`cmd/${at}`, { key: "count" }));
    await Promise.all(told);
    assert.match(await agent.finished, /refused: there is another/);
    assert.equal(begun, []);
  });
});
