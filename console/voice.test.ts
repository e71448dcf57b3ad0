import * as assert from "uvu/assert";
import type { Bus } from "#shared/bus";
import { ManualClock } from "#shared/clock";
import { payloadCap } from "#shared/codec";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { mostTold, readAck } from "#shared/messages/metrics";
import { Topics } from "#shared/topics";
import { suite } from "../test/suite.ts";
import { Voice } from "./voice.ts";

suite("the console's greeting", ({ test }) => {
  for (const [open, expected] of [
    [0, [0]],
    [mostTold, [mostTold]],
    [mostTold + 1, [mostTold, 1]],
    [2 * mostTold + 1, [mostTold, mostTold, 1]],
  ] as const)
    test(`tells ${open} open commands in ${expected.length} messages that any device takes`, () => {
      const said: Buffer[] = [];
      const bus: Bus = {
        connected: true,
        publish: async (_, payload) => void said.push(payload),
        subscribe: () => async () => {},
        onConnection: () => {},
      };
      const voice = new Voice({ bus, topics: new Topics(), clock: new ManualClock(), log: silentLog });
      const ids = Array.from({ length: open }, (_, n) => parseCommandId(String(n).padStart(63, "x")));
      voice.greet(parseDeviceId("a"), { v: 1, online: true, boot: "b", session: "s" }, ids);
      const acks = said.map((payload) => readAck(payload));
      assert.equal(
        acks.map((ack) => ack.open?.length),
        [...expected],
      );
      assert.equal(
        acks.flatMap((ack) => ack.open ?? []),
        ids,
      );
      assert.ok(acks.every(({ boot, session }) => boot === "b" && session === "s"));
      assert.ok(said.every(({ length }) => length <= payloadCap));
    });
});
