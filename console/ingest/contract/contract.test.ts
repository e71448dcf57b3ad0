import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import type { Column } from "#shared/columns";
import type { FieldType } from "#shared/field-type";
import { parseDeviceId } from "#shared/ids";
import { silentLog, type Log } from "#shared/log";
import { maxTextLength } from "#shared/messages/simple";
import { suite, type Scope } from "../../../test/suite.ts";
import { openDatabase, type Database } from "../../database/database.ts";
import { migrations } from "../../database/schema.ts";
import type { SeriesColumns, StoredTypes } from "../../store/store.ts";
import { adviceOf } from "./advice.ts";

import { Contract, maxMisfits } from "./contract.ts";
import { maxFields } from "./field-types.ts";
import { flushed, maxEntries } from "./quarantine.ts";
import { day, memory, newInADay, ownShare } from "./series-budget.ts";
import { shippedTypes } from "./shipped-types.ts";

const rpi = parseDeviceId("rpi-7");

interface Changes {
  readonly database?: Database;
  readonly declared?: Record<string, FieldType>;
  readonly stored?: StoredTypes;
  readonly budget?: number;
  readonly clock?: ManualClock;
  readonly log?: Log;
  readonly crowded?: (device: string, problem: string | null) => void;
}

const database = async (scope: Scope): Promise<Database> => {
  const opened = openDatabase(join(await scope.directory(), "muster.db"), migrations);
  scope.cleanup(() => opened.close());
  return opened;
};

async function gate(scope: Scope, changes: Changes = {}): Promise<Contract> {
  const contract = new Contract({
    database: changes.database ?? (await database(scope)),
    fieldTypes: new Map(Object.entries(changes.declared ?? {})),
    seriesBudget: changes.budget ?? 1_000,
    stored: () => changes.stored,
    heldPath: join(await scope.directory(), "held.db"),
    clock: changes.clock ?? new ManualClock(),
    log: changes.log ?? silentLog,
    random: () => 0.5,
    ...(changes.crowded ? { crowded: changes.crowded } : {}),
  });
  contract.start();
  scope.cleanup(() => contract.stop());
  return contract;
}

const room = (fields: Record<string, Column>, times = [1]): SeriesColumns => ({
  device: rpi,
  measurement: "room",
  tags: {},
  times,
  fields,
});

const fieldsOf = (contract: Contract, fields: Record<string, Column>, times = [1]): unknown =>
  contract.admit([room(fields, times)]).map((one) => one.fields);

const told = (contract: Contract): unknown[] =>
  contract.quarantine.list().map(({ field, got, wanted, sample, count }) => [field, got, wanted, sample, count]);

suite("the contract", ({ test }) => {
  test("what fits passes untouched, the same object", async (scope) => {
    const contract = await gate(scope);
    const good = room({ on: true, text: "a", t: { e: 1, d: [205, 1] }, h: [1, null] }, [1, 2]);
    for (let turn = 0; turn < 2; turn += 1) assert.equal(contract.admit([good]), [good]);
    assert.is(contract.admit([good])[0], good);
    assert.is(contract.setAside, 0);
  });

  test("a field that conflicts with what came first is set aside, the others of its series pass", async (scope) => {
    const contract = await gate(scope);
    fieldsOf(contract, { state: "open", t: 1.5, on: false });
    assert.equal(fieldsOf(contract, { state: 3, t: "warm", on: true }), [{ on: true }]);
    assert.equal(fieldsOf(contract, { state: 4 }), []);
    assert.equal(told(contract), [
      ["state", "number", "string", "3", 2],
      ["t", "string", "float", '"warm"', 1],
    ]);
    assert.is(contract.setAside, 3);
  });

  test("of a column of mixed values the first one's type stays, with null in the others' place", async (scope) => {
    const contract = await gate(scope);
    const mixed = [null, 1, "two", Number.NaN, 4, Number.POSITIVE_INFINITY, true, "x"];
    assert.equal(fieldsOf(contract, { t: mixed }, [1, 2, 3, 4, 5, 6, 7, 8]), [
      { t: [null, 1, null, null, 4, null, null, null] },
    ]);
    assert.equal(told(contract), [
      ["t", "string", "float", '"two"', 2],
      ["t", "NaN", "float", "NaN", 1],
      ["t", "Infinity", "float", "Infinity", 1],
      ["t", "boolean", "float", "true", 1],
    ]);
  });

  test("a constant that is not finite decides no type", async (scope) => {
    const contract = await gate(scope);
    assert.equal(fieldsOf(contract, { t: Number.NaN }, [1, 2]), []);
    assert.equal(fieldsOf(contract, { t: "cold" }), [{ t: "cold" }]);
    assert.equal(told(contract), [["t", "NaN", "float", "NaN", 2]]);
  });

  test("a text that is too long, and the names time and host, are set aside", async (scope) => {
    const contract = await gate(scope);
    assert.equal(
      fieldsOf(
        contract,
        { note: ["x".repeat(maxTextLength + 1), "x".repeat(maxTextLength)], time: [5, 6], host: ["a", "b"] },
        [1, 2],
      ),
      [{ note: [null, "x".repeat(maxTextLength)] }],
    );
    assert.equal(
      told(contract).map((one) => (one as string[]).slice(0, 3)),
      [
        ["note", "long text", "text of 1024 characters at most"],
        ["time", "a reserved name", "another name"],
        ["host", "a reserved name", "another name"],
      ],
    );
    assert.ok(contract.quarantine.list().every(({ sample }) => sample.length <= 200));
  });

  test("a text with control characters is set aside, from batches too; tabs, line breaks and all other letters pass", async (scope) => {
    const contract = await gate(scope);
    const good = ["a\tb\r\nc", "ünïcödé 😀 \u0085\u2028\ufeff", ""];
    const bad = ["a\u0000", "\u0000", "\u001b[31m", "\u007f", "\ud83d", "x\udc00y"];
    const times = [...good, ...bad].map((_, at) => at);
    assert.equal(fieldsOf(contract, { note: [...good, ...bad] }, times), [{ note: [...good, ...bad.map(() => null)] }]);
    assert.equal(fieldsOf(contract, { fixed: "a\u0000" }), []);
    assert.equal(fieldsOf(contract, { fixed: 1 }), [{ fixed: 1 }], "it has decided no type");
    assert.equal(
      contract.quarantine.list().map(({ field, got, wanted, count }) => [field, got, wanted, count]),
      [
        ["note", "a garbled text", "a text of printable characters", bad.length],
        ["fixed", "a garbled text", "a text of printable characters", 1],
      ],
    );
    assert.equal(contract.held.fields(), []);
  });

  test("declared integers take whole numbers only and are marked so, in every form of a column", async (scope) => {
    const contract = await gate(scope, { declared: { "room.n": "integer" } });
    const [list] = contract.admit([room({ n: [1, 2.5, 2 ** 53] }, [1, 2, 3])]);
    assert.equal(list?.fields, { n: [1, null, null] });
    assert.equal(list?.integers, new Set(["n"]));
    assert.equal(fieldsOf(contract, { n: { e: 0, d: [5, 1] } }, [1, 2]), [{ n: { e: 0, d: [5, 1] } }]);
    assert.equal(fieldsOf(contract, { n: { e: 1, d: [50, 5] } }, [1, 2]), [{ n: [5, null] }]);
    assert.equal(fieldsOf(contract, { n: 7, t: 1.5 }), [{ n: 7, t: 1.5 }]);
    assert.equal(
      told(contract).map((one) => (one as string[])[1]),
      ["fraction", "number beyond 2^53"],
    );
  });

  test("what the store holds has the last word, and a declaration that contradicts it is told", async (scope) => {
    const stored: StoredTypes = new Map([
      [
        "room",
        new Map<string, ReadonlySet<FieldType>>([
          ["n", new Set(["integer"])],
          ["d", new Set(["float"])],
          ["both", new Set(["float", "integer"])],
          ["host", new Set(["float"])],
        ]),
      ],
    ]);
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) };
    const declared = { "room.d": "integer", "room.both": "integer" } as const;
    const contract = await gate(scope, { stored, declared, log });
    const [one] = contract.admit([room({ n: 4, d: 1.5, both: 3, host: 1 })]);
    assert.equal(one?.fields, { n: 4, d: 1.5, both: 3 });
    assert.equal(one?.integers, new Set(["n", "both"]));
    assert.is(warnings.length, 1);
    assert.match(warnings[0] ?? "", /room\.d is declared integer, but InfluxDB holds it as float/);
  });

  test("first types and the quarantine outlive a restart; declaring the other type sets it right", async (scope) => {
    const kept = await database(scope);
    const first = await gate(scope, { database: kept });
    fieldsOf(first, { state: "open" });
    fieldsOf(first, { state: 1 });
    first.stop();
    const second = await gate(scope, { database: kept });
    assert.equal(fieldsOf(second, { state: 2 }), []);
    assert.equal(told(second), [["state", "number", "string", "1", 2]]);
    const [entry] = second.quarantine.list();
    assert.match(
      entry ? adviceOf(entry, 2) : "",
      /2 values are held .* muster field room\.state --type float \(then texts are let go\), or .* string/,
    );
    second.stop();
    const third = await gate(scope, { database: kept, declared: { "room.state": "float" } });
    assert.equal(fieldsOf(third, { state: 2 }), [{ state: 2 }]);
  });

  test("of a message that is wrong all over some fields are told apart and all values counted; what fits is stored", async (scope) => {
    const contract = await gate(scope);
    const fields = (value: (at: number) => Column): Record<string, Column> =>
      Object.fromEntries(Array.from({ length: maxMisfits + 10 }, (_, at) => [`f${at}`, value(at)]));
    fieldsOf(
      contract,
      fields(() => 1),
    );
    const [admitted] = contract.admit([
      room(
        fields((at) => ["warm", at]),
        [2, 3],
      ),
    ]);
    assert.is(Object.keys(admitted?.fields ?? {}).length, maxMisfits + 10);
    assert.is(contract.quarantine.list().length, maxMisfits);
    assert.is(contract.quarantine.more(rpi), 10);
    assert.is(contract.setAside, maxMisfits + 10);
    // Each message has this room anew.
    fieldsOf(contract, { f0: "warm" });
    assert.is(contract.quarantine.more(rpi), 10);
  });

  test("a device cannot introduce fields without end", async (scope) => {
    const contract = await gate(scope);
    const many = Object.fromEntries(Array.from({ length: maxFields.ofDevice + 5 }, (_, at) => [`f${at}`, at]));
    const [admitted] = contract.admit([room(many)]);
    assert.is(Object.keys(admitted?.fields ?? {}).length, maxFields.ofDevice);
    assert.is(contract.quarantine.list().length, 5);
    assert.is(contract.quarantine.list()[0]?.got, "one more field");
  });

  test("no device decides what the console's own fields are", async (scope) => {
    const contract = await gate(scope);
    const marks = { ...room({ text: 1, ms: 5 }), measurement: "muster_command" };
    assert.equal(contract.admit([marks])[0]?.fields, { ms: 5 });
  });

  test("no device decides what a field of Muster's own measurements is, not even the first to name it", async (scope) => {
    const kept = await database(scope);
    // A former version has let one decide.
    kept
      .prepare("INSERT INTO field_types (measurement, field, type, device, since) VALUES (?, ?, ?, ?, ?)")
      .run("cpu", "usage_idle", "string", "evil-1", 1);
    const contract = await gate(scope, { database: kept, declared: { "mem.total": "integer" } });
    const cpu = (id: string, fields: Record<string, Column>, measurement = "cpu"): SeriesColumns => ({
      ...room(fields),
      device: parseDeviceId(id),
      measurement,
    });
    for (const [measurement, field] of [
      ["cpu", "usage_user"],
      ["cpu", "usage_idle"],
      ["muster", "received"],
      ["muster_device", "clock_skew_ms"],
    ] as const) {
      assert.equal(contract.admit([cpu("evil-1", { [field]: "evil" }, measurement)]), []);
      assert.equal(contract.admit([cpu("rpi-7", { [field]: 1.5 }, measurement)])[0]?.fields, { [field]: 1.5 });
    }
    assert.equal(contract.admit([cpu("evil-1", { total: "evil" }, "mem")]), []);
    assert.equal(contract.admit([cpu("rpi-7", { total: 7 }, "mem")])[0]?.integers, new Set(["total"]));
    assert.ok(contract.quarantine.list().every(({ device }) => device === "evil-1"));
  });

  test("Muster's own fields are on nobody's account", async (scope) => {
    const contract = await gate(scope);
    for (const name of shippedTypes.keys()) {
      const [measurement = "", field = ""] = name.split(".");
      contract.admit([{ ...room({ [field]: shippedTypes.get(name) === "string" ? "a" : 1 }), measurement }]);
    }
    assert.equal(contract.quarantine.list(), []);
    const many = Object.fromEntries(Array.from({ length: maxFields.ofDevice }, (_, at) => [`f${at}`, at]));
    assert.is(Object.keys(contract.admit([room(many)])[0]?.fields ?? {}).length, maxFields.ofDevice);
  });

  test("the shipped types are those of the fields that docs/metrics.md names", async () => {
    const documented = new Map<string, string>();
    let measurement = "";
    for (const line of (await readFile("docs/metrics.md", "utf8")).split("\n")) {
      measurement = /^## (\w+)$/.exec(line)?.[1] ?? measurement;
      const [, field = "", , type = ""] = line.split("|").map((cell) => cell.trim());
      if (/^[A-Za-z0-9_-]+$/.test(field) && !/^(Field|Setting|-+)$/.test(field))
        documented.set(`${measurement}.${field}`, type === "string" ? "string" : "float");
    }
    const own = [...shippedTypes].filter(([name]) => !name.startsWith("muster_"));
    assert.equal(new Map(own), documented);
  });
});

suite("the quarantine", ({ test }) => {
  test("is bounded; what has no room is counted, and forgetting makes room", async (scope) => {
    const { quarantine } = await gate(scope);
    const add = (device: string, field: string): void =>
      quarantine.add({
        device: parseDeviceId(device),
        measurement: "m",
        field,
        got: "g",
        wanted: "w",
        sample: "",
        count: 2,
      });
    for (let n = 0; n < maxEntries.ofDevice + 3; n += 1) add("rpi-7", `f${n}`);
    add("rpi-8", "f");
    assert.is(quarantine.list(rpi).length, maxEntries.ofDevice);
    assert.is(quarantine.more(rpi), 6);
    assert.is(quarantine.forget(rpi), maxEntries.ofDevice);
    assert.is(quarantine.more(), 0);
    assert.equal(
      quarantine.list().map(({ device }) => device),
      ["rpi-8"],
    );
    add("rpi-7", "again");
    assert.is(quarantine.list(rpi)[0]?.count, 2);
    add("rpi-7", "other");
    add("rpi-8", "other");
    assert.is(quarantine.forgetEntries("m", "other", rpi), 1);
    assert.equal(
      quarantine
        .list()
        .map(({ device, field }) => `${device} ${field}`)
        .sort(),
      ["rpi-7 again", "rpi-8 f", "rpi-8 other"],
    );
    assert.is(quarantine.forgetEntries("m", "other"), 1);
  });

  test("the database is handed so many entries in one turn, and the others in the next", async (scope) => {
    const kept = await database(scope);
    const clock = new ManualClock();
    const { quarantine } = await gate(scope, { database: kept, clock });
    const count = (): unknown => kept.prepare("SELECT COUNT(*) AS n FROM quarantine").get()?.["n"];
    for (let n = 0; n <= flushed; n += 1) {
      const device = parseDeviceId(n % 2 ? "rpi-7" : "rpi-8");
      quarantine.add({ device, measurement: "m", field: `f${n}`, got: "g", wanted: "w", sample: "", count: 1 });
    }
    clock.advance(1_000);
    assert.is(count(), flushed);
    clock.advance(1_000);
    assert.is(count(), flushed + 1);
  });

  test("the database hears of it once a second, and an entry that is silent for a month goes", async (scope) => {
    const kept = await database(scope);
    const clock = new ManualClock();
    const { quarantine } = await gate(scope, { database: kept, clock });
    const count = (): unknown => kept.prepare("SELECT SUM(count) AS n FROM quarantine").get()?.["n"];
    const misfit = { device: rpi, measurement: "m", field: "f", got: "g", wanted: "w", sample: "", count: 1 };
    for (let n = 0; n < 3; n += 1) quarantine.add(misfit);
    assert.is(count(), null);
    clock.advance(1_000);
    assert.is(count(), 3);
    clock.advance(31 * 86_400_000);
    const later = await gate(scope, { database: kept, clock });
    assert.equal(later.quarantine.list(), []);
  });
});

suite("the budget of series", ({ test }) => {
  const sensor = (id: string | number, device = rpi): SeriesColumns => ({
    ...room({ t: 1 }),
    device,
    tags: { id: `sensor-${id}`, floor: "1" },
  });
  const passes = (contract: Contract, ...all: SeriesColumns[]): number => contract.admit(all).length;

  test("beyond it new series are set aside and the known ones go on, whatever the order of their tags", async (scope) => {
    const contract = await gate(scope, { budget: 3 });
    assert.is(passes(contract, sensor(1), sensor(2), sensor(3), sensor(4)), 3);
    assert.is(passes(contract, sensor(3), sensor(1), { ...sensor(2), tags: { floor: "1", id: "sensor-2" } }), 3);
    assert.is(passes(contract, sensor(5)), 0);
    assert.is(passes(contract, sensor(4, parseDeviceId("rpi-8"))), 1);
  });

  test("the offender is named with the tag that it comes from", async (scope) => {
    const contract = await gate(scope, { budget: 10 });
    for (let n = 0; n < 510; n += 1) contract.admit([sensor(n)]);
    const [worst, ...others] = contract.budget.offenders();
    assert.equal(others, []);
    assert.is(worst?.known, 10);
    assert.is(worst?.samples, 500);
    assert.ok(Math.abs((worst?.series ?? 0) - 500) < 50, `about 500, said ${worst?.series}`);
    assert.equal(
      worst?.worst.map(({ measurement, tag }) => [measurement, tag]),
      [
        ["room", "id"],
        ["room", "floor"],
      ],
    );
    assert.is(worst?.worst[1]?.values, 1);
  });

  test("a series that is gone for an hour or two makes room", async (scope) => {
    const clock = new ManualClock();
    const contract = await gate(scope, { budget: 2, clock });
    passes(contract, sensor(1), sensor(2));
    clock.advance(memory);
    assert.is(passes(contract, sensor(1), sensor(3)), 1);
    clock.advance(memory);
    assert.is(passes(contract, sensor(1), sensor(3)), 2);
    assert.is(passes(contract, sensor(2)), 0);
  });

  test("in a day no more than so many budgets of new ones: those that are gone cost the store as well", async (scope) => {
    const clock = new ManualClock();
    const budget = 10;
    const contract = await gate(scope, { budget, clock });
    let next = 0;
    const allOf = (hours: number): number => {
      let passed = 0;
      for (let hour = 0; hour < hours; hour += 1) {
        for (let n = 0; n < 2 * budget; n += 1) passed += passes(contract, sensor((next += 1)));
        clock.advance(2 * memory);
      }
      return passed;
    };
    assert.is(allOf(6), newInADay * budget);
    clock.advance(day);
    assert.is(allOf(6), newInADay * budget);
  });

  test("each measurement has a share of its own: a new disk is seen whatever the containers' interfaces take", async (scope) => {
    const clock = new ManualClock();
    const problems: (string | null)[] = [];
    const budget = 1_000;
    const contract = await gate(scope, { budget, clock, crowded: (_, problem) => void problems.push(problem) });
    const named = (measurement: string, id: number): SeriesColumns => ({ ...sensor(id), measurement });
    const net = Array.from({ length: 3 * budget }, (_, at) => named("net", at));
    assert.is(passes(contract, ...net), budget);
    assert.equal(problems, [`it has more than ${budget} series, and new ones of net are set aside`]);
    const share = budget * ownShare;
    const disks = Array.from({ length: share + 5 }, (_, at) => named("disk", at));
    assert.is(passes(contract, ...disks), share, "its own share, and no more");
    assert.is(passes(contract, ...disks), share, "they stay");
    assert.is(passes(contract, ...net.slice(0, budget - share)), budget - share, "the others' oldest go on");
    assert.is(passes(contract, net[budget - 1]!), 0);
    assert.is(contract.budget.sizes()[0]?.known, budget, "and never more than the budget");
    // A measurement for each series: all are equal, and nobody takes from anybody.
    for (let at = 0; at < 3 * budget; at += 1) passes(contract, named(`m${at}`, at));
    assert.is(contract.budget.sizes()[0]?.known, budget);
    clock.advance(day);
    passes(contract, ...disks);
    assert.equal(problems.at(-1), null, "a day within the budget");
  });

  test("a hundred thousand series do not fall together", async (scope) => {
    const contract = await gate(scope, { budget: 200_000 });
    for (let n = 0; n < 100_000; n += 1) contract.admit([sensor(n)]);
    assert.is(contract.budget.sizes()[0]?.known, 100_000);
  });
});
