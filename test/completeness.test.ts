import type { FastifyInstance } from "fastify";
import * as assert from "uvu/assert";
import { buildApp } from "../console/http/server.ts";
import type { CompletenessDocument } from "#api/completeness-routes";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { startInflux, type InfluxServer } from "./influx.ts";
import { connectRaw, type RawDevice } from "./raw-device.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const device = parseDeviceId("rpi-7");
const y2036 = Date.UTC(2036, 0, 1);

interface Setting {
  readonly fleet: Fleet;
  readonly device: RawDevice;
  readonly completeness: () => Promise<CompletenessDocument>;
  readonly ask: (url: string) => Promise<{ statusCode: number; body: unknown }>;
  /** The moments of all stored values of `probe.v`, ascending. */
  readonly stored: (measurement?: string, field?: string) => Promise<number[]>;
  readonly restart: () => Promise<void>;
}

async function start(scope: Scope, kind: (typeof brokerKinds)[number], influx?: InfluxServer): Promise<Setting> {
  const fleet = await startFleet(scope, kind, influx ? { influxUrl: `${influx.url}/fleet` } : {});
  fleet.state.accounts.set("admin", "admin", "correct horse");
  let app: FastifyInstance | undefined;
  const open = async (): Promise<void> => {
    const options = { console: fleet.console, accounts: fleet.state.accounts, log: silentLog };
    app = await buildApp({ ...options, listen: "", port: 0 });
  };
  await open();
  scope.cleanup(() => app?.close());
  const authorization = `Basic ${Buffer.from("admin:correct horse").toString("base64")}`;
  const ask: Setting["ask"] = async (url) => {
    const answer = await app?.inject({ method: "GET", url, headers: { authorization } });
    return { statusCode: answer?.statusCode ?? 0, body: JSON.parse(answer?.payload ?? "") as unknown };
  };
  return {
    fleet,
    ask,
    device: await connectRaw(scope, { url: fleet.url, device, password: fleet.secretOf(device) }),
    completeness: async () => (await ask(`/api/devices/${device}/completeness`)).body as CompletenessDocument,
    async stored(measurement = "probe", field = "v") {
      const range = { from: 0, to: Date.UTC(2050, 0), every: 0 };
      const series = await fleet.console.store.query({ device, measurement, field, ...range });
      return series.flatMap(({ points }) => points.map(([ts]) => ts)).sort((a, b) => a - b);
    },
    async restart() {
      await app?.close();
      await fleet.console.stop();
      await fleet.console.start();
      await eventually("the console's connection", () => fleet.console.brokerConnected);
      await open();
    },
  };
}

/** What holds whatever the broker and the store are. */
async function checkPromises({ fleet, device: raw, completeness, ask, stored, restart }: Setting): Promise<void> {
  // Out of order, doubled and with holes.
  for (const seq of [1, 2, 5, 5, 4]) await raw.send(seq);
  for (const seq of [1, 2, 5, 4]) await raw.acked(seq);
  assert.is((await stored()).length, 12);
  const first = await completeness();
  assert.equal([first.stored, first.expected, first.missing], [12, 15, 0]);
  assert.equal([first.outstanding.batches, first.outstanding.samples], [1, 3]);

  // A gap is told and acknowledged, and stays after a restart of the console; what comes again is acknowledged, not written.
  const why = "the outbox is full (65536 bytes)";
  await raw.gap(6, { from: 2, to: 3, samples: 6, since: 1_000, until: 2_000, why });
  await raw.acked(6);
  await restart();
  for (const seq of [1, 2, 4, 5, 6]) await raw.send(seq, { values: [9, 9, 9] });
  for (const seq of [1, 2, 4, 5, 6]) await raw.acked(seq, 2);
  await raw.send(7);
  await raw.acked(7);
  const { gaps, ...second } = await completeness();
  assert.equal([second.stored, second.missing, second.expected, second.outstanding.batches], [15, 3, 18, 0]);
  assert.equal((await stored()).length, second.stored);
  assert.equal(gaps, [
    { outbox: "a", first: 3, last: 3, batches: 1, samples: 3, estimated: true, from: 1_000, to: 2_000, why },
  ]);
  const { devices } = (await ask("/api/devices")).body as { devices: { id: string; missing: number }[] };
  assert.equal(
    devices.map(({ id, missing }) => [id, missing]),
    [[device, 3]],
  );
  assert.equal((await ask("/api/completeness")).body, { devices: [await completeness()], next: null });
  assert.is((await ask("/api/devices/rpi-9/completeness")).statusCode, 404);
  assert.is(fleet.console.registry.get(device)?.problem, null);
}

async function checkClocks({ fleet, device: raw, stored, restart, ask }: Setting): Promise<void> {
  const began = Date.now();
  const wrong = { t: y2036, epoch: "e1", mono: 50_000 };
  await raw.send(1, { ...wrong, age: 20_300 });
  await raw.send(2, { ...wrong, t: y2036 + 1_000, mono: 51_000, age: 19_300 });
  await raw.acked(2);
  const problem = (): string | null => fleet.console.registry.get(device)?.problem ?? null;
  assert.match(problem() ?? "", /its clock is \d+ y .*ahead: its samples are placed by their arrival/);
  await restart();
  await raw.send(1, { ...wrong, age: 25_300 });
  await raw.send(3, { ...wrong, t: 0, mono: 52_000, age: 23_300 });
  await raw.acked(3);
  assert.match(problem() ?? "", /behind/);
  const times = await stored();
  assert.is(times.length, 9);
  const [start = 0] = times;
  assert.ok(start >= began - 20_300 && start <= Date.now() - 20_300, new Date(start).toISOString());
  assert.equal(
    times.map((time) => time - start),
    [0, 100, 200, 1_000, 1_100, 1_200, 2_000, 2_100, 2_200],
  );

  // Set right: new batches are believed, the flag is gone, and what was made before lands where it belongs.
  const t = Date.now() - 200;
  await raw.send(4, { t: Date.now() - 200, epoch: "e1", mono: 80_000, age: 200 });
  await raw.send(5, { ...wrong, t: 1_000, mono: 53_000, age: 27_200 });
  await raw.acked(5);
  assert.is(problem(), null);
  const { body } = await ask(`/api/devices/${device}`);
  assert.ok(Math.abs((body as { skew: number }).skew) < 15_000);
  const after = await stored();
  assert.is(after.length, 15);
  assert.ok(after.includes(start + 3_000));
  assert.ok(after.some((time) => Math.abs(time - t) < 500));
  const skews = await stored("muster_device", "clock_skew_ms");
  assert.ok(skews.length >= 1 && skews.length <= 2, `${skews.length} points`);
  const newest = fleet.console.registry.latest(device).find(({ measurement }) => measurement === "probe");
  assert.ok((newest?.ts ?? 0) >= t - 500 && (newest?.ts ?? 0) <= Date.now());
}

for (const kind of brokerKinds) {
  suite(`completeness over ${kind}`, ({ test }) => {
    test("batches are written once, gaps are told, and a restart of the console forgets none of it", async (scope) => {
      await checkPromises(await start(scope, kind));
    });

    test("clocks in 2036 and 1970 are placed on arrival and flagged, until they are right", async (scope) => {
      await checkClocks(await start(scope, kind));
    });
  });
}

suite("completeness into InfluxDB", ({ test }) => {
  test(
    "the same promises, and the same counts",
    async (scope) => {
      const influx = await startInflux(scope);
      const setting = await start(scope, "embedded", influx);
      await checkPromises(setting);
      assert.match(await influx.shell('SELECT COUNT("v") FROM fleet.."probe" WHERE host = \'rpi-7\''), /\b15\b/);
    },
    { seconds: 60 },
  );

  test(
    "the same clocks",
    async (scope) => {
      await checkClocks(await start(scope, "embedded", await startInflux(scope)));
    },
    { seconds: 60 },
  );
});

suite("an agent with a wrong clock", ({ test }) => {
  test("ten years ahead, then set right: every sample is stored once, in the present", async (scope) => {
    const { fleet, completeness } = await start(scope, "embedded");
    let ahead = 10.5 * 31_557_600_000;
    const clock = { ...systemClock, now: () => Date.now() + ahead };
    const began = Date.now();
    await fleet.agent("rpi-8", { clock, interval: 100 });
    const rpi8 = parseDeviceId("rpi-8");
    const times = async (): Promise<number[]> => {
      const range = { from: 0, to: Date.UTC(2050, 0), every: 0 };
      const series = await fleet.console.store.query({
        device: rpi8,
        measurement: "mem",
        field: "used_percent",
        ...range,
      });
      return series.flatMap(({ points }) => points.map(([ts]) => ts));
    };
    await eventually("ten samples", async () => (await times()).length >= 10);
    assert.match(fleet.console.registry.get(rpi8)?.problem ?? "", /its clock is \d+ y .*ahead/);
    ahead = 0;
    await eventually("a right clock", () => fleet.console.registry.get(rpi8)?.problem === null);
    const known = (await times()).length;
    await eventually("ten more", async () => (await times()).length >= known + 10);
    await fleet.console.send("rpi-8", { key: "pause" });
    const all = await times();
    assert.ok(all.every((time) => time > began - 2_000 && time <= Date.now() + 50));
    const gaps = all.slice(1).map((time, at) => time - (all[at] ?? 0));
    assert.ok(
      gaps.every((gap) => gap > 0 && gap < 15_000),
      gaps.join(" "),
    );
    assert.is((await completeness()).since, null);
    assert.is(fleet.console.ingest.batches.completeness.of(rpi8).missing, 0);
  });
});

suite("newest values", ({ test }) => {
  test("a clock that was minutes ahead and is set right does not hold them in place, and a backlog changes nothing", async (scope) => {
    const { fleet, device: raw } = await start(scope, "embedded");
    const newest = () => fleet.console.registry.latest(device).find(({ measurement }) => measurement === "probe");
    await raw.send(1, { t: Date.now() + 240_000, values: [1] });
    await raw.acked(1);
    const first = newest();
    assert.equal(first?.fields, { v: 1 });
    assert.ok((first?.ts ?? Infinity) <= Date.now());
    await raw.send(2, { t: Date.now() + 5, values: [2] });
    await raw.acked(2);
    assert.equal(newest()?.fields, { v: 2 });
    await raw.send(3, { t: Date.now() - 3_600_000, values: [3] });
    await raw.acked(3);
    assert.equal(newest()?.fields, { v: 2 });
    assert.ok((newest()?.ts ?? 0) >= (first?.ts ?? Infinity));
  });
});
