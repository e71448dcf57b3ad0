import { rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { encode } from "#shared/codec";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { readConsoleStatus, type ConsoleStatus } from "#shared/messages/presence-messages";
import { readAck } from "#shared/messages/metrics";
import { Link } from "#shared/link";
import { generateSecret } from "#shared/password";
import { buildApp } from "../console/http/server.ts";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { startInflux, type InfluxServer } from "./influx.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { openPublisher } from "./publisher.ts";
import { fillDisk, smallDisk } from "./small-disk.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const count = async (influx: InfluxServer, what: string): Promise<number> => {
  const [, row = ""] = (await influx.shell(`SELECT count(n) FROM ${what}`, { format: "csv" })).trim().split("\n");
  return Number(row.split(",")[2] ?? 0);
};

interface Health {
  readonly ok: boolean;
  readonly store: {
    readonly ok: boolean;
    readonly problem?: string;
    readonly since?: number;
    readonly meanwhile?: string;
  };
  readonly spool: {
    readonly rows: number;
    readonly bytes: number;
    readonly refused: number;
    readonly problem?: string;
  };
}

/** What `/healthz` says, with its status. */
async function healthOf(scope: Scope, { console, state }: Fleet): Promise<() => Promise<Health & { status: number }>> {
  const app = await buildApp({ console, accounts: state.accounts, listen: "", port: 0, log: silentLog });
  scope.cleanup(() => app.close());
  const authorization = `Bearer ${state.accounts.issueToken("vic", "token", 3_600_000)}`;
  return async () => {
    const { statusCode, payload } = await app.inject({ method: "GET", url: "/healthz", headers: { authorization } });
    return { ...(JSON.parse(payload) as Health), status: statusCode };
  };
}

/** Every status that the console announces, as the operator sees it. */
async function statuses(scope: Scope, fleet: Fleet): Promise<ConsoleStatus[]> {
  const seen: ConsoleStatus[] = [];
  const username = fleet.seat();
  const link = new Link({
    url: fleet.url,
    clientId: "onlooker",
    username,
    password: fleet.secretOf(username),
    version: 4,
    log: silentLog,
    clock: systemClock,
  });
  link.subscribe(["muster/console/status"], ({ payload }) => void seen.push(readConsoleStatus(payload)));
  link.start();
  scope.cleanup(() => link.stop());
  await eventually("the console's status", () => seen.length > 0);
  return seen;
}

for (const kind of brokerKinds) {
  suite(`outages of InfluxDB over ${kind}`, ({ test }) => {
    test(
      "simple samples wait on the console's disk, everybody is told, the first cause stays, and all of it arrives after",
      async (scope) => {
        const influx = await startInflux(scope);
        const fleet = await startFleet(scope, kind, { influxUrl: `${influx.url}/muster` });
        const health = await healthOf(scope, fleet);
        const seen = await statuses(scope, fleet);
        const publish = await openPublisher(scope, fleet, "rpi-8");
        const send = (n: number): Promise<void> => publish("muster/rpi-8/metrics/room", Buffer.from(`{"n":${n}}`));
        await send(0);
        await eventually("the first one", async () => (await count(influx, "room")) === 1);
        assert.is(seen.at(-1)?.taking, true);
        await eventually("an empty spool", async () => (await health()).spool.rows === 0);
        const whole = await health();
        assert.equal([whole.status, whole.store], [200, { ok: true }]);

        const began = Date.now();
        await influx.stop("SIGKILL");
        for (let n = 1; n <= 30; n += 1) await send(n);
        await eventually("bad health", async () => (await health()).status === 503);
        await eventually("the spool", async () => (await health()).spool.rows === 30);
        const { store, spool } = await health();
        assert.match(store.problem ?? "", /InfluxDB at .* does not answer: /);
        assert.ok((store.since ?? 0) >= began && (store.since ?? 0) <= Date.now(), String(store.since));
        assert.match(store.meanwhile ?? "", /Agents keep .* 30 messages of other senders \(\d+ KiB\) wait/);
        assert.ok(spool.bytes > 30 * 7);
        await eventually("the agents are told", () => seen.at(-1)?.taking === false);
        // What fails later in other words comes after the first cause, not in its place.
        const proxy = createServer((_, response) => response.writeHead(502).end("bad gateway"));
        proxy.listen(influx.port, "127.0.0.1");
        scope.cleanup(() => proxy.close());
        const told = `${store.problem}; by now: InfluxDB at ${influx.url} answers 502: bad gateway`;
        await eventually("the later failure", async () => (await health()).store.problem === told);
        assert.is((await health()).store.since, store.since);
        proxy.closeAllConnections();
        await new Promise((resolve) => proxy.close(resolve));

        await influx.start();
        await eventually("good health", async () => (await health()).status === 200, 20);
        await eventually("all of them", async () => (await count(influx, "room")) === 31);
        await eventually("an empty spool", async () => (await health()).spool.rows === 0);
        assert.is(seen.at(-1)?.taking, true);
        assert.equal(
          seen.map(({ taking }) => taking),
          [true, false, true],
        );
      },
      { seconds: 40 },
    );
  });
}

/** What finds no room is not acknowledged: the sender keeps it, and its connection ends. */
async function notAcknowledged(sent: Promise<void>): Promise<void> {
  assert.ok(
    await sent.then(
      () => false,
      () => true,
    ),
    "it was acknowledged",
  );
}

suite("outages", ({ test }) => {
  test(
    "what a client was told to be taken outlives a kill of everything while InfluxDB is away",
    async (scope) => {
      const influx = await startInflux(scope, { stopped: true });
      const [httpPort, mqttPort] = [await freePort(), await freePort()];
      const env = {
        MUSTER_DATA: join(await scope.directory(), "data"),
        MUSTER_HTTP_PORT: String(httpPort),
        MUSTER_MQTT_PORT: String(mqttPort),
        MUSTER_DEVICE: "edge-1",
        MUSTER_INFLUX_URL: `${influx.url}/muster`,
      };
      const start = (): Running => new Running(scope, ...musterProgram(["start"]), { env });
      const enrolled = await runProgram(...musterProgram(["enroll", "probe-1", "--secret"]), { env });
      const secret =
        /-P '?([^\s']+)/.exec(enrolled.out)?.[1] ?? /MUSTER_\w+=(\S+)/.exec(enrolled.out)?.[1] ?? enrolled.out.trim();
      const muster = start();
      await muster.line(/Muster .* is up/);
      const login = ["-h", "127.0.0.1", "-p", String(mqttPort), "-u", "probe-1", "-P", secret, "-i", "probe-1"];
      const message = ["-q", "1", "-t", "muster/probe-1/metrics/garden", "-m", '{"n":1}', "--repeat", "200"];
      const sent = await runProgram("mosquitto_pub", [...login, ...message]);
      assert.is(sent.code, 0, sent.err);
      await muster.kill("SIGKILL");

      await influx.start();
      await start().line(/Muster .* is up/);
      await eventually(
        "all of them",
        async () => {
          const got = await count(influx, "garden");
          console.log("GOT", got);
          return got === 200;
        },
        15,
      );
    },
    { seconds: 60 },
  );

  test(
    "an InfluxDB that stands still while fifty devices send all they have costs bounded memory and loses nothing",
    async (scope) => {
      const influx = await startInflux(scope);
      const fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/muster` });
      const names = Array.from({ length: 50 }, (_, at) => `dev-${at}`);
      const secret = generateSecret();
      fleet.state.accounts.addDevices(names, secret);
      const acked = new Map<string, Set<number>>();
      const links = names.map((name) => {
        const link = new Link({
          url: fleet.url,
          clientId: name,
          username: name,
          password: secret,
          version: 4,
          log: silentLog,
          clock: systemClock,
        });
        link.subscribe([`muster/${name}/ack`], ({ payload }) => {
          const known = acked.get(name) ?? new Set();
          acked.set(name, known);
          for (const [from, to] of readAck(payload).ranges) for (let seq = from; seq <= to; seq += 1) known.add(seq);
        });
        link.start();
        scope.cleanup(() => link.stop());
        return link;
      });
      await eventually("fifty connections", () => links.every(({ connected }) => connected));
      const batches = 40;
      const points = 100;
      const dt = Array.from({ length: points }, (_, at) => at);
      const begun = Date.now() - batches * points;
      const send = async (at: number, seq: number): Promise<void> =>
        links[at]?.publish(
          `muster/${names[at]}/metrics`,
          encode(
            {
              v: 1,
              outbox: "box",
              seq,
              t: begun + seq * points,
              dt,
              m: [{ n: "load", f: { n: dt.map((one) => one + seq / 7) } }],
            },
            "cbor",
          ),
        );
      const sendAll = async (): Promise<void> => {
        for (let seq = 1; seq <= batches; seq += 1) await Promise.all(names.map((_, at) => send(at, seq)));
      };
      const simple = names.flatMap((name, at) =>
        Array.from(
          { length: 20 },
          (_, n) => () => links[at]?.publish(`muster/${name}/metrics/room`, Buffer.from(`{"n":${n}}`)),
        ),
      );

      await send(0, 1);
      await eventually("one ack", () => acked.get("dev-0")?.size === 1);
      influx.signal("SIGSTOP");
      const before = process.memoryUsage().rss;
      await Promise.all([sendAll(), ...simple.map((publish) => publish())]);
      const grown = (process.memoryUsage().rss - before) / 1024 / 1024;
      assert.ok(grown < 150, `${grown} MB`);
      assert.equal(
        [...acked].map(([name, known]) => [name, [...known]]),
        [["dev-0", [1]]],
      );
      assert.is(fleet.console.storeHealth().spool.rows, simple.length);

      influx.signal("SIGCONT");
      await eventually("all simple samples", async () => (await count(influx, "room")) === simple.length, 20);
      // Agents send again what was not acknowledged; batches that are stored change nothing.
      await sendAll();
      await eventually("all acks", () => names.every((name) => acked.get(name)?.size === batches), 20);
      assert.is(await count(influx, "load"), names.length * batches * points);
    },
    { seconds: 60 },
  );

  test("a full disk under the console: the spool says so, nothing crashes, and it goes on when there is room", async (scope) => {
    const influx = await startInflux(scope, { stopped: true });
    const disk = await smallDisk(scope, 2_048);
    const fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/muster`, directory: disk });
    const health = await healthOf(scope, fleet);
    const publish = await openPublisher(scope, fleet, "rpi-8");
    const refusals = await fleet.sub(scope, "-t", "muster/+/refused");
    const text = Object.fromEntries(
      ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map((name) => [name, "x".repeat(900)]),
    );
    const send = (n: number): Promise<void> => publish("muster/rpi-8/metrics/room", encode({ ...text, n }, "json"));
    await send(1);
    const filler = fillDisk(disk);
    await notAcknowledged(send(2));
    await refusals.line(/rpi-8\/refused .*spool.* cannot be written: database or disk is full; make room/);
    const { spool, status } = await health();
    assert.is(status, 503);
    assert.is(spool.rows, 1);
    assert.match(spool.problem ?? "", /disk is full/);
    rmSync(filler);
    await eventually("room for another", () => send(3).then(() => true));
    assert.equal([(await health()).spool.rows, (await health()).spool.problem], [2, undefined]);
    await influx.start();
    await eventually("both", async () => (await count(influx, "room")) === 2, 15);
  });

  test("the embedded store on a full disk: everybody is told since when, and it goes on when there is room", async (scope) => {
    const disk = await smallDisk(scope, 2_048);
    const fleet = await startFleet(scope, "embedded", { directory: disk });
    const health = await healthOf(scope, fleet);
    const seen = await statuses(scope, fleet);
    const publish = await openPublisher(scope, fleet, "rpi-8");
    const rows = async (): Promise<number> => {
      const where = { device: parseDeviceId("rpi-8"), measurement: "room", field: "n" };
      const [series] = await fleet.console.store.query({ ...where, from: 0, to: Date.now() + 1_000, every: 0 });
      return series?.points.length ?? 0;
    };
    const large = Object.fromEntries(["a", "b", "c", "d", "e", "f", "g"].map((name) => [name, "x".repeat(1_000)]));
    const send = (n: number): Promise<void> => publish("muster/rpi-8/metrics/room", encode({ ...large, n }, "json"));
    await send(1);
    await eventually("the first one", async () => (await rows()) === 1);
    const filler = fillDisk(disk);
    await notAcknowledged(send(2));
    await eventually("bad health", async () => !(await health()).store.ok);
    assert.match(
      (await health()).store.problem ?? "",
      /the embedded store .* takes no writes: database or disk is full/,
    );
    assert.ok((await health()).store.since);
    await eventually("the agents are told", () => seen.at(-1)?.taking === false);
    rmSync(filler);
    await eventually("room for another", () => send(3).then(() => true));
    await eventually("good health", async () => (await health()).status === 200);
    await eventually("what was accepted", async () => (await rows()) === 2);
    await eventually("the agents are told again", () => seen.at(-1)?.taking === true);
  });

  test("a full spool refuses what is new and says so; what it has accepted is stored", async (scope) => {
    const influx = await startInflux(scope, { stopped: true });
    const fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/muster`, spoolBytes: 1_000 });
    const publish = await openPublisher(scope, fleet, "rpi-8");
    const refusals = await fleet.sub(scope, "-t", "muster/+/refused");
    let acknowledged = 0;
    const send = (n: number): Promise<boolean> =>
      publish("muster/rpi-8/metrics/room", Buffer.from(`{"n":${n}}`)).then(() => true);
    while (await send(acknowledged).catch(() => false)) acknowledged += 1;
    await refusals.line(/rpi-8\/refused .*the spool is full \(\d+ messages wait for the store\)/);
    const { rows, refused } = fleet.console.storeHealth().spool;
    assert.is(rows, acknowledged, "what was acknowledged, and no more");
    assert.ok(refused > 0);
    await influx.start();
    await eventually("what was accepted", async () => (await count(influx, "room")) === rows, 15);
  });
});
