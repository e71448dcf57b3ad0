import * as assert from "uvu/assert";
import { pack, unpack, type Column, type FieldValue } from "#shared/columns";
import { parseDeviceId } from "#shared/ids";
import { Random } from "../../chaos/random.ts";
import { suite } from "../../test/suite.ts";
import { LineWriter, type Rejected } from "./influx-lines.ts";
import { LineBytes } from "./line-bytes.ts";
import type { SeriesColumns } from "./store.ts";

const device = parseDeviceId("rpi-7");
const time = 1_767_225_600_000;

function series(fields: SeriesColumns["fields"], more: Partial<SeriesColumns> = {}): SeriesColumns {
  return { device, measurement: "mem", tags: {}, times: [time], fields, ...more };
}

function written(one: SeriesColumns): { lines: string[]; rejected: readonly Rejected[] } {
  const out = new LineBytes(8);
  let ended = 0;
  const rejected = new LineWriter().write(one, () => ({ out, endLine: () => (ended += 1) }));
  const lines = out.bytes.toString("utf8", 0, out.length).split("\n").slice(0, -1);
  assert.is(lines.length, ended);
  return { lines, rejected };
}

/** Line → field → value, for values without text. */
function parsed(line: string): Record<string, number | boolean> {
  const [, fields = ""] = line.split(" ");
  const entries = fields.split(",").map((field) => field.split("=") as [string, string]);
  return Object.fromEntries(entries.map(([name, value]) => [name, parseValue(value)]));
}

function parseValue(text: string): number | boolean {
  if (text === "true" || text === "false") return text === "true";
  assert.match(text, /^-?\d+(\.\d+)?(e[+-]\d+)?$/);
  return Number(text);
}

suite("line protocol", ({ test }) => {
  test("head, fields and time; tags in order, with the device among them", () => {
    const one = series({ used: [41.5], on: true, text: "a" }, { tags: { zone: "b c", cpu: "x" } });
    assert.equal(written(one).lines, [`mem,cpu=x,host=rpi-7,zone=b\\ c used=41.5,on=true,text="a" ${time}`]);
  });

  test("any number in any form of column is written as itself", () => {
    const random = new Random("lines");
    for (let round = 0; round < 300; round++) {
      const length = random.between(1, 5);
      const times = Array.from({ length }, (_, at) => time + at * 1_000);
      const lists = Array.from({ length: 6 }, () => Array.from({ length }, kindOf(random)));
      const fields: Record<string, Column> = {};
      for (const [at, list] of lists.entries()) fields[`f${at}`] = at % 2 ? pack(list) : list;
      const { lines, rejected } = written(series(fields, { times }));
      assert.equal(rejected, []);
      assert.equal(lines.map(parsed), rowsOf(fields, length));
      assert.equal(
        lines.map((line) => line.split(" ")[2]),
        times.filter((_, at) => Object.keys(rowAt(fields, at, length)).length > 0).map(String),
      );
    }
  });

  test("whole differences become the same digits as the numbers they stand for", () => {
    const whole = [0, 1, 9, 10, 99, 100, 4_294_967_295, 999_999_999, 1e9, 1e9 + 1, 123_456_789_012, 2 ** 53 - 1];
    for (const sum of whole.flatMap((one) => [one, -one])) {
      for (let e = 0; e <= 9; e++) {
        const [line = ""] = written(series({ f: { e, d: [sum] } })).lines;
        assert.is(parsed(line)["f"], sum === 0 ? 0 : sum / 10 ** e, line);
      }
    }
  });

  test("what is declared an integer is written as one, and only that", () => {
    const integers = new Set(["n"]);
    const times = [time, time + 1, time + 2];
    const { lines, rejected } = written(series({ n: [1, 2.5, -3], f: [1, 1, 1] }, { times, integers }));
    assert.equal(
      lines.map((line) => line.split(" ")[1]),
      ["n=1i,f=1", "f=1", "n=-3i,f=1"],
    );
    assert.is(rejected[0]?.count, 1);
    assert.match(written(series({ n: { e: 0, d: [5] } }, { integers })).lines[0] ?? "", / n=5i /);
    assert.match(written(series({ n: 5 }, { integers })).lines[0] ?? "", / n=5i /);
  });

  test("numbers that are none never reach a line", () => {
    const times = [time, time + 1];
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      const { lines, rejected } = written(series({ a: [bad, 1], b: bad, c: 2 }, { times }));
      assert.equal(
        lines.map((line) => line.split(" ")[1]),
        ["c=2", "a=1,c=2"],
      );
      assert.is(rejected[0]?.count, 3);
    }
  });

  test("text is quoted, cleaned and bounded, whatever its length in bytes", () => {
    const text = (value: string): string => written(series({ s: [value], t: value, u: 1 })).lines[0] ?? "";
    assert.is(text('say "hi" \\'), String.raw`mem,host=rpi-7 s="say \"hi\" \\",t="say \"hi\" \\",u=1 ${time}`);
    assert.is(text("a\u0000b\u007fc"), `mem,host=rpi-7 s="a b c",t="a b c",u=1 ${time}`);
    assert.is(text("a\tb\r"), `mem,host=rpi-7 s="a\tb\r",t="a\tb\r",u=1 ${time}`);
    assert.is(text("ünïcödé 😀"), `mem,host=rpi-7 s="ünïcödé 😀",t="ünïcödé 😀",u=1 ${time}`);
    assert.is(text("€".repeat(20_000)).split("€").length - 1, 2 * 16_384);
  });

  test("names that cannot be written are refused whole", () => {
    const bad = ["", "a\nb", "trailing\\", String.raw`a\,b`, "\u0000"];
    const cases = bad.flatMap((name) => [
      series({ f: 1 }, { measurement: name }),
      series({ f: 1 }, { tags: { [name]: "v" } }),
      series({ f: 1 }, { tags: { t: name } }),
      series({ [name]: 1 }),
    ]);
    const reserved = [
      series({ time: 1 }),
      series({ host: 1 }),
      series({ f: 1 }, { tags: { time: "v" } }),
      series({ f: 1 }, { measurement: "#mem" }),
    ];
    for (const one of [...cases, ...reserved]) {
      const { lines, rejected } = written(one);
      assert.equal(lines, [], JSON.stringify(one));
      assert.is(rejected[0]?.count, 1);
    }
  });

  test("a device's own tag host changes nothing", () => {
    assert.is(written(series({ f: 1 }, { tags: { host: "other" } })).lines[0], `mem,host=rpi-7 f=1 ${time}`);
  });

  test("an instant without any value has no line", () => {
    const times = [time, time + 1, time + 2];
    const { lines } = written(series({ a: [null, 1, null], b: [null, null, null] }, { times }));
    assert.equal(lines, [`mem,host=rpi-7 a=1 ${time + 1}`]);
  });
});

function kindOf(random: Random): () => FieldValue {
  const decimals = random.between(0, 11);
  const kind = random.next();
  return () => {
    const value = (random.next() - 0.5) * 10 ** random.between(0, 14);
    if (kind < 0.1) return random.chance(0.5) ? null : value;
    if (kind < 0.2) return random.chance(0.5);
    if (kind < 0.3) return value;
    return kind < 0.6 ? Math.round(value) : Number(value.toFixed(decimals));
  };
}

function rowAt(fields: SeriesColumns["fields"], at: number, length: number): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, column]) => [name, unpack(column, length)[at]] as const);
  // A negative zero is a zero in InfluxDB.
  return Object.fromEntries(
    entries.filter(([, value]) => value !== null).map(([name, value]) => [name, value === 0 ? 0 : value]),
  );
}

function rowsOf(fields: SeriesColumns["fields"], length: number): Record<string, unknown>[] {
  const rows = Array.from({ length }, (_, at) => rowAt(fields, at, length));
  return rows.filter((row) => Object.keys(row).length > 0);
}
