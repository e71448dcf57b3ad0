import { eventually } from "../../test/suite.ts";
import { must, type Case } from "../case.ts";
import { appear, birth, order, seen, topicsOf } from "../device.ts";
import type { Peer } from "../peer.ts";
import { healthy, victim, type Place } from "../place.ts";

/** Somebody in another's place: its client id, its topics, its words. */
export const places: Case = {
  name: "other-places",
  tries: "a device and a viewer under others' client ids, on others' topics and with others' wills",
  async run({ place, device }) {
    const sessionOf = async (): Promise<string> =>
      (await place.read<{ session: string }>(`/api/devices/${healthy}`)).session;
    const before = await sessionOf();
    const taken = ["console", healthy, "server", "muster", "", "olaf", "Vera"];
    let admitted = 0;
    for (const [name, ids] of [
      [device, taken],
      ["Vera", taken],
    ] as const) {
      for (const clientId of ids) {
        const peer = await place.enter(name, { clientId }).catch(() => undefined);
        if (!peer) continue;
        admitted += 1;
        await words(peer, name);
        peer.leave();
      }
    }
    const will = {
      topic: topicsOf(healthy).status,
      payload: Buffer.from(JSON.stringify({ ...birth(), online: false })),
    };
    const dying = await place.enter(device, { will }).catch(() => undefined);
    dying?.leave();
    const peer = await appear(place, device);
    await seen(place, peer, device);
    peer.leave();
    must((await sessionOf()) === before, "the healthy device's connection was broken");
    for (const [path, forged] of [
      ["/api/devices/Vera", "Vera"],
      [`/api/devices/${victim}/metrics?measurement=forged&field=a&from=-5m&every=0`, "victim"],
    ] as const) {
      const { status, text } = await place.ask(path, { as: "vera" });
      must(
        status !== 200 || /"series":\[\]/.test(text),
        `what was said in ${forged}'s name is taken: ${text.slice(0, 200)}`,
      );
    }
    const ids = await idsOfJob(place, device);
    return `${admitted} let in under other ids, none in another's place; ids of a job: ${ids}`;
  },
};

/** What only others may say. The broker drops it: whether it acknowledges it is its own affair. */
async function words(peer: Peer, name: string): Promise<void> {
  for (const other of [victim, healthy, "Vera", "console"]) {
    if (other === name) continue;
    const topics = topicsOf(other);
    await peer.publish(topics.simple("forged"), '{"a":1}', { qos: 0 });
    await peer.publish(topics.status, JSON.stringify({ ...birth(), online: false }), { qos: 0, retain: true });
    await peer.publish(topics.short, "shutdown", { qos: 0 });
    await peer.publish(topics.task("x1"), '{"key":"shutdown"}', { qos: 0, retain: true });
    await peer.publish(topics.ack, '{"ranges":[],"refused":"go away"}', { qos: 0 });
  }
  await peer.ping().catch(() => {});
}

/** Ids of one job's commands: who gets one must not be able to compute another's. */
async function idsOfJob(place: Place, device: string): Promise<string> {
  const [one, other] = [await appear(place, device), await appear(place, victim)];
  const { status, text } = await place.ask("/api/jobs", {
    as: "olaf",
    method: "POST",
    body: { key: "hold", target: { devices: [device, victim] }, rate: 1_000, ttl: "1m" },
  });
  must(status === 201, `a job is answered ${status}: ${text.slice(0, 200)}`);
  const idOf = async (peer: Peer): Promise<string> =>
    (await peer.message(({ topic, payload }) => topic.includes("/cmd/") && payload.length > 0)).topic
      .split("/")
      .at(-1) ?? "";
  const [first, second] = [await idOf(one), await idOf(other)];
  one.leave();
  other.leave();
  let shared = 0;
  while (shared < first.length && first[shared] === second[shared]) shared += 1;
  // Ten characters of base 36 are 51 bits.
  const free = second.length - shared;
  must(free >= 10, `the ids of one job's commands, ${first} and ${second}, differ in ${free} characters alone`);
  const { id } = JSON.parse(text) as { id: string };
  await place.ask(`/api/jobs/${id}`, { as: "olaf", method: "DELETE" });
  return `${free} characters differ`;
}

/** A short command that the broker would keep, and give to the console at each start. */
export const retainedShort: Case = {
  name: "retained-command",
  tries: "a short command that is retained, and would be carried out again at every start",
  async run({ place, device }) {
    const peer = await appear(place, device);
    const typed = await place.enter("olaf", { clientId: "olaf-typing" });
    await typed.publish(topicsOf(device).short, "hold", { retain: true });
    await seen(place, peer, device);
    let left = -1;
    await eventually(
      "the broker without it",
      async () => (left = await retainedOn(place, topicsOf(device).short)) === 0,
      5,
    ).catch(() => {});
    must(left === 0, "the short command is still retained");
    const id = await order(place, device, { key: "hold", ttl: "1s" });
    must(id.length > 0, "the device takes no commands any more");
    typed.leave();
    peer.leave();
    return "cleared at once";
  },
};

async function retainedOn(place: Place, topic: string): Promise<number> {
  const reader = await place.enter("vera", { clientId: `vera-${Math.random()}` });
  await reader.subscribe(topic);
  await reader.ping();
  const left = reader.messages.filter(({ retain, payload }) => retain && payload.length > 0).length;
  reader.leave();
  return left;
}
