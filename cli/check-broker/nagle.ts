import { journey } from "./bench.ts";
import type { Probe } from "#shared/probe";
import { bad, good, mind, type Check } from "./check-verdict.ts";

/** Milliseconds by which Nagle's algorithm is known: Linux holds an ACK back for 40. */
const held = 25;
/** Linux acknowledges the first packets of a connection at once. */
const rounds = { before: 30, counted: 15 };

/** Whether the broker holds small packets back until the last one's ACK. */
export const nagle: Check = {
  what: "delay of a message",
  async run(bench) {
    const probe = await bench.connect();
    const topic = bench.topic("nagle");
    await probe.subscribe(topic);
    const alone = await median(probe, topic);
    const after = await median(probe, topic, bench.topic("nagle", "before"));
    if (alone === undefined || after === undefined) return bad("messages of this connection do not come back");
    const times = `${alone.toFixed(1)} ms there and back, ${after.toFixed(1)} ms where a PUBACK goes before it`;
    if (after - alone < held) return good(times);
    return mind(
      `${times}: the broker holds small packets back (Nagle), and a command takes as much longer. Switch it off there: set_tcp_nodelay true at Mosquitto; others have no switch`,
    );
  },
};

/**
 * A command's caller gets the PUBACK of the task and then the reply, two small packets with nothing of its own to send between
 * them: with Nagle the second waits until its system acknowledges the first.
 */
async function median(probe: Probe, topic: string, before?: string): Promise<number | undefined> {
  const taken: number[] = [];
  for (let turn = 0; turn < rounds.before + rounds.counted; turn++) {
    const { length } = probe.received;
    const began = performance.now();
    const confirmed = before === undefined ? undefined : probe.publish(before, "x");
    await probe.publish(topic, "x", { qos: 0 });
    await confirmed;
    if (!(await probe.until((all) => all.length > length, journey))) return undefined;
    if (turn >= rounds.before) taken.push(performance.now() - began);
  }
  return taken.sort((a, b) => a - b)[Math.floor(taken.length / 2)];
}
