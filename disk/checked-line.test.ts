import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { parseLines, toLine } from "./checked-line.ts";

const values = [{ id: "1", text: "ü" }, { id: "2", text: 'deadbeef {"id":1}' }, { id: "3" }];
const whole = Buffer.from(values.map(toLine).join(""));

suite("lines with checksums", ({ test }) => {
  test("a flipped bit costs a line at most, and where it costs one it is known", () => {
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const read = parseLines(bytes);
      assert.ok(read.values.length >= 2, `bit ${bit}`);
      assert.is(read.values.length + Math.min(read.damaged, 1), 3, `bit ${bit}: ${JSON.stringify(read)}`);
      assert.ok(read.values.every((value) => values.some((one) => JSON.stringify(one) === JSON.stringify(value))));
    }
  });

  test("a damaged newline costs nothing", () => {
    for (const [at, byte] of whole.entries()) {
      if (byte !== 10) continue;
      const bytes = Buffer.from(whole);
      bytes[at] = 0x4a;
      assert.equal(parseLines(bytes).values, values);
      assert.is(parseLines(bytes).damaged, 0);
    }
  });

  test("a line that was being written is dropped, and is no damage", () => {
    const last = toLine(values[2]).length;
    for (let cut = 1; cut < last; cut++) {
      const { values: read, damaged, end, ended } = parseLines(whole.subarray(0, whole.length - cut));
      // Without its newline alone it is there.
      assert.equal(read, cut === 1 ? values : values.slice(0, 2), `cut ${cut}`);
      assert.equal(
        { damaged, end, ended },
        cut === 1
          ? { damaged: 0, end: whole.length - 1, ended: false }
          : { damaged: 0, end: whole.length - last, ended: true },
      );
    }
  });
});
