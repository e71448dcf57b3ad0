import { randomBytes } from "node:crypto";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import {
  encodeFile,
  maxPieceBytes,
  maxWindowBytes,
  readFileDown,
  readFileUp,
  sha256Of,
  type FileAsk,
  type FilePiece,
} from "#shared/messages/file-messages";
import { suite } from "../../test/suite.ts";
import { askedAgain, PieceReceiver, windowTime } from "./piece-receiver.ts";
import { PieceSender } from "./piece-sender.ts";

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
};

/** Both ends of a file's way, and what becomes of each message on it. */
function way(content: Buffer, { have = 0, took = 0, paced = false } = {}) {
  const clock = new ManualClock();
  const got: Buffer[] = [content.subarray(0, have)];
  const asks: FileAsk[] = [];
  const state = { done: 0, failed: [] as unknown[], isDown: false, took };
  let meddle: (piece: FilePiece) => FilePiece | undefined = (piece) => piece;
  const sender = new PieceSender({
    size: content.length,
    read: async (at, length) => content.subarray(at, at + length),
    send: async (piece) => {
      const passed = state.isDown ? undefined : meddle(piece);
      if (passed) receiver.take(passed);
    },
  });
  const receiver = new PieceReceiver({
    size: content.length,
    have,
    clock,
    ...(paced ? { pace: (begin: () => number) => (begin(), () => {}) } : {}),
    ask: (at, want) => {
      asks.push({ at, want });
      if (state.isDown) return;
      clock.advance(0);
      // The time that the way takes is over before the first piece is there.
      void Promise.resolve().then(() => (clock.advance(state.took), sender.answer({ at, want })));
    },
    write: async (data) => void got.push(Buffer.from(data)),
    done: () => (state.done += 1),
    failed: (thrown) => state.failed.push(thrown),
  });
  return { clock, got, asks, state, receiver, sender, meddle: (how: typeof meddle) => (meddle = how) };
}

suite("a file in pieces", ({ test }) => {
  test("it comes whole, whatever is there already", async () => {
    const content = randomBytes(5 * maxPieceBytes + 3);
    for (const have of [0, 1, maxPieceBytes, content.length]) {
      const { receiver, got, state } = way(content, { have });
      receiver.start();
      for (let turn = 0; turn < 20 && state.done === 0; turn += 1) await turns();
      assert.is(state.done, 1);
      assert.equal(Buffer.concat(got), content);
    }
  });

  test("where it may ask at once it waits for nothing any more once it is there", async () => {
    const { receiver, state, clock } = way(randomBytes(9 * maxPieceBytes), { paced: true });
    receiver.start();
    for (let turn = 0; turn < 20 && state.done === 0; turn += 1) await turns();
    assert.equal([state.done, clock.timers], [1, 0]);
  });

  test("what is lost or damaged, comes twice or out of turn costs time alone", async () => {
    const content = randomBytes(20 * maxPieceBytes);
    const { receiver, got, state, clock, meddle } = way(content);
    let count = 0;
    meddle((piece) => {
      count += 1;
      if (count % 5 === 0) return undefined;
      if (count % 7 === 0) return { ...piece, data: randomBytes(piece.data.length) };
      if (count % 11 === 0) return { ...piece, at: piece.at + 1 };
      receiver.take(piece);
      return piece;
    });
    receiver.start();
    for (let turn = 0; turn < 200 && state.done === 0; turn += 1) {
      await turns();
      clock.advance(askedAgain.longest);
    }
    assert.equal(Buffer.concat(got), content);
    assert.equal(state.failed, []);
  });

  test("after hours without anybody it goes on at the next ask, and asks at once when somebody is there anew", async () => {
    const content = randomBytes(9 * maxPieceBytes);
    const { receiver, got, state, clock, asks } = way(content);
    state.isDown = true;
    receiver.start();
    await turns();
    clock.advance(6 * 3_600_000);
    await turns();
    const asked = asks.length;
    clock.advance(askedAgain.longest);
    await turns();
    assert.is(asks.length, asked + 1, "no faster than once a minute by then");
    state.isDown = false;
    receiver.again();
    for (let turn = 0; turn < 20 && state.done === 0; turn += 1) await turns();
    assert.equal(Buffer.concat(got), content);
  });

  test("more is asked for where it comes in time, and less where it holds up what waits behind it", async () => {
    const content = randomBytes(60 * maxPieceBytes);
    const fast = way(content, { took: windowTime });
    fast.receiver.start();
    for (let turn = 0; turn < 60 && fast.state.done === 0; turn += 1) await turns();
    assert.is(Math.max(...fast.asks.map(({ want }) => want)), maxWindowBytes);
    const slow = way(content, { took: 2 * windowTime + 1 });
    slow.receiver.start();
    for (let turn = 0; turn < 4; turn += 1) await turns();
    assert.equal(
      slow.asks.slice(0, 4).map(({ want }) => want),
      [16, 8, 4, 4].map((kib) => kib * 1024),
    );
  });

  test("who asks for more at once gets no more than a window, and a newer ask ends the one before", async () => {
    const given: FilePiece[] = [];
    const sender = new PieceSender({
      size: 2 * maxWindowBytes,
      read: async (_, length) => Buffer.alloc(length),
      send: async (piece) => void given.push(piece),
    });
    await sender.answer({ at: 0, want: 2 * maxWindowBytes });
    assert.is(
      given.reduce((bytes, { data }) => bytes + data.length, 0),
      maxWindowBytes,
    );
    given.length = 0;
    await Promise.all([
      sender.answer({ at: 0, want: maxWindowBytes }),
      sender.answer({ at: maxWindowBytes, want: maxPieceBytes }),
    ]);
    assert.ok(given.length <= 2);
    assert.is(given.at(-1)?.at, maxWindowBytes);
  });

  test("a piece is bytes in CBOR and base64 in JSON, and no larger than it may be", () => {
    const piece = (length: number): FilePiece => {
      const data = randomBytes(length);
      return { at: 0, data, sha256: sha256Of(data) };
    };
    for (const encoding of ["json", "cbor"] as const) {
      const most = piece(maxPieceBytes);
      for (const read of [(bytes: Buffer) => readFileUp(bytes).value, readFileDown])
        assert.equal(read(encodeFile(most, encoding)), most, encoding);
      assert.throws(() => readFileUp(encodeFile(piece(maxPieceBytes + 1), encoding)), isBadInput);
    }
    for (const text of ['{"at":-1,"want":1}', '{"at":0,"want":1,"sha256":"x"}', '{"size":1}', "{}"])
      assert.throws(() => readFileUp(Buffer.from(text)), isBadInput);
  });
});

function isBadInput(thrown: unknown): boolean {
  return thrown instanceof BadInputError;
}
