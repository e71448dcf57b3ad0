import * as assert from "uvu/assert";
import { appendEntry, batchCap, decode, encode, payloadCap } from "#shared/codec";
import { BadInputError } from "#shared/errors";
import { cpuMs } from "../test/cpu.ts";
import { suite } from "../test/suite.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** Payload, and what the refusal says. */
const refused: [string, Buffer, RegExp][] = [
  ["nothing", Buffer.alloc(0), /empty/],
  ["half a JSON object", Buffer.from('{"key":'), /not valid JSON/],
  ["a number", Buffer.from("21.5"), /neither JSON/],
  ["not UTF-8", hex("7b ff fe 7d"), /not UTF-8/],
  ["a lone break", hex("ff"), /not UTF-8/],
  ["a CBOR array cut short", hex("82 01"), /cut short/],
  ["a length beyond the payload", hex("9a ff ff ff ff"), /cut short/],
  ["bytes after the item", hex("80 00"), /1 byte after/],
  ["an indefinite array", hex("9f 01 ff"), /definite lengths/],
  ["a bignum", hex("81 c2 49 01 00 00 00 00 00 00 00 00"), /tag at byte 1/],
  ["a regular expression", hex("81 d8 1b 82 61 61 60"), /tag at byte 1/],
  ["a shared reference", hex("81 d8 1c 80"), /tag at byte 1/],
  ["17 nested arrays", Buffer.concat([Buffer.alloc(17, 0x81), hex("01")]), /nested deeper/],
  ["a payload over the cap", Buffer.alloc(payloadCap + 1, 0x20), /larger than the 32768/],
];

suite("codec", ({ test }) => {
  test("values survive the way there and back", () => {
    const value = { key: "ping", list: [1, -2.5, 4294967296, null, true], text: "grün", nested: { a: [] } };
    for (const encoding of ["json", "cbor"] as const)
      assert.equal(decode(encode(value, encoding)), { encoding, value });
  });

  test("an entry appended to an encoded map decodes as the map's last", () => {
    for (const value of [2_400, 2 ** 40, 0.5, "text"]) {
      const longer = appendEntry(encode({ seq: 7, dt: [0, 1] }, "cbor"), "age", value);
      assert.equal(decode(longer).value, { seq: 7, dt: [0, 1], age: value });
    }
    const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, at]));
    assert.is(Object.keys(decode(appendEntry(encode(entries(22), "cbor"), "age", 1)).value as object).length, 23);
    assert.throws(() => appendEntry(encode(entries(23), "cbor"), "age", 1), /less than 23/);
    assert.throws(() => appendEntry(encode([1], "cbor"), "age", 1), /CBOR map/);
  });

  test("the first byte tells the encoding", () => {
    assert.is(decode(Buffer.from(' {"a":1}')).encoding, "json");
    assert.is(decode(Buffer.from("[1]")).encoding, "json");
    assert.is(decode(hex("a0")).encoding, "cbor");
    assert.equal(decode(Buffer.from("set-interval\n")), { encoding: "word", value: "set-interval" });
  });

  test("what could harm is refused with a sentence", () => {
    for (const [what, payload, why] of refused) {
      try {
        decode(payload);
        assert.unreachable(what);
      } catch (error) {
        assert.instance(error, BadInputError, what);
        assert.match((error as Error).message, why, what);
      }
    }
  });

  test("a prototype in JSON does not arrive", () => {
    const { value } = decode(Buffer.from('{"__proto__":{"polluted":true},"a":1}'));
    assert.equal(Object.keys(value as object), ["a"]);
    assert.is(({} as { polluted?: boolean }).polluted, undefined);
  });

  test("a hostile payload of the largest size is judged in a moment", () => {
    const began = cpuMs();
    for (const filler of [0x9b, 0x80, 0xa0, 0x81, 0xbf]) {
      assert.throws(() => decode(Buffer.alloc(batchCap, filler), batchCap));
    }
    assert.ok(cpuMs() - began < 1_000);
  });
});
