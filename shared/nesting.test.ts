import { isDeepStrictEqual } from "node:util";
import * as assert from "uvu/assert";
import { batchCap, decode, encode, type Encoding } from "#shared/codec";
import { BadInputError } from "#shared/errors";
import { readReply, readTask } from "#shared/messages/command-messages";
import { readBatch } from "#shared/messages/batch-reading";
import { readAck } from "#shared/messages/metrics";
import { readSimple } from "#shared/messages/simple";
import { readConsoleStatus, readStatus } from "#shared/messages/presence-messages";
import { maxNesting, isJson, isShallow, maxItems, parseJson } from "#shared/nesting";
import { cpuMs } from "../test/cpu.ts";
import { suite } from "../test/suite.ts";

/** So many lists, one within the other. */
const lists = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
const text = (value: string): Buffer => Buffer.from(value);
const hex = (value: string): Buffer => Buffer.from(value.replaceAll(" ", ""), "hex");

/** Strange JSON, and the value that it stands for, or why it is refused. */
const strange: readonly (readonly [what: string, json: string, value: unknown])[] = [
  ["a second key of the same name", '{"a":1,"a":2}', { a: 2 }],
  ["__proto__", '{"__proto__":{"admin":true},"a":1}', { a: 1 }],
  ["__proto__ in escapes", String.raw`{"\u005f_proto_\u005F":{"admin":true},"a":1}`, { a: 1 }],
  ["__proto__ further down", '{"a":[{"__proto__":[]}]}', { a: [{}] }],
  ["constructor and prototype", '{"constructor":{"prototype":1}}', { constructor: { prototype: 1 } }],
  ["1e400", '{"a":1e400}', { a: Infinity }],
  ["-0", '{"a":-0}', { a: -0 }],
  ["a lone surrogate", String.raw`{"a":"\ud800"}`, { a: "\ud800" }],
  [
    "brackets in strings",
    String.raw`{"a":"[[[[[[[[[[[[[[[[[[\"[","b\\":"{"}`,
    { a: '[[[[[[[[[[[[[[[[[["[', "b\\": "{" },
  ],
  ["the deepest", lists(maxNesting), JSON.parse(lists(maxNesting))],
  ["one deeper", lists(maxNesting + 1), /nested deeper than 16 levels/],
  ["objects and lists in turn", '{"a":['.repeat(9) + "]}".repeat(9), /nested deeper/],
  ["far too deep, and no end", "[".repeat(20_000), /nested deeper/],
  ["as wide as can be", `[${Array.from({ length: maxItems }).fill(0).join(",")}]`, maxItems],
  [
    "wider",
    `[${Array.from({ length: maxItems + 1 })
      .fill(0)
      .join(",")}]`,
    /more than 131072 values and keys/,
  ],
  ["a string without an end", '["a', /JSON/],
  ["NaN", '{"a":NaN}', /JSON/],
];

/** The same in CBOR, byte by byte. */
const strangeCbor: readonly (readonly [what: string, payload: Buffer, value: unknown])[] = [
  ["a second key of the same name", hex("a2 6161 01 6161 02"), { a: 2 }],
  ["constructor", hex("a1 6b 636f6e7374727563746f72 01"), { constructor: 1 }],
  ["infinity", hex("a1 6161 fb7ff0000000000000"), { a: Infinity }],
  ["-0", hex("a1 6161 fb8000000000000000"), { a: -0 }],
  ["the deepest", Buffer.concat([Buffer.alloc(maxNesting - 1, 0x81), hex("80")]), JSON.parse(lists(maxNesting))],
  ["one deeper", Buffer.concat([Buffer.alloc(maxNesting, 0x81), hex("80")]), /nested deeper than 16 levels/],
  ["maps", Buffer.concat([Buffer.alloc(0), ...Array.from({ length: 17 }, () => hex("a1 6161")), hex("00")]), /nested/],
  ["as wide as can be", Buffer.concat([hex("9a 00020000"), Buffer.alloc(maxItems)]), maxItems],
  ["wider", Buffer.concat([hex("9a 00020001"), Buffer.alloc(maxItems + 1)]), /more than 131072 values and keys/],
];

/** A message of each kind with `hole` where it can say anything, and its reader. */
const birth = '"v":1,"online":true,"boot":"b","session":"s"';
const readers: readonly (readonly [
  what: string,
  message: (hole: string) => string,
  read: (from: Buffer) => unknown,
])[] = [
  ["status", (hole) => `{${birth},"facts":{"a":${hole}}}`, readStatus],
  ["offer", (hole) => `{${birth},"commands":{"a":{"args":{"a":${hole}}}}}`, readStatus],
  ["task", (hole) => `{"key":"ping","args":{"a":${hole}}}`, readTask],
  ["reply", (hole) => `{"id":"1","ts":1,"state":"succeeded","result":${hole}}`, readReply],
  [
    "failure",
    (hole) => `{"id":"1","ts":1,"state":"failed","error":{"code":"a","message":"b","data":${hole}}}`,
    readReply,
  ],
  ["unknown key", (hole) => `{"ranges":[],"more":${hole}}`, readAck],
  ["console", (hole) => `{"v":1,"online":true,"session":"s","more":${hole}}`, readConsoleStatus],
  [
    "batch",
    (hole) => `{"v":1,"outbox":"o","seq":1,"t":1,"dt":[0],"m":[{"n":"a","f":{"a":1}}],"more":${hole}}`,
    readBatch,
  ],
  ["sample", (hole) => `{"values":{"a":1},"more":${hole}}`, readSimple],
];

const thrownBy = (run: () => unknown): unknown => {
  try {
    run();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
};

suite("nesting", ({ test }) => {
  test("what strange JSON stands for", () => {
    for (const [what, json, value] of strange) expect(what, text(json), value);
  });

  test("what strange CBOR stands for", () => {
    for (const [what, payload, value] of strangeCbor) expect(what, payload, value);
    const hostile = decode(hex("a1 69 5f5f70726f746f5f5f a1 6161 01")).value as object;
    assert.is(Object.getPrototypeOf(hostile), Object.prototype);
  });

  test("no reader of a message takes what is too deep, or falls over it", () => {
    for (const [what, message, read] of readers) {
      for (const levels of [maxNesting, 1_600, 12_000]) {
        for (const encoding of ["json", "cbor"] as const) {
          const error = thrownBy(() => read(deep(message, levels, encoding)));
          assert.instance(error, BadInputError, `${what}, ${levels} levels of ${encoding}`);
          assert.match((error as Error).message, /nested deeper than 16/, what);
        }
      }
      assert.is(
        thrownBy(() => read(text(message(lists(8))))),
        undefined,
        what,
      );
    }
  });

  test("a number without end and a prototype do no harm in any message", () => {
    for (const [what, message, read] of readers) {
      const error = thrownBy(() => read(text(message("[1e400]"))));
      assert.ok(error === undefined || error instanceof BadInputError, what);
      for (const hole of ['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'])
        assert.is(
          thrownBy(() => read(text(message(hole)))),
          undefined,
          what,
        );
      assert.is(({} as { polluted?: boolean }).polluted, undefined);
    }
  });

  test("what is wide and wrong is refused in a moment, with few words", () => {
    const undefinedOnes = Buffer.concat([hex("9a 00007000"), Buffer.alloc(0x7000, 0xf7)]);
    const map = Buffer.concat([encode({ id: "1", ts: 1, state: "succeeded" }, "cbor"), encode("result", "cbor")]);
    map[0] = 0xa4;
    const began = cpuMs();
    const error = thrownBy(() => readReply(Buffer.concat([map, undefinedOnes])));
    assert.instance(error, BadInputError);
    assert.ok((error as Error).message.length < 300);
    // A recursive schema took 400 ms.
    assert.ok(cpuMs() - began < 150, `${cpuMs() - began} ms`);
  });

  test("a value is judged without going deeper than the bound", () => {
    let endless: unknown = 1;
    for (let level = 0; level < 100_000; level++) endless = [endless];
    assert.is(isJson(endless), false);
    assert.is(isShallow(endless), false);
    const deep = JSON.parse(lists(maxNesting)) as unknown;
    assert.ok(isJson(deep) && isShallow(deep));
    assert.not.ok(isJson([deep]) || isShallow([deep]));
    for (const no of [undefined, Infinity, Number.NaN, 1n, new Date(0), new Uint8Array(2), new Map(), () => 1])
      assert.is(isJson([no]), false, typeof no);
  });

  test("counting costs little beside parsing", () => {
    const json = JSON.stringify(
      Array.from({ length: 2_000 }, (_, at) => ({ name: `value ${at} "quoted"`, at, on: true })),
    );
    const time = (run: () => unknown): number => {
      const began = cpuMs();
      for (let round = 0; round < 30; round++) run();
      return cpuMs() - began;
    };
    time(() => parseJson(json));
    const [counted, plain] = [time(() => parseJson(json)), time(() => JSON.parse(json))];
    assert.ok(counted < Math.max(plain, 1) * 5, `${counted} ms against ${plain} ms`);
  });
});

function expect(what: string, payload: Buffer, value: unknown): void {
  if (value instanceof RegExp) {
    const error = thrownBy(() => decode(payload, 2 * batchCap));
    assert.instance(error, BadInputError, what);
    assert.match((error as Error).message, value, what);
    return;
  }
  const decoded = decode(payload, 2 * batchCap).value;
  if (typeof value === "number") assert.is((decoded as unknown[]).length, value, what);
  else assert.ok(isDeepStrictEqual(decoded, value), `${what}: ${JSON.stringify(decoded)}`);
}

/** The message with so many lists in its hole; in CBOR by bytes, because no encoder goes as deep. */
function deep(message: (hole: string) => string, levels: number, encoding: Encoding): Buffer {
  if (encoding === "json") return text(message(lists(levels)));
  const mark = "the hole";
  const encoded = encode(JSON.parse(message(JSON.stringify(mark))), "cbor");
  const at = encoded.indexOf(encode(mark, "cbor"));
  const rest = encoded.subarray(at + encode(mark, "cbor").length);
  return Buffer.concat([encoded.subarray(0, at), Buffer.alloc(levels - 1, 0x81), hex("80"), rest]);
}
