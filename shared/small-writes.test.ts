import { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { maxPiecesWaiting, pieceBytes, pieceEvery, writeInPieces } from "#shared/small-writes";
import { suite } from "../test/suite.ts";

function written(): { stream: Duplex; chunks: Buffer[]; clock: ManualClock } {
  const chunks: Buffer[] = [];
  const clock = new ManualClock();
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  writeInPieces(stream, clock);
  return { stream, chunks, clock };
}

suite("small writes", ({ test }) => {
  test("what is written goes in its order, in pieces, one at a time, corked or not", () => {
    const { stream, chunks, clock } = written();
    const all = Buffer.from(Array.from({ length: 3 * pieceBytes + 7 }, (_, at) => at % 251));
    stream.cork();
    stream.write(all.subarray(0, 10));
    stream.write(all.subarray(10));
    stream.uncork();
    for (let at = 0; at < 4; at += 1) clock.advance(pieceEvery);
    assert.ok(chunks.every(({ length }) => length <= pieceBytes));
    assert.equal(Buffer.concat(chunks), all);
    const before = chunks.length;
    stream.write("later");
    clock.advance(pieceEvery);
    assert.is(chunks.length, before + 1);
  });

  test("whoever writes too much is asked to wait, and told when there is room; at the end the rest goes", async () => {
    const { stream, chunks, clock } = written();
    let drained = 0;
    stream.on("drain", () => (drained += 1));
    assert.ok(stream.write(Buffer.alloc(maxPiecesWaiting - 1)));
    assert.not.ok(stream.write(Buffer.alloc(2 * pieceBytes)));
    for (let at = 0; at < 4; at += 1) clock.advance(pieceEvery);
    assert.is(drained, 1);
    stream.end();
    await new Promise((resolve) => stream.once("finish", resolve));
    assert.is(Buffer.concat(chunks).length, maxPiecesWaiting - 1 + 2 * pieceBytes);
  });
});
