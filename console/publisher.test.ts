import * as assert from "uvu/assert";
import type { Bus } from "#shared/bus";
import { ManualClock } from "#shared/clock";
import { payloadCap } from "#shared/codec";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { maxToldCommands, readAck } from "#shared/messages/metrics";
import { readConsoleStatus } from "#shared/messages/presence-messages";
import { Topics } from "#shared/topics";
import { suite } from "../test/suite.ts";
import { Publisher } from "./publisher.ts";

suite("the console's acks", ({ test }) => {
  test("of batches are not acknowledged in their turn, and its word on a birth is", () => {
    const qos: (number | undefined)[] = [];
    const bus: Bus = {
      connected: true,
      publish: async (_, __, options) => void qos.push(options?.qos),
      subscribe: () => async () => {},
      onConnection: () => () => {},
    };
    const options = { bus, topics: new Topics(), clock: new ManualClock(), log: silentLog, fleet: () => 0 };
    const publisher = new Publisher(options);
    publisher.stored(parseDeviceId("a"), Buffer.from("{}"));
    publisher.greet(parseDeviceId("a"), { v: 1, online: true, boot: "b", session: "s" }, []);
    assert.equal(qos, [0, undefined]);
  });
});

suite("the console's greeting", ({ test }) => {
  for (const [open, begun, expected] of [
    [0, 0, [0]],
    [maxToldCommands, 0, [maxToldCommands]],
    [maxToldCommands + 1, 0, [maxToldCommands, 1]],
    [2 * maxToldCommands + 1, 0, [maxToldCommands, maxToldCommands, 1]],
    [maxToldCommands / 2, maxToldCommands / 2, [maxToldCommands / 2]],
    [maxToldCommands / 2 + 1, 1, [maxToldCommands / 2, 1]],
    [maxToldCommands + 1, maxToldCommands + 1, [maxToldCommands / 2, maxToldCommands / 2, 1]],
  ] as const)
    test(`tells ${open} open commands, ${begun} of them begun, in ${expected.length} messages that any device takes`, () => {
      const said: Buffer[] = [];
      const bus: Bus = {
        connected: true,
        publish: async (_, payload) => void said.push(payload),
        subscribe: () => async () => {},
        onConnection: () => () => {},
      };
      const publisher = new Publisher({
        bus,
        topics: new Topics(),
        clock: new ManualClock(),
        log: silentLog,
        fleet: () => 0,
      });
      const ids = Array.from({ length: open }, (_, n) => parseCommandId(String(n).padStart(63, "x")));
      publisher.greet(
        parseDeviceId("a"),
        { v: 1, online: true, boot: "b", session: "s" },
        ids,
        ids.slice(open - begun),
      );
      const acks = said.map((payload) => readAck(payload));
      assert.equal(
        acks.map((ack) => ack.open?.length),
        [...expected],
      );
      assert.equal(acks.flatMap((ack) => ack.open ?? []).toSorted(), ids.toSorted());
      // First, so that nothing that is shown while they are on their way begins; and each where it is named as open.
      assert.equal(
        acks.flatMap((ack) => ack.begun ?? []),
        acks.flatMap((ack) => ack.open ?? []).slice(0, begun),
      );
      assert.ok(acks.every((ack) => ack.begun?.every((id) => ack.open?.includes(id)) ?? true));
      assert.ok(acks.every(({ boot, session }) => boot === "b" && session === "s"));
      assert.ok(said.every(({ length }) => length <= payloadCap));
    });
});

suite("the console's word on its fleet", ({ test }) => {
  test("is told again where agents would wait for much longer or shorter, and only then", async () => {
    const told: (number | undefined)[] = [];
    let fleet = 0;
    const bus: Bus = {
      connected: true,
      publish: async (_, payload) => void told.push(readConsoleStatus(payload).fleet),
      subscribe: () => async () => {},
      onConnection: () => () => {},
    };
    const topics = new Topics();
    const publisher = new Publisher({ bus, topics, clock: new ManualClock(), log: silentLog, fleet: () => fleet });
    publisher.fleetChanged();
    assert.equal(told, [], "without a connection nothing is told");
    publisher.connected("s");
    for (fleet = 1; fleet <= 10_000; fleet++) publisher.fleetChanged();
    for (; fleet > 0; fleet--) publisher.fleetChanged();
    await Promise.resolve();
    assert.equal(told, [0, 1_125, 1_688, 2_532, 3_798, 5_697, 8_546, 5_697, 3_798, 2_532, 1_688, 1_125, 750]);
  });
});
