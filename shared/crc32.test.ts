import { randomFillSync } from "node:crypto";
import * as zlib from "node:zlib";
import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { crc32, crc32ByTable } from "#shared/crc32";

suite("crc32", ({ test }) => {
  test("by tables it is what zlib says: the standard's check value, texts, every length and alignment", () => {
    assert.is(crc32ByTable("123456789"), 0xcbf43926);
    const bytes = randomFillSync(Buffer.alloc(70_000));
    for (const text of ["", "a", "Tür 3 °C", "😀"]) assert.is(crc32ByTable(text), zlib.crc32(text), text);
    for (let length = 0; length < 70; length += 1)
      for (let from = 0; from < 5; from += 1) {
        const part = bytes.subarray(from, from + length);
        assert.is(crc32ByTable(part), zlib.crc32(part), `${length} from ${from}`);
      }
    assert.is(crc32ByTable(bytes), zlib.crc32(bytes));
  });

  test("where Node has one, that one is used", () => {
    assert.is(crc32, zlib.crc32);
  });
});
