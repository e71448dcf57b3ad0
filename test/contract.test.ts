import * as assert from "uvu/assert";
import { encode } from "#shared/codec";
import { parseDeviceId } from "#shared/ids";
import type { Column } from "#shared/columns";
import type { Client } from "#api/client";
import { fields } from "../cli/show-fields.ts";
import { showQuarantine } from "../cli/show-quarantine.ts";
import type { ConsoleOptions } from "../console/console.ts";
import { serveApi } from "./api-server.ts";
import { openPublisher } from "./publisher.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { startInflux, type InfluxServer } from "./influx.ts";
import { eventually, suite, type Scope } from "./suite.ts";

interface Whole {
  readonly fleet: Fleet;
  readonly influx: InfluxServer;
  /** Sends one simple message as rpi-7 and resolves once the broker has it. */
  readonly send: (measurement: string, value: unknown) => Promise<void>;
  /** Sends one numbered batch as rpi-7. */
  readonly batch: (
    f: Record<string, Column>,
    more?: { n?: string; tags?: Record<string, string>; dt?: number[] },
  ) => Promise<void>;
  /** The rows of a query, as the influx shell prints them. */
  readonly ask: (query: string) => Promise<string[]>;
}

async function start(scope: Scope, options: Partial<ConsoleOptions> = {}, given?: InfluxServer): Promise<Whole> {
  const influx = given ?? (await startInflux(scope));
  const fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/muster`, ...options });
  const publish = await openPublisher(scope, fleet, "rpi-7");
  let seq = 0;
  return {
    fleet,
    influx,
    send: (measurement, value) => publish(`muster/rpi-7/metrics/${measurement}`, encode(value, "cbor")),
    batch: (f, { n = "room", tags = {}, dt = [0] } = {}) =>
      publish(
        "muster/rpi-7/metrics",
        encode(
          { v: 1, outbox: "box", seq: (seq += 1), t: Date.now() - 9_000 + seq * 100, dt, m: [{ n, tags, f }] },
          "cbor",
        ),
      ),
    ask: async (query) => (await influx.shell(query, { format: "csv" })).trim().split("\n").slice(1),
  };
}

const rows = (whole: Whole, measurement = "room"): Promise<string[]> => whole.ask(`SELECT * FROM "${measurement}"`);
const aside = ({ fleet }: Whole): unknown[] =>
  fleet.console.contract.quarantine
    .list()
    .map(({ device, measurement, field, got, wanted, count }) => [
      device,
      `${measurement}.${field}`,
      got,
      wanted,
      count,
    ]);

suite("the contract before the embedded store", ({ test }) => {
  test("the same rules hold: a conflicting field is set aside, the others are stored", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const publish = await openPublisher(scope, fleet, "rpi-7");
    const send = (text: string): Promise<void> => publish("muster/rpi-7/metrics/room", Buffer.from(text));
    for (const text of ['{"t":1,"h":1}', '{"t":"warm","h":2}', '{"t":1e999,"h":3}']) await send(text);
    const values = async (field: string): Promise<unknown[]> => {
      const query = {
        device: parseDeviceId("rpi-7"),
        measurement: "room",
        field,
        from: 0,
        to: Date.now() + 1_000,
        every: 0,
      };
      return (await fleet.console.store.query(query)).flatMap(({ points }) => points.map(([, value]) => value));
    };
    await eventually("three rows", async () => (await values("h")).length === 3);
    assert.equal([await values("h"), await values("t")], [[1, 2, 3], [1]]);
    assert.is(fleet.console.contract.quarantine.list().length, 2);
  });
});

suite("the contract before InfluxDB", ({ test }) => {
  test("what two devices see differently is held and told on both, and an operator settles it with one line", async (scope) => {
    const whole = await start(scope);
    const { fleet, send } = whole;
    const other = await openPublisher(scope, fleet, "rpi-8");
    const api = await serveApi(scope, fleet);
    const as = (who: string): Client => api.as(`${who}:${fleet.secretOf(who)}`);
    await send("room", { t: 20.5 });
    await eventually("the first row", async () => (await rows(whole)).length === 1);
    for (const text of ["warm", "hot"])
      await other("muster/rpi-8/metrics/room", Buffer.from(JSON.stringify({ t: text, h: 1 })));
    await eventually("both held", async () => (await as("vic").listConflicts()).conflicts[0]?.held[0]?.values === 2);
    for (const [device, part] of [
      ["rpi-7", /because this device sent it first, and rpi-8 sends string/],
      ["rpi-8", /because rpi-7 sent it first, and this device sends string/],
    ] as const)
      assert.match((await as("vic").listDevices()).devices.find(({ id }) => id === device)?.problem ?? "", part);
    const listed = await fields(as("vic"), undefined, {}, Date.now());
    assert.match(listed, /room\.t +float \(rpi-7\) +rpi-8 +string +2 +0 .*"warm"/);

    // InfluxDB holds numbers by now, which outranks everybody.
    const failure = async (who: string, type: string): Promise<string> =>
      fields(as(who), "room.t", { type }, 0).then(
        () => "",
        (error: unknown) => (error as Error).message,
      );
    assert.match(await failure("vic", "string"), /this needs the role operator/);
    assert.match(await failure("ann", "string"), /InfluxDB holds room\.t as float .*DROP MEASUREMENT/);
    await whole.influx.shell('DROP MEASUREMENT "room"');
    assert.match(
      await fields(as("ann"), "room.t", { type: "string" }, 0),
      /room\.t is string from now on: .* 2 values are stored, 0 were let go/,
    );
    await eventually("texts", async () => (await rows(whole)).length === 2);
    await send("room", { t: 21.5 });
    await eventually("a number as text", async () => (await rows(whole)).length === 3);
    assert.equal((await whole.ask("SELECT t FROM room")).map((row) => row.split(",")[2]).sort(), [
      "21.5",
      "hot",
      "warm",
    ]);
    assert.equal(
      (await as("vic").listDevices()).devices.map(({ problem }) => problem),
      [null, null],
    );
    assert.equal((await as("vic").getQuarantine()).entries, []);
  });

  test("a conflicting or unusable field is set aside, from simple samples and batches alike; all else is in InfluxDB", async (scope) => {
    const whole = await start(scope);
    await whole.send("room", { t: 20.5, state: "open" });
    await whole.send("room", { t: "warm", state: "shut" });
    await whole.send("room", { t: Number.NaN, state: 4, extra: 1 });
    await whole.send("room", { t: Number.POSITIVE_INFINITY, note: "x".repeat(2_000), extra: 2 });
    await whole.batch(
      { t: [1.5, "cold", Number.NaN, 2.5], state: "ajar", note: "y".repeat(3_000) },
      { dt: [0, 1, 2, 3] },
    );
    await eventually("all rows", async () => (await rows(whole)).length === 8);
    assert.equal((await whole.ask("SELECT count(t), count(state), count(extra) FROM room"))[0]?.split(",").slice(2), [
      "3",
      "6",
      "2",
    ]);
    assert.equal(
      (await whole.ask("SHOW FIELD KEYS FROM room")).map((row) => row.split(",").slice(1).join(" ")),
      ["extra float", "state string", "t float"],
    );
    const found = new Set(aside(whole).map((one) => JSON.stringify(one)));
    for (const [field, got, wanted, count] of [
      ["t", "string", "float", 2],
      ["t", "NaN", "float", 2],
      ["t", "Infinity", "float", 1],
      ["state", "number", "string", 1],
      ["note", "long text", "text of 1024 characters at most", 5],
    ])
      assert.ok(found.delete(JSON.stringify(["rpi-7", `room.${field}`, got, wanted, count])), `${field} ${got}`);
    assert.equal([...found], []);
    assert.is(whole.fleet.console.ingest.stats.refused.invalid, 0);
  });

  test("fields that Telegraf has written as integers stay so, and what is no integer is set aside alone", async (scope) => {
    const influx = await startInflux(scope);
    const post = (path: string, body: string | URLSearchParams): Promise<Response> =>
      fetch(influx.url + path, { method: "POST", body });
    assert.is((await post("/query", new URLSearchParams({ q: "CREATE DATABASE muster" }))).status, 200);
    const line = 'mem,host=other total=8i,used_percent=40.5,note="a"';
    await eventually("Telegraf's line", async () => (await post("/write?db=muster", line)).status === 204);
    const whole = await start(scope, {}, influx);
    await whole.batch({ total: { e: 0, d: [16, 1] }, used_percent: [41, 42.5] }, { n: "mem", dt: [0, 1] });
    await whole.batch({ total: [32.5], used_percent: [43], note: [7] }, { n: "mem" });
    await eventually("four rows", async () => (await rows(whole, "mem")).length === 4);
    assert.equal(
      await whole
        .ask(`SELECT total, used_percent, note FROM mem WHERE host='rpi-7'`)
        .then((all) => all.map((row) => row.split(",").slice(2).join())),
      ["16,41,", "17,42.5,", ",43,"],
    );
    assert.equal(
      (await whole.ask("SHOW FIELD KEYS FROM mem")).map((row) => row.split(",").slice(1).join(" ")),
      ["note string", "total integer", "used_percent float"],
    );
    assert.equal(aside(whole).sort(), [
      ["rpi-7", "mem.note", "number", "string", 1],
      ["rpi-7", "mem.total", "fraction", "integer", 1],
    ]);
  });

  test("a declared integer is one in InfluxDB from the first value on", async (scope) => {
    const whole = await start(scope, { fieldTypes: new Map([["counter.n", "integer"]]) });
    await whole.send("counter", { n: 5, t: 5 });
    await eventually("a row", async () => (await rows(whole, "counter")).length === 1);
    assert.equal(
      (await whole.ask("SHOW FIELD KEYS")).map((row) => row.split(",").join(" ")),
      ["counter n integer", "counter t float"],
    );
  });

  test("beyond its budget of series a device's new ones are set aside, the others go on, and nobody else is touched", async (scope) => {
    const whole = await start(scope, { seriesBudget: 5 });
    for (let n = 0; n < 20; n += 1) await whole.send("room", { tags: { id: `x${n}` }, values: { t: n } });
    for (let n = 0; n < 5; n += 1) await whole.send("room", { tags: { id: `x${n}` }, values: { t: 100 + n } });
    const other = await openPublisher(scope, whole.fleet, "rpi-8");
    await other("muster/rpi-8/metrics/room", Buffer.from('{"t":1}'));
    await eventually("eleven rows", async () => (await rows(whole)).length === 11);
    assert.is((await whole.ask("SHOW SERIES")).length, 6);
    assert.match(whole.fleet.console.registry.get("rpi-7")?.problem ?? "", /more than 5 series/);
    const [offender] = whole.fleet.console.contract.budget.offenders();
    assert.is(offender?.device, "rpi-7");
    assert.is(offender?.samples, 15);
    assert.is(offender?.worst[0]?.tag, "id");
  });

  test("no name, tag or text becomes another measurement, tag or field", async (scope) => {
    const whole = await start(scope);
    const evil = "a,host=rpi-8 t=9\nstolen,host=rpi-8 v=1";
    const bad: unknown[] = [
      { tags: { [evil]: "a" }, values: { t: 1 } },
      { tags: { id: evil }, values: { t: 1 } },
      { tags: { id: "ends with \\" }, values: { t: 1 } },
      { tags: { "": "a" }, values: { t: 1 } },
      { tags: { id: "\u0000" }, values: { t: 1 } },
      { [evil]: 1 },
      { "t\\": 1 },
      { "t\\,u": 1 },
    ];
    for (const one of bad) await whole.send("room", one);
    for (const name of ["a\nb", "#a", "a\\,b", "a\\"]) await whole.batch({ t: [1] }, { n: name });
    for (const id of [evil, "x\\", "\r"]) await whole.batch({ t: [1] }, { tags: { id } });
    await whole.batch({ [evil]: [1] });
    // These are allowed, and must arrive as what they are.
    const tame = { id: 'a b,c=d "e" \\f', host: "rpi-8" };
    const names = ["t=1i,u", "stolen,host=rpi-8 v", '"quoted" v', "a\\b"];
    await whole.batch({ t: [1] }, { n: "stolen,host=rpi-8 v=1" });
    await whole.send("room", {
      tags: tame,
      values: { t: 1, text: evil, quote: '\\" \\', ...Object.fromEntries(names.map((name) => [name, 1])) },
    });
    await whole.batch({ t: [2], time: [0], host: ["rpi-8"] }, { tags: tame, n: "hall" });
    await eventually(
      "two rows",
      async () => (await whole.ask("SELECT t FROM room")).length === 1 && (await rows(whole, "hall")).length === 1,
    );
    const listed = async (query: string): Promise<unknown[]> => {
      const shown = JSON.parse(await whole.influx.shell(query, { format: "json" })) as {
        results: { series: { values: unknown[][] }[] }[];
      };
      return shown.results[0]?.series[0]?.values.map(([name]) => name).sort() ?? [];
    };
    assert.equal(await listed("SHOW MEASUREMENTS"), ["hall", "room", "stolen,host=rpi-8 v=1"]);
    assert.equal(await listed("SHOW FIELD KEYS FROM room"), [...names, "quote", "t", "text"].sort());
    for (const measurement of ["hall", "room"])
      assert.equal(
        (await whole.ask(`SHOW TAG VALUES FROM ${measurement} WITH KEY = host`)).map((row) => row.split(",")[2]),
        ["rpi-7"],
      );
    assert.equal(
      (await whole.ask("SHOW TAG KEYS FROM room")).map((row) => row.split(",")[1]),
      ["host", "id"],
    );
    const text = (await whole.influx.shell("SELECT text, quote, id FROM room", { format: "json" })).trim();
    const answer = JSON.parse(text) as { results: { series: { values: unknown[][] }[] }[] };
    assert.equal(answer.results[0]?.series[0]?.values[0]?.slice(1), [evil, '\\" \\', tame.id]);
    assert.is(whole.fleet.console.ingest.stats.refused.invalid, bad.length + 8);
  });

  test("the API and the command line show it, and whoever may send commands may forget it", async (scope) => {
    const { fleet, send } = await start(scope, { seriesBudget: 1 });
    await send("room", { t: 1 });
    await send("room", { t: "warm" });
    await send("hall", { tags: { id: "1" }, values: { t: 1 } });
    const { console } = fleet;
    const api = await serveApi(scope, fleet);
    const as = (who: string): Client => api.as(`${who}:${fleet.secretOf(who)}`);
    await eventually("both", () => console.contract.setAside === 2);

    const viewer = as("vic");
    const { entries, more } = await viewer.getQuarantine({ device: "rpi-7" });
    assert.is(more, 0);
    assert.equal(
      entries.map(({ device, field, got, wanted, sample, count }) => [device, field, got, wanted, sample, count]),
      [["rpi-7", "t", "string", "float", '"warm"', 1]],
    );
    assert.match(entries[0]?.advice ?? "", /1 value is held until .* muster field room\.t --type string/);
    assert.equal((await viewer.getQuarantine({ device: "rpi-8" })).entries, []);
    assert.is((await viewer.getSeries()).devices[0]?.worst[0]?.tag, "id");

    const table = await showQuarantine(viewer, undefined, {}, Date.now());
    assert.match(table, /^DEVICE +FIELD +GOT .*\nrpi-7 +room\.t +string +float +1 +(now|\d)/);
    assert.match(table, /Beyond the budget of 1 series a device/);
    assert.match(table, /hall\.id: ~1 values/);

    try {
      await viewer.forgetQuarantine();
      assert.unreachable("a viewer may not");
    } catch (error) {
      assert.match((error as Error).message, /"vic" is viewer; this needs the role operator/);
    }
    assert.is(await showQuarantine(as("ann"), "rpi-7", { forget: true }, 0), "1 entry is forgotten");
    assert.equal((await viewer.getQuarantine()).entries, []);
  });
});
