import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { DeviceId } from "#shared/ids";
import type { Agent } from "../agent/agent.ts";
import { put } from "../agent/commands/exec/fixture.ts";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { startInflux } from "./influx.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { freePort } from "./mosquitto.ts";
import { eventually, suite, type Scope } from "./suite.ts";

type Point = readonly [ts: number, value: number | null];

/** A field's points of rpi-7 in the store, oldest first, of all its series. */
async function points(fleet: Fleet, measurement: string, field: string): Promise<Point[]> {
  const query = { device: "rpi-7" as DeviceId, measurement, field, from: 0, to: Date.now() + 60_000, every: 0 };
  const series = await fleet.console.store.query(query);
  return series.flatMap(({ points }) => points as Point[]).sort(([a], [b]) => a - b);
}

/** Sends lines to a socket as a program would, and gives what was answered. */
async function say(scope: Scope, path: string, lines: string): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true });
  scope.cleanup(() => socket.destroy());
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
  await once(socket, "connect");
  socket.end(lines);
  await once(socket, "end");
  return answer;
}

async function command(fleet: Fleet, key: string, args: Record<string, string | number> = {}): Promise<unknown> {
  return (await fleet.console.send("rpi-7", { key, args })).result;
}

/** Stops an agent and starts another one on the same directory. */
async function restart(fleet: Fleet, agent: Agent, directory: string): Promise<Agent> {
  await agent.stop();
  await fleet.sees("rpi-7", false);
  return await fleet.agent("rpi-7", { directory });
}

const reported = (fleet: Fleet, name: string): boolean =>
  fleet.console.registry.latest("rpi-7").some(({ measurement }) => measurement === name);

for (const kind of brokerKinds) {
  suite(`metrics of one's own over ${kind}`, ({ test }) => {
    test("gauges and counts from code arrive with each sample, counts as sums between samples", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const agent = await fleet.agent("rpi-7", { interval: 60_000, collectors: [] });
      agent.gauge("room", { temperature: 21.5, note: "window open" }, { floor: "2" });
      agent.count("door", { opened: 2 });
      agent.count("door", { opened: 1 });
      await command(fleet, "report");
      agent.gauge("room", { temperature: 22 }, { floor: "2" });
      await command(fleet, "report");
      await eventually("two samples", async () => (await points(fleet, "room", "temperature")).length === 2);
      assert.equal(
        (await points(fleet, "room", "temperature")).map(([, value]) => value),
        [21.5, 22],
      );
      assert.equal(
        (await points(fleet, "door", "opened")).map(([, value]) => value),
        [3, 0],
      );
      const room = fleet.console.registry.latest("rpi-7").find(({ measurement }) => measurement === "room");
      assert.equal([room?.tags, room?.fields], [{ floor: "2" }, { temperature: 22, note: "window open" }]);
      assert.throws(() => agent.gauge("room", { temperature: "\n".repeat(2_000) }), /gauge "room" is not valid/);
    });

    test("lines at the socket arrive with their own times and tags, and bad ones are answered", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const metricsSocket = join(await scope.directory(), "metrics.sock");
      await fleet.agent("rpi-7", { interval: 60_000, collectors: [], metricsSocket });
      const hourAgo = Date.now() - 3_600_000;
      const before = Date.now();
      const answer = await say(
        scope,
        metricsSocket,
        `room,floor=2 temperature=20.5 ${hourAgo}000001\n` +
          `{"measurement":"room","tags":{"floor":"1"},"values":{"temperature":19},"ts":${hourAgo + 1}}\n` +
          "room,floor=2 temperature=hot\n" +
          "room,floor=2 temperature=21\n",
      );
      assert.match(answer, /^error in line 3: "hot" is no field value: expected a number .*\n$/);
      await eventually("three samples", async () => (await points(fleet, "room", "temperature")).length === 3);
      const [first, second, third] = await points(fleet, "room", "temperature");
      assert.equal(
        [first, second],
        [
          [hourAgo, 20.5],
          [hourAgo + 1, 19],
        ],
      );
      assert.ok(third && third[0] >= before && third[0] <= Date.now() && third[1] === 21);
      const { metrics } = (await command(fleet, "info")) as { metrics: object };
      assert.equal(metrics, { samples: 3, refused: 1 });
    });
  });
}

suite("metrics of one's own, kept and remotely changed", ({ test }) => {
  test("what was counted and said while the console was away is stored once it is back, after a restart too", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await scope.directory();
    const metricsSocket = join(directory, "metrics.sock");
    await fleet.console.stop();
    const agent = fleet.newAgent("rpi-7", { directory, metricsSocket, collectors: [], interval: 60_000 });
    agent.start();
    agent.count("door", { opened: 7 });
    await say(scope, metricsSocket, "room temperature=21.5\n");
    await agent.stop();
    await fleet.console.start();
    await fleet.agent("rpi-7", { directory, collectors: [] });
    await eventually("the sample", async () => (await points(fleet, "room", "temperature")).length === 1);
    await eventually("the count", async () => {
      const counted = await points(fleet, "door", "opened");
      return counted.reduce((sum, [, value]) => sum + (value ?? 0), 0) === 7;
    });
  });

  test(
    "set-interval, pause and collectors hold at once and after a restart; info and the device tell them",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      const directory = await scope.directory();
      let agent = await fleet.agent("rpi-7", { directory });
      await eventually("memory", () => reported(fleet, "mem"));
      const off = await command(fleet, "disable-collector", { name: "mem" });
      assert.equal((off as { kept: boolean; collectors: object }).kept, true);
      assert.is(fleet.console.registry.get("rpi-7")?.collectors?.["mem"], false);
      await command(fleet, "set-interval", { seconds: 0.2 });
      const count = async (measurement: string, field: string): Promise<number> =>
        (await points(fleet, measurement, field)).length;
      const goesOnWithout = async (): Promise<void> => {
        const [mem, swap] = [await count("mem", "used_percent"), await count("system", "load1")];
        await eventually("more of the others", async () => (await count("system", "load1")) >= swap + 3);
        assert.is(await count("mem", "used_percent"), mem);
      };
      await goesOnWithout();
      agent = await restart(fleet, agent, directory);
      const device = fleet.console.registry.get("rpi-7");
      assert.equal([device?.interval, device?.collectors?.["mem"], device?.collectors?.["cpu"]], [200, false, true]);
      await goesOnWithout();
      const { changed } = (await command(fleet, "info")) as { changed: object };
      assert.equal(changed, { interval: 200, collectors: { mem: false } });
      const mem = await count("mem", "used_percent");
      await command(fleet, "enable-collector", { name: "mem" });
      await eventually("memory again", async () => (await count("mem", "used_percent")) > mem);
      await command(fleet, "pause");
      agent = await restart(fleet, agent, directory);
      assert.is(fleet.console.registry.get("rpi-7")?.paused, true);
      const before = await count("system", "load1");
      await command(fleet, "ping");
      assert.is(await count("system", "load1"), before);
      await command(fleet, "resume");
      await eventually("samples again", async () => (await count("system", "load1")) > before);
    },
    { seconds: 40 },
  );

  test("a collector that is not there is refused with the names of those that are", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    await fleet.agent();
    await fleet.console.send("rpi-7", { key: "disable-collector", args: { name: "gpu" } }).then(
      () => assert.unreachable("it was taken"),
      (error: Error) => assert.match(error.message, /name.*cpu.*mem/),
    );
  });

  test("a damaged file of changes is put aside, and the agent starts by its settings", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await scope.directory();
    await writeFile(join(directory, "preferences.json"), '{"interval":');
    await fleet.agent("rpi-7", { directory, interval: 3_000 });
    assert.is(fleet.console.registry.get("rpi-7")?.interval, 3_000);
  });
});

suite("metrics of one's own into InfluxDB", ({ test }) => {
  test(
    "`muster agent` listens by itself, runs the executables of a directory, and InfluxDB has what they said",
    async (scope) => {
      const influx = await startInflux(scope);
      const directory = await scope.directory();
      const programs = await scope.directory();
      await put(
        programs,
        "fridge.sh",
        '#!/bin/sh\necho "fridge,device=$MUSTER_DEVICE temperature=4.5,open=f,items=12i"\n',
      );
      const env = {
        MUSTER_DATA: directory,
        MUSTER_HTTP_PORT: String(await freePort()),
        MUSTER_MQTT_PORT: String(await freePort()),
        MUSTER_DEVICE: "edge-1",
        MUSTER_INFLUX_URL: `${influx.url}/fleet`,
        MUSTER_METRICS_DIRECTORY: programs,
      };
      await new Running(scope, ...musterProgram(["start"]), { env }).line(/Muster .* is up/);
      const ts = Date.now() - 60_000;
      const path = join(directory, "agent/metrics.sock");
      assert.is(
        await say(scope, path, String.raw`room,place=living\ room temperature=21.5,note="say \"hi\", you" ${ts}000000`),
        "",
      );
      const rows = async (query: string): Promise<string> =>
        await influx.shell(query, { database: "fleet", format: "csv" });
      const room = await eventually("the room", async () => (await rows('SELECT * FROM "room"')) || undefined, 20);
      for (const part of [String(ts), "edge-1", "living room", "21.5", "say"] as const)
        assert.ok(room.includes(part), room);
      const fridge = await eventually(
        "the fridge",
        async () => (await rows("SELECT last(*) FROM fridge GROUP BY host, device")) || undefined,
      );
      for (const part of ["host=edge-1", "device=edge-1", "4.5", "12", "false"])
        assert.ok(fridge.includes(part), fridge);
      const { out } = await runProgram(...musterProgram(["send", "edge-1", "info", "--json"]), { env });
      assert.match(out, /"metrics":\s*\{\s*"samples":\s*[1-9]/);
    },
    { seconds: 60 },
  );
});
