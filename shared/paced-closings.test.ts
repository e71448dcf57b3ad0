import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { maxClosingsATurn, PacedClosings } from "./paced-closings.ts";

/** Connections of which it is told, in order, when each really ends and closes. */
function connections(count: number) {
  const closings = new PacedClosings();
  const done: string[] = [];
  const streams = Array.from({ length: count }, (_, at) => {
    const stream = new Duplex({
      read: () => {},
      write: (_chunk, _encoding, taken) => taken(),
      final: (over) => (done.push(`end ${at}`), over()),
      destroy: (error, over) => (done.push(`close ${at}`), over(error)),
    });
    closings.paceEnd(stream);
    closings.paceClose(stream);
    return stream;
  });
  return { streams, done };
}

suite("closings that wait for their turn", ({ test }) => {
  test("of many that are closed at once a few are in each turn of the event loop, in order", async () => {
    const { streams, done } = connections(3 * maxClosingsATurn + 1);
    for (const stream of streams) stream.destroy();
    const counts = [done.length];
    for (let turn = 0; turn < 4; turn++) {
      await nextTurn();
      counts.push(done.length);
    }
    assert.is(counts[0], maxClosingsATurn, "the first ones are not held up");
    for (const [at, count] of counts.entries()) assert.ok(count - (counts[at - 1] ?? 0) <= maxClosingsATurn);
    assert.equal(
      done,
      streams.map((_, at) => `close ${at}`),
    );
  });

  test("who comes while others wait does not overtake them, and after them nobody waits", async () => {
    const { streams, done } = connections(maxClosingsATurn + 3);
    const [late, last] = [streams.pop(), streams.pop()];
    for (const stream of streams) stream.destroy();
    late?.destroy();
    await nextTurn();
    await nextTurn();
    assert.is(done.at(-1), `close ${maxClosingsATurn + 2}`);
    await nextTurn();
    last?.destroy();
    assert.is(done.at(-1), `close ${maxClosingsATurn + 1}`);
  });

  test("ends count as closings do, and each comes before its closing", async () => {
    const { streams, done } = connections(maxClosingsATurn);
    for (const stream of streams) stream.resume().end();
    for (const stream of streams) stream.push(null);
    for (let turn = 0, before = 0; done.length < 2 * streams.length; turn++) {
      assert.ok(turn < 50, `${done.length}`);
      assert.ok(done.length - before <= maxClosingsATurn, `${done.length} after ${before}`);
      before = done.length;
      await nextTurn();
    }
    for (const at of streams.keys()) assert.ok(done.indexOf(`end ${at}`) < done.indexOf(`close ${at}`));
  });

  test("a socket that waits for its closing reads no more: Node would throw at what still came", async (scope) => {
    const closings = new PacedClosings();
    const server = createServer().listen(0, "127.0.0.1");
    scope.cleanup(() => server.close());
    await once(server, "listening");
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    scope.cleanup(() => client.destroy());
    const [socket] = (await once(server, "connection")) as [Socket];
    closings.paceClose(socket);
    socket.resume();
    client.write("first");
    await once(socket, "data");
    // All turns of this while are taken, one after the other.
    let waiting = true;
    const crowd = (): void => {
      for (let at = 0; at < 2 * maxClosingsATurn; at++) closings.pace(() => {});
      if (waiting) setImmediate(crowd);
    };
    crowd();
    const closed = once(socket, "close");
    socket.destroy();
    client.on("error", () => {});
    await new Promise<void>((resolve) => client.write("what still comes", () => resolve()));
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    waiting = false;
    await closed;
  });
});
