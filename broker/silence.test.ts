import { once } from "node:events";
import type { Socket } from "node:net";
import * as assert from "uvu/assert";
import { ManualClock, type Clock } from "#shared/clock";
import { rawConnect, rawConnection, startBroker } from "../test/broker.ts";
import { suite, withDeadline } from "../test/suite.ts";
import { Silence, silenceCheck } from "./silence.ts";

const ping = Buffer.from([0xc0, 0]);

suite("silence at the broker", ({ test }) => {
  test("is over when nothing has come for longer than its time, and begins anew with each packet", () => {
    const clock = new ManualClock();
    const alive = new Silence(clock, 1_501);
    clock.advance(1_501);
    assert.is(alive.isOver(clock.monotonic()), false, "at its time");
    clock.advance(1);
    assert.is(alive.isOver(clock.monotonic()), true, "beyond it");
    alive.refresh();
    assert.is(alive.isOver(clock.monotonic()), false, "after a packet");
  });

  test("of who pings is never over, who falls silent is let go of, and a late look judges nobody", async (scope) => {
    const clock = new ManualClock();
    let asleep = 0;
    const sleeping: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic() + asleep,
      uptime: () => clock.uptime(),
      after: (ms, run) => clock.after(ms, run),
    };
    const { broker, port } = await startBroker(scope, { clock: sleeping });
    const enter = async (name: string): Promise<Socket> => {
      const socket = await rawConnection(scope, port);
      await answered(socket, rawConnect(name, name, { keepalive: 2 }));
      return socket;
    };
    const [alive, silent] = [await enter("rpi-7"), await enter("rpi-8")];
    const gone = once(silent, "close");
    clock.advance(silenceCheck);
    asleep = 20 * silenceCheck;
    clock.advance(silenceCheck);
    assert.is(broker.stats().clients.connected, 2, "after a stall of the broker's own");
    await answered(alive, ping);
    clock.advance(silenceCheck);
    await withDeadline(gone, 20, "the end of who is silent");
    for (let second = 0; second < 5; second++) {
      await answered(alive, ping);
      clock.advance(silenceCheck);
    }
    assert.is(broker.stats().clients.connected, 1);
  });
});

async function answered(socket: Socket, packet: Buffer): Promise<void> {
  const answer = once(socket, "data");
  socket.write(packet);
  await withDeadline(answer, 20, "an answer");
}
