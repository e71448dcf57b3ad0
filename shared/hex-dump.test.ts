import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { hexDump, readableText } from "./hex-dump.ts";

suite("a hex dump", ({ test }) => {
  test("has where, what, and what of it prints, and nothing that a terminal would obey", () => {
    const bytes = Buffer.from("\u001b[31mmuster\u0000äöü and more");
    assert.equal(hexDump(bytes).split("\n"), [
      "0000  1b 5b 33 31 6d 6d 75 73 74 65 72 00 c3 a4 c3 b6  .[31mmuster.....",
      "0010  c3 bc 20 61 6e 64 20 6d 6f 72 65                 .. and more",
    ]);
    assert.is(hexDump(new Uint8Array()), "");
  });

  test("text is what reads as such: also where it is cut in a character, and never with control characters", () => {
    const text = Buffer.from('{"t":"wärme"}\n');
    assert.is(readableText(text, true), '{"t":"wärme"}\n');
    assert.is(readableText(text.subarray(0, 8), false), '{"t":"w');
    for (const wrong of ["\u0000", "\u001b[2J", "\u0085"]) assert.is(readableText(Buffer.from(wrong), true), undefined);
    assert.is(readableText(text.subarray(0, 8), true), undefined);
    assert.is(readableText(Buffer.from([0xff, 0xfe]), true), undefined);
  });
});
