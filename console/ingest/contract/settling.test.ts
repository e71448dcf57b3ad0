import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import type { Column } from "#shared/columns";
import type { FieldType } from "#shared/field-type";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { cpuMs } from "../../../test/cpu.ts";
import { suite, type Scope } from "../../../test/suite.ts";
import { openDatabase, openForWriting, type Database } from "../../database/database.ts";
import { migrations } from "../../database/schema.ts";
import { StoreUnavailableError, type SeriesColumns, type StoredTypes } from "../../store/store.ts";
import { NoRoomError } from "../spool/spool.ts";
import { Contract } from "./contract.ts";
import { toldSingly } from "./conflicts.ts";
import { maxHeldBytes, maxHeldFields } from "./held-counts.ts";
import { Settling, type Settled } from "./settling.ts";

interface Bench {
  readonly contract: Contract;
  readonly settling: Settling;
  readonly database: Database;
  readonly directory: string;
  /** What each device was told on `refused`, and what is to be seen beside it. */
  readonly told: [string, string][];
  readonly problems: Map<string, string | null>;
  readonly written: SeriesColumns[];
  /** What the store does with the next writes. */
  store: "takes" | "away" | "rejects";
  stored: StoredTypes | undefined;
  send(device: string, fields: Record<string, Column>, at?: number | number[]): unknown;
  stop(): void;
}

async function bench(scope: Scope, before?: Bench, declared: Record<string, FieldType> = {}): Promise<Bench> {
  const directory = before?.directory ?? (await scope.directory());
  const database = before?.database ?? openDatabase(join(directory, "muster.db"), migrations);
  if (!before) scope.cleanup(() => database.close());
  const one: Omit<Bench, "contract" | "settling"> = {
    database,
    directory,
    told: [],
    problems: new Map(),
    written: [],
    store: "takes",
    stored: undefined,
    send: (id, fields, at = 1) => {
      const times = typeof at === "number" ? [at] : at;
      const series = { device: parseDeviceId(id), measurement: "room", tags: { floor: "1" }, times, fields };
      return contract.admit([series]).map((admitted) => admitted.fields);
    },
    stop: () => contract.stop(),
  };
  const contract = new Contract({
    database,
    fieldTypes: new Map(Object.entries(declared)),
    seriesBudget: 1_000,
    stored: () => one.stored,
    heldPath: join(directory, "held.db"),
    tell: (device, why) => void one.told.push([device, why]),
    problem: (device, problem) => void one.problems.set(device, problem),
    clock: new ManualClock(),
    log: silentLog,
    random: () => 0.5,
  });
  const settling = new Settling({
    types: contract.types,
    held: contract.held,
    log: silentLog,
    write: async (series) => {
      if (one.store === "away") throw new StoreUnavailableError("the store is away");
      if (one.store === "rejects")
        return { rejected: [{ device: parseDeviceId("rpi-8"), measurement: "room", why: "no", count: 1 }] };
      one.written.push(...series);
      return { rejected: [] };
    },
    storedTypes: async () => {
      if (one.store === "away") throw new StoreUnavailableError("the store is away");
      return one.stored;
    },
    changed: (...settled) => contract.conflicts.settled(...settled),
  });
  contract.start();
  scope.cleanup(() => contract.stop());
  return Object.assign(one, { contract, settling });
}

const heldValues = ({ contract }: Bench): number =>
  contract.held.fields().reduce((sum, { devices }) => sum + devices.reduce((of, { values }) => of + values, 0), 0);
const valuesOf = ({ written }: Bench): unknown[] =>
  written.map(({ device, times, fields, tags }) => [device, times, fields, tags["floor"]]);

suite("a field that devices see differently", ({ test }) => {
  test("is held, and told on both devices, to the sender and once, before anything is acknowledged", async (scope) => {
    const one = await bench(scope);
    one.send("rpi-7", { t: 21.5 });
    assert.equal(one.send("rpi-8", { t: "warm", h: 3 }), [{ h: 3 }]);
    assert.equal(one.send("rpi-8", { t: "cold" }, 2), []);
    assert.is(heldValues(one), 2);
    assert.equal(
      one.told.map(([device]) => device),
      ["rpi-8"],
    );
    assert.match(
      one.told[0]?.[1] ?? "",
      /room\.t is float because rpi-7 sent it first, and this device sends string \("warm"\), which is held .* muster field room\.t --type/,
    );
    assert.match(one.problems.get("rpi-8") ?? "", /room\.t is float because rpi-7 sent it first/);
    assert.match(
      one.problems.get("rpi-7") ?? "",
      /room\.t is float because this device sent it first, and rpi-8 sends string/,
    );
  });

  test("what comes again, as a batch that was not acknowledged, is held once", async (scope) => {
    const one = await bench(scope);
    one.send("rpi-7", { t: 1 });
    for (let turn = 0; turn < 3; turn += 1) one.send("rpi-8", { t: ["a", 2, "b"] }, [1, 2, 3]);
    assert.is(heldValues(one), 2);
  });

  test("what would fit nothing is not held, and what is shipped or declared is nobody's to settle", async (scope) => {
    const one = await bench(scope, undefined, { "room.n": "integer" });
    one.send("rpi-7", { t: 1 });
    one.send("rpi-8", { t: Number.NaN, n: "x", time: 1, long: "x".repeat(5_000) });
    assert.is(heldValues(one), 0);
    const refused = await one.settling.settle("room", "n", "string", "ann");
    assert.match(refused.ok ? "" : refused.why, /declared integer in MUSTER_FIELD_TYPES/);
    one.contract.admit([
      { device: parseDeviceId("rpi-8"), measurement: "cpu", tags: {}, times: [1], fields: { usage_user: "evil" } },
    ]);
    assert.is(heldValues(one), 0);
    const own = await one.settling.settle("cpu", "usage_user", "string", "ann");
    assert.match(own.ok ? "" : own.why, /Muster's own/);
    const unknown = await one.settling.settle("room", "nothing", "string", "ann");
    assert.is(unknown.ok ? "" : unknown.reason, "unknown");
  });

  const cases: readonly (readonly [
    first: Column,
    sent: readonly (string | number | boolean | null)[],
    type: FieldType,
    written: unknown,
    discarded: number,
  ])[] = [
    [1.5, ["warm", null, "21.5"], "string", ["warm", null, "21.5"], 0],
    [1.5, ["warm", "21.5"], "float", undefined, 2],
    [1.5, [true, "x", false], "float", [1, null, 0], 1],
    [1.5, [true, false], "integer", [1, 0], 0],
    [1.5, [true, false], "string", ["true", "false"], 0],
    [true, [1, 0, 2], "boolean", [true, false, null], 1],
    [true, [1, 0.5], "float", [1, 0.5], 0],
    [true, [1, 0.5], "integer", [1, null], 1],
    ["on", [1, false], "string", ["1", "false"], 0],
  ];
  for (const [first, sent, type, written, discarded] of cases) {
    test(`settled as ${type}, of ${JSON.stringify(sent)} held beside ${JSON.stringify(first)} is written ${JSON.stringify(written)}`, async (scope) => {
      const one = await bench(scope);
      one.send("rpi-7", { t: first });
      const times = sent.map((_, at) => at + 1);
      one.send("rpi-8", { t: sent }, times);
      const settled = await one.settling.settle("room", "t", type, "ann");
      const count = sent.filter((value) => value !== null).length;
      assert.equal(settled, { ok: true, written: count - discarded, discarded, waiting: 0 } satisfies Settled);
      assert.equal(valuesOf(one), written === undefined ? [] : [["rpi-8", times, { t: written }, "1"]]);
      if (type === "integer") assert.equal(one.written[0]?.integers, new Set(["t"]));
      assert.is(heldValues(one), 0);
      assert.equal([one.problems.get("rpi-7"), one.problems.get("rpi-8")], [null, null]);
    });
  }

  test("from then on all values are taken as that type, through restarts, and what cannot be told in it is set aside", async (scope) => {
    const first = await bench(scope);
    first.send("rpi-7", { t: 1 });
    first.send("rpi-8", { t: "warm" });
    await first.settling.settle("room", "t", "string", "ann");
    assert.equal(first.send("rpi-7", { t: 2.5 }), [{ t: ["2.5"] }]);
    first.stop();
    const second = await bench(scope, first);
    assert.equal(second.send("rpi-7", { t: 3 }), [{ t: ["3"] }]);
    assert.equal(second.contract.types.origin("room", "t").how, "settled");
    await second.settling.settle("room", "t", "float", "ann");
    assert.equal(second.send("rpi-8", { t: "warm" }, 9), []);
    assert.is(heldValues(second), 0);
    assert.is(second.contract.quarantine.list().at(0)?.wanted, "float");
  });

  test("who came first is told whatever stands in the row's moment", async (scope) => {
    const one = await bench(scope);
    one.send("rpi-7", { t: 1 });
    const { types } = one.contract;
    assert.is(types.origin("room", "t").how, "first");
    one.database.prepare("UPDATE field_types SET since = ?").run(-(2n ** 63n));
    assert.equal(types.origin("room", "t"), { how: "first", device: "rpi-7", since: 0 });
  });

  test("while the store is away nothing is decided; what it did not take stays, through a restart, until it does", async (scope) => {
    const first = await bench(scope);
    first.send("rpi-7", { t: 1 });
    for (let at = 1; at <= 3; at += 1) first.send("rpi-8", { t: `${at}` }, at);
    first.store = "away";
    const away = await first.settling.settle("room", "t", "string", "ann");
    assert.is(away.ok ? "" : away.reason, "away");
    assert.equal(first.send("rpi-7", { t: 2 }, 5), [{ t: 2 }]);
    first.store = "rejects";
    const rejected = await first.settling.settle("room", "t", "string", "ann");
    assert.equal(rejected, { ok: true, written: 0, discarded: 0, waiting: 3, why: "the store refuses them: no" });
    // Killed between decision and write: the next start goes on with it.
    first.stop();
    const second = await bench(scope, first);
    assert.is(heldValues(second), 3);
    await second.settling.drain();
    assert.equal(
      valuesOf(second).map((row) => (row as unknown[])[2]),
      [{ t: ["1"] }, { t: ["2"] }, { t: ["3"] }],
    );
    assert.is(heldValues(second), 0);
  });

  test("what InfluxDB holds outranks the decision, and the answer says what to do", async (scope) => {
    const one = await bench(scope);
    one.send("rpi-7", { t: 1 });
    one.send("rpi-8", { t: "warm" });
    one.stored = new Map([["room", new Map([["t", new Set<FieldType>(["float"])]])]]);
    const refused = await one.settling.settle("room", "t", "string", "ann");
    assert.match(refused.ok ? "fine" : refused.why, /InfluxDB holds room\.t as float .*DROP MEASUREMENT "room"/);
    assert.is(heldValues(one), 1);
    // What nobody has decided is held also where it is the store that says no.
    assert.equal(one.send("rpi-8", { t: "cold" }, 2), []);
    assert.is(heldValues(one), 2);
  });

  test("what one device may have held is bounded in bytes and in fields, and the others keep theirs; it is told once", async (scope) => {
    const one = await bench(scope);
    one.send("rpi-7", Object.fromEntries(Array.from({ length: maxHeldFields.ofDevice + 5 }, (_, at) => [`f${at}`, 1])));
    const text = "x".repeat(1_000);
    let sent = 0;
    for (; one.told.length < 2 && sent < 2_000; sent += 1) one.send("evil-1", { f0: text }, sent + 1);
    assert.ok(
      sent * 1_250 > maxHeldBytes.ofDevice && sent * 1_000 < maxHeldBytes.ofDevice,
      `${sent} values of 1,000 characters`,
    );
    assert.match(one.told[1]?.[1] ?? "", /no room to hold more/);
    for (let more = 0; more < 50; more += 1) one.send("evil-1", { f0: text }, 1e6 + more);
    assert.is(one.told.length, 2);
    assert.is(one.contract.held.fields()[0]?.devices[0]?.dropped, 51);
    one.send("rpi-8", { f0: "x" });
    for (let at = 0; at < maxHeldFields.ofDevice + 5; at += 1) one.send("evil-2", { [`f${at}`]: "x" });
    assert.is(one.contract.held.fields().length, maxHeldFields.ofDevice);
    assert.ok(one.contract.held.of("room", "f0").has(parseDeviceId("rpi-8")));
    // Letting go makes room.
    await one.settling.settle("room", "f0", "float", "ann");
    one.send("evil-1", { f1: text });
    assert.is(one.contract.held.of("room", "f1").get(parseDeviceId("evil-1"))?.values, 1);
  });

  test("in all so much is held, however many devices there are", async (scope) => {
    const one = await bench(scope);
    one.send("rpi-7", { t: 1 });
    const values = Array.from({ length: 800 }, () => "x".repeat(1_000));
    const times = values.map((_, at) => at);
    let held = 0;
    for (let device = 0; device < 60; device += 1) {
      one.send(`evil-${device}`, { t: values }, times);
      held = one.contract.held.of("room", "t").size;
    }
    assert.ok(held * 800_000 <= maxHeldBytes.ofAll && (held + 2) * 810_000 > maxHeldBytes.ofAll, `${held} devices`);
  });

  test("a field is held for so many devices in all, and what is told costs little however many there are", async (scope) => {
    const one = await bench(scope);
    const names = Array.from({ length: maxHeldFields.ofDevice }, (_, at) => `f${at}`);
    one.send("rpi-7", Object.fromEntries(names.map((name) => [name, 1])));
    const devices = maxHeldFields.ofAll / maxHeldFields.ofDevice;
    const took: number[] = [];
    for (let device = 0; device <= devices; device += 1) {
      const began = cpuMs();
      one.send(`evil-${device}`, Object.fromEntries(names.map((name) => [name, "x"])));
      took.push(cpuMs() - began);
    }
    const held = one.contract.held.fields().reduce((sum, field) => sum + field.devices.length, 0);
    assert.is(held, maxHeldFields.ofAll);
    assert.match(one.problems.get("evil-0") ?? "", /and 98 more fields$/);
    // A hundred new conflicts in one message: the median, because garbage is collected in some of them.
    const median = took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)] ?? 0;
    assert.ok(median < 250, `${median} ms`);
  });

  test("where the disk does not take them nobody is told that they are safe", async (scope) => {
    const one = await bench(scope);
    one.send("rpi-7", { t: 1 });
    one.contract.held.stop();
    assert.throws(
      () => one.send("rpi-8", { t: "warm" }),
      (error: Error) => error instanceof NoRoomError,
    );
  });

  test("rows that do not read cost themselves, and no start", async (scope) => {
    const first = await bench(scope);
    first.send("rpi-7", { t: 1 });
    for (let at = 1; at <= 3; at += 1) first.send("rpi-8", { t: `${at}` }, at);
    first.stop();
    const held = openForWriting(join(first.directory, "held.db"));
    held.exec("UPDATE held SET vals = '[1' WHERE id = 2");
    held.close();
    const second = await bench(scope, first);
    const settled = await second.settling.settle("room", "t", "string", "ann");
    assert.is(settled.ok && settled.written, 2);
    assert.is(heldValues(second), 0);
  });

  test("of many fields in one message some are told one by one, and how many the others are", async (scope) => {
    const one = await bench(scope);
    const fields = (count: number, value: Column): Record<string, Column> =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, value]));
    one.send("rpi-7", fields(toldSingly + 2, 1));
    one.send("rpi-8", fields(toldSingly, "a"));
    assert.is(one.told.length, toldSingly);
    one.told.length = 0;
    one.send("rpi-9", fields(toldSingly + 2, "a"));
    assert.is(one.told.length, toldSingly + 1);
    assert.match(one.told.at(-1)?.[1] ?? "", /^2 more fields, the first of them room\.f8, .* held and not stored/);
    assert.match(one.problems.get("rpi-9") ?? "", /and 8 more fields$/);
    assert.match(one.problems.get("rpi-7") ?? "", /and 8 more fields$/);
  });
});
