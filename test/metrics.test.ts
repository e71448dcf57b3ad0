import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { encode } from "#shared/codec";
import { parseDeviceId } from "#shared/ids";
import { maxInBatch } from "#shared/messages/batch-check";
import type { Reading } from "../agent/collectors/collector.ts";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { startInflux } from "./influx.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const used = { measurement: "mem", field: "used_percent" } as const;

async function stored(
  fleet: Fleet,
  device = "rpi-7",
  query: { measurement: string; field: string } = used,
): Promise<number> {
  const id = fleet.state.accounts.find(device) ? (device as never) : assert.unreachable(device);
  const series = await fleet.console.store.query({
    device: id as never,
    ...query,
    from: 0,
    to: Date.now() + 60_000,
    every: 0,
  });
  return series.reduce((sum, { points }) => sum + points.length, 0);
}

for (const kind of brokerKinds) {
  suite(`metrics over ${kind}`, ({ test }) => {
    test("an agent's samples arrive in the store, are acknowledged and leave its outbox", async (scope) => {
      const fleet = await startFleet(scope, kind);
      await fleet.agent("rpi-7", { interval: 100 });
      await eventually("five samples", async () => (await stored(fleet)) >= 5);
      await fleet.console.send("rpi-7", { key: "pause" });
      await eventually("an empty outbox", async () => {
        const { result } = await fleet.console.send("rpi-7", { key: "info" });
        return (result as { outbox: { batches: number } }).outbox.batches === 0;
      });
      const latest = fleet.console.registry.latest("rpi-7");
      const cpu = latest.find(({ measurement, tags }) => measurement === "cpu" && tags["cpu"] === "cpu-total");
      assert.type(cpu?.fields["usage_user"], "number");
    });

    test("collectors that give more than a batch may have, and what no console takes: all else arrives, and the device says so", async (scope) => {
      const fleet = await startFleet(scope, kind, { seriesBudget: 5_000 });
      const one = (measurement: string, fields: Reading["fields"], tags: Reading["tags"] = {}): Reading => ({
        measurement,
        tags,
        fields,
      });
      const wide = Array.from({ length: maxInBatch.series + 100 }, (_, at) =>
        one("wide", { v: at }, { at: String(at) }),
      );
      const odd = [one("#ö", { v: 1 }), one("odd", { "a\n": 1, v: 2 })];
      const collectors = [{ name: "mine", sample: () => [...wide, ...odd] }];
      const agent = await fleet.agent("rpi-7", { collectors, interval: 60_000, directory: await scope.directory() });
      await eventually(
        "an empty outbox",
        () => agent.outbox.batches === 0 && fleet.console.ingest.batches.stats.stored > 0,
      );
      assert.equal([fleet.console.ingest.batches.stats.refused, fleet.console.ingest.stats.refused.invalid], [0, 0]);
      assert.ok(await stored(fleet, "rpi-7", { measurement: "odd", field: "v" }));
      await eventually("the problem", () =>
        /set aside by the agent: "#ö": .*and 1 more/.test(fleet.console.registry.get("rpi-7")?.problem ?? ""),
      );
    });

    test("simple samples from mosquitto_pub: one, one with time and tags, a list", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const send = (message: string): Promise<unknown> =>
        runProgram("mosquitto_pub", [...fleet.login("rpi-8"), "-t", "muster/rpi-8/metrics/room", "-m", message]);
      await send('{"temperature":21.5}');
      await send(`{"ts":${Date.now() - 5_000},"tags":{"floor":"2"},"values":{"temperature":20}}`);
      await send(`[{"temperature":19},{"tags":{"floor":"1"},"values":{"temperature":18}}]`);
      await eventually(
        "four samples",
        async () => (await stored(fleet, "rpi-8", { measurement: "room", field: "temperature" })) === 4,
      );
    });

    test("a simple sample that claims 2036 or 1970 stands at its arrival, and its device is flagged until its clock is right", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const login = fleet.login("rpi-8");
      const send = async (ts: number, value: number): Promise<void> =>
        void (await runProgram("mosquitto_pub", [
          ...login,
          "-t",
          "muster/rpi-8/metrics/room",
          "-m",
          JSON.stringify({ ts, values: { value } }),
        ]));
      const problem = (): string | null => fleet.console.registry.get("rpi-8")?.problem ?? null;
      const before = Date.now();
      await send(Date.UTC(2036, 0, 1), 1);
      await eventually("the flag", () => /ahead: its samples are placed by their arrival/.test(problem() ?? ""));
      await send(1_000, 2);
      await eventually("the other flag", () => /behind: its samples are placed/.test(problem() ?? ""));
      await send(before, 3);
      await eventually("no flag", () => problem() === null);
      const range = { from: 0, to: Date.UTC(2040, 0, 1), every: 0 };
      const device = parseDeviceId("rpi-8");
      const points = await eventually("three samples", async () => {
        const [series] = await fleet.console.store.query({ device, measurement: "room", field: "value", ...range });
        return series?.points.length === 3 ? series.points : undefined;
      });
      for (const [at] of points) assert.ok(at >= before && at <= Date.now(), String(at));
    });

    test("bad input gets a clear refusal, harms nothing and disturbs nobody", async (scope) => {
      const fleet = await startFleet(scope, kind);
      await fleet.agent();
      const refused = await fleet.sub(scope, "-t", "muster/+/refused");
      const device = fleet.login("rpi-8");
      const send = async (topic: string, ...args: string[]): Promise<void> =>
        void (await runProgram("mosquitto_pub", [...device, "-t", topic, ...args]));
      await send("muster/rpi-8/metrics", "-m", "not a batch!");
      await refused.line(/rpi-8\/refused .*neither JSON/);
      await send(
        "muster/rpi-8/metrics",
        "-m",
        '{"v":1,"outbox":"b","seq":1,"t":0,"dt":[0,1],"m":[{"n":"mem","f":{"used":[1]}}]}',
      );
      await refused.line(/rpi-8\/refused .*one value for each instant/);
      await send("muster/rpi-8/metrics/room", "-m", '{"temperature":null}');
      await refused.line(/rpi-8\/refused .*expected/);
      await send("muster/rpi-8/metrics/room", "-m", `{"text":"${"x".repeat(40_000)}"}`);
      await refused.line(/rpi-8\/refused .*larger than the 32768/);
      const { invalid, size } = fleet.console.ingest.stats.refused;
      assert.equal([invalid, size], [3, 1]);
      assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
    });

    test("a wrong password is told, and the agent goes on trying", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const warnings: string[] = [];
      const log = {
        debug() {},
        info() {},
        warn: (_: object, message: string) => void warnings.push(message),
        error() {},
      };
      // What is refused for the same reason is logged once a minute: the tries are counted on their way.
      let tries = 0;
      const way = createServer((socket) => {
        tries += 1;
        const onward = connect(fleet.port, "127.0.0.1");
        for (const end of [socket, onward]) end.on("error", () => {});
        socket.pipe(onward).pipe(socket);
      });
      await once(way.listen(0, "127.0.0.1"), "listening");
      scope.cleanup(() => void way.close());
      const { port } = way.address() as AddressInfo;
      fleet.newAgent("rpi-7", { url: `mqtt://127.0.0.1:${port}`, password: "wrong password", log }).start();
      await eventually("three tries", () => tries >= 3);
      assert.ok(warnings.some((message) => /user name or password refused: .*new secret/.test(message)));
      assert.is(fleet.console.registry.get("rpi-7")?.online, false);
    });

    test(
      "a second agent under a live id is refused and ends; the first one stays",
      async (scope) => {
        const fleet = await startFleet(scope, kind);
        const first = await fleet.agent();
        const second = fleet.newAgent();
        second.start();
        const reason = await second.finished;
        assert.match(reason, /refused: the id rpi-7 is in use by another agent/);
        await fleet.sees("rpi-7", true);
        await eventually("the first answers", async () => {
          const { result } = await fleet.console.send("rpi-7", { key: "ping" });
          return (result as { boot: string }).boot === first.runId;
        });
        assert.match(
          fleet.console.registry.get("rpi-7")?.problem ?? "",
          /two machines run as rpi-7: .*the later one was refused/,
        );
      },
      { seconds: 60 },
    );

    test(
      "batches that were not acknowledged are sent again after a reconnect",
      async (scope) => {
        const fleet = await startFleet(scope, kind);
        await fleet.console.stop();
        const agent = fleet.newAgent("rpi-7", { interval: 100 });
        agent.start();
        await eventually("waiting batches", () => agent.outbox.batches >= 5);
        await fleet.console.start();
        await fleet.sees("rpi-7", true);
        await eventually("an empty outbox", () => agent.outbox.batches <= 1, 20);
        assert.ok((await stored(fleet)) >= 5);
      },
      { seconds: 40 },
    );
  });
}

suite("metrics of nobody", ({ test }) => {
  test("a device that nobody enrolled is refused with what to do, and becomes no series", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    const refused = await fleet.sub(scope, "-t", "muster/+/refused");
    // As the console: nobody else may publish for a device that has no account. It takes the console's place for that time.
    const message = ["-t", "muster/esp-9/metrics/room", "-r", "-m", '{"temperature":21.5}'];
    await runProgram("mosquitto_pub", [...fleet.login("console"), ...message]);
    await refused.line(/esp-9\/refused .*unknown device.*enroll/);
    assert.is(fleet.console.registry.get("esp-9"), undefined);
  });
});

suite("metrics into InfluxDB", ({ test }) => {
  test(
    "an InfluxDB that is away at start: the console starts, says so, and everything arrives once it is there",
    async (scope) => {
      const influx = await startInflux(scope);
      await influx.stop();
      const fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/fleet` });
      assert.is(fleet.console.store.health().ok, false);
      const agent = await fleet.agent("rpi-7", { interval: 200 });
      await eventually("waiting batches", () => agent.outbox.batches >= 5);
      await influx.start();
      await eventually("an empty outbox", () => agent.outbox.batches <= 2, 40);
      assert.is(fleet.console.store.health().ok, true);
      const shell = await influx
        .shell('SELECT COUNT("used_percent") FROM fleet."autogen"."mem" WHERE host = \'rpi-7\'')
        .catch(() => "");
      const answer = shell || (await influx.shell("SHOW RETENTION POLICIES ON fleet"));
      assert.match(answer, /\d/);
    },
    { seconds: 90 },
  );

  test(
    "the influx shell reads mem and cpu with the tag host",
    async (scope) => {
      const influx = await startInflux(scope);
      const fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/fleet` });
      await fleet.agent("rpi-7", { interval: 200 });
      await eventually("five samples", async () => (await stored(fleet)) >= 5);
      assert.match(await influx.shell("SHOW TAG VALUES ON fleet FROM mem WITH KEY = host"), /rpi-7/);
      assert.match(
        await influx.shell("SELECT LAST(usage_user) FROM fleet..cpu WHERE cpu = 'cpu-total' GROUP BY host"),
        /host=rpi-7/,
      );
    },
    { seconds: 60 },
  );
});

suite("what an id may not be", ({ test }) => {
  test("a payload in a topic of a strange device reaches nobody", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    for (const name of ["a+b", "a#b", "a/b", "a\0b", "Upper", "", "console"]) {
      assert.throws(() => fleet.newAgent(name), /device|reserved/, JSON.stringify(name));
    }
    assert.ok(encode({}, "json"));
  });
});
