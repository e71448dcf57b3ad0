import { setTimeout as sleep } from "node:timers/promises";
import type { Will } from "#shared/link";
import type { Probe } from "#shared/probe";
import { inTurns, journey, benchSilence, type Bench } from "./bench.ts";
import { bad, good, mind, type Check } from "./check-verdict.ts";

/** More than the thousand that EMQX hands over for one filter at most: a fleet has as many births and open tasks. */
const many = 1_100;

/** Whether a task that is kept reaches who subscribes later, and one that is withdrawn does not. */
export const retained: Check = {
  what: "retained messages",
  async run(bench) {
    const topic = bench.topic("kept");
    const writer = await bench.connect();
    await writer.publish(topic, "task", { retain: true });
    await writer.end();
    const kept = await comes(bench, topic);
    await bench.clear(topic);
    if (!kept)
      return bad("a retained message does not reach who subscribes later: a task waits at no broker, switch it on");
    if (await comes(bench, topic))
      return bad("an empty retained message does not take the former back: withdrawn tasks would stay");
    return good("kept, handed over, and taken back by an empty one");
  },
};

async function comes(bench: Bench, topic: string): Promise<boolean> {
  const reader = await bench.connect();
  await reader.subscribe(topic);
  const came = await reader.until((all) => all.length > 0, journey / 2);
  await reader.end();
  return came;
}

/** How many retained messages a filter with a wildcard brings. */
export const retainedByWildcard: Check = {
  what: "retained by wildcard",
  async run(bench) {
    const topics = Array.from({ length: many }, (_, at) => bench.topic("many", String(at)));
    const writer = await bench.connect();
    await inTurns(topics, (topic) => writer.publish(topic, "birth", { retain: true }));
    await writer.end();
    const reader = await bench.connect();
    await reader.subscribe(bench.topic("many", "+"));
    const came = await countOf(reader, many);
    await reader.end();
    await bench.clear(...topics);
    if (came >= many) return good(`all ${many} that were tried`);
    const some = came === 0 ? "none" : `${came} of ${many}`;
    return mind(
      `${some}: the console shows a device its open tasks at each birth, and knows it when it speaks, so nothing is lost; people's clients see only those`,
    );
  },
};

/** Counts what comes until nothing more does: a busy broker needs longer for all than for any one (HiveMQ: ten at a time). */
async function countOf(reader: Probe, enough: number): Promise<number> {
  let came = 0;
  while (came < enough && (await reader.until((all) => all.length > came, journey))) came = reader.received.length;
  return came;
}

/** Whether the broker keeps a connection's will, and tells it when that breaks. */
export const wills: Check = {
  what: "wills",
  async run(bench) {
    const topic = bench.topic("will");
    const will = { topic, payload: Buffer.from("gone"), retain: true };
    // A broker that is busy may take the connection's end before the DISCONNECT: twice is no chance.
    const early = (await outlivesGoodbye(bench, will)) && (await outlivesGoodbye(bench, will));
    // Where a name has one connection, who listens would end the other.
    const listener = bench.single ? undefined : await bench.connect();
    await listener?.subscribe(topic);
    (await bench.connect({ will })).drop();
    // The broker has to find out first.
    const live = await (listener?.until((all) => all.length > 0, journey) ?? sleep(benchSilence));
    const kept = await comes(bench, topic);
    await bench.clear(topic);
    if (early) return bad("a will is published although the client has said DISCONNECT");
    if (kept) return good("published, and kept, when a connection breaks");
    if (live)
      return mind(
        "published when a connection breaks, and not kept: a device that goes while the console is away is shown as online until it is spoken to",
      );
    return bad("no will comes when a connection breaks: devices that are gone would be shown as online");
  },
};

async function outlivesGoodbye(bench: Bench, will: Will): Promise<boolean> {
  await (await bench.connect({ will })).end();
  const came = await comes(bench, will.topic);
  if (came) await bench.clear(will.topic);
  return came;
}
