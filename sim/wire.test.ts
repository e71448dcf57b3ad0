import { generate, type Packet } from "mqtt-packet";
import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { Wire } from "./wire.ts";

const payload = Buffer.alloc(300, "x");
const stream = Buffer.concat([
  generate({ cmd: "connack", returnCode: 0, sessionPresent: false }),
  generate({ cmd: "publish", topic: "muster/a/ack", payload, qos: 1, messageId: 7, retain: false, dup: false }),
  generate({ cmd: "pingresp" }),
]);

/** What a connection takes out of `chunks`. */
function read(wire: Wire, chunks: readonly Buffer[]): { seen: string[]; rest: Buffer | undefined } {
  const seen: string[] = [];
  let rest: Buffer | undefined;
  const take = (packet: Packet): void => {
    seen.push(packet.cmd === "publish" ? `${packet.topic} ${packet.payload.length}` : packet.cmd);
  };
  for (const chunk of chunks) {
    chunk.copy(wire.buffer);
    rest = wire.read(rest, chunk.length, take);
  }
  return { seen, rest };
}

suite("the wire", ({ test }) => {
  const all = ["connack", "muster/a/ack 300", "pingresp"];

  test("packets come whole, wherever the network cut them", () => {
    const wire = new Wire();
    assert.equal(read(wire, [stream]), { seen: all, rest: undefined });
    for (let cut = 1; cut < stream.length; cut++)
      assert.equal(read(wire, [stream.subarray(0, cut), stream.subarray(cut)]), { seen: all, rest: undefined });
    assert.equal(
      read(
        wire,
        [...stream].map((byte) => Buffer.from([byte])),
      ).seen,
      all,
    );
  });

  test("what is left of one connection is not another's", () => {
    const wire = new Wire();
    const first = read(wire, [stream.subarray(0, 100)]);
    assert.equal(read(wire, [stream]).seen, all);
    stream.copy(wire.buffer, 0, 100);
    const seen: string[] = [];
    wire.read(first.rest, stream.length - 100, ({ cmd }) => seen.push(cmd));
    assert.equal([...first.seen, ...seen], ["connack", "publish", "pingresp"]);
  });

  test("what is no MQTT is refused, and does not spoil the next", () => {
    const wire = new Wire();
    assert.throws(() => read(wire, [Buffer.from([0x90, 0xff, 0xff, 0xff, 0xff, 1])]), /more than/);
    assert.throws(() => read(wire, [Buffer.from([0xf4, 0])]));
    assert.equal(read(wire, [stream]).seen, all);
  });
});
