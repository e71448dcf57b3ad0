import { counted } from "#shared/counted";
import { batchCap } from "#shared/codec";
import { journey } from "./bench.ts";
import { bad, good, mind, type Check } from "./check-verdict.ts";

/** Whether this account's messages come out again: all else builds on it. */
export const passage: Check = {
  what: "the account",
  async run(bench) {
    const probe = await bench.connect();
    const topic = bench.topic("passage");
    const { username } = bench.options;
    const who = username === "" ? "whoever comes without a name" : username;
    if (!(await probe.subscribe(bench.topic("#"))))
      return bad(`${who} may not subscribe below ${topic}: give the account that the console logs in with`);
    await probe.publish(topic, "x");
    if (await probe.until((all) => all.length > 0, journey)) return good(`${who} may publish and subscribe`);
    return bad(
      `what ${who} publishes to ${topic} is acknowledged and does not come: give the account that the console logs in with, which reads and writes all below the root`,
    );
  },
};

/** How many messages may be unacknowledged. */
export const receiveMaximum: Check = {
  what: "Receive Maximum",
  async run(bench) {
    if (bench.version === 4) return good("not told by MQTT 3.1.1");
    const { receiveMaximum: most } = (await bench.connect()).properties;
    if (most === undefined) return good("none: 65535");
    const says = `${counted(most, "message")} may be unacknowledged: Muster keeps to it`;
    return most >= few ? good(says) : mind(`${says}, and waits where many commands go out at once`);
  },
};
const few = 20;

/** Whether the largest batch passes. */
export const passageSize: Check = {
  what: "message size",
  async run(bench) {
    const probe = await bench.connect();
    const topic = bench.topic("size");
    await probe.subscribe(topic);
    await probe.publish(topic, Buffer.alloc(batchCap, "x"), { qos: 0 }).catch(() => {});
    if (await probe.until((all) => all.some(({ payload }) => payload.length === batchCap), journey))
      return good(`${batchCap / 1_024} KiB pass, the largest batch`);
    return bad(
      `a message of ${batchCap / 1_024} KiB does not pass (${probe.ended ?? "it did not come"}): raise the broker's largest packet, or batches of that size wait for ever`,
    );
  },
};
