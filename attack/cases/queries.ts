import { encode } from "#shared/codec";
import { eventually } from "../../test/suite.ts";
import { must, type Case } from "../case.ts";
import { appear, batch, order, seen, topicsOf } from "../device.ts";
import type { Peer } from "../peer.ts";

/** Instants in a batch: the most that one may have. */
const instants = 10_000;

/** All samples at once, by ten viewers' tabs. */
export const everything: Case = {
  name: "every-sample",
  tries: "every=0 over 600,000 samples, ten at once",
  async run({ place, device, budget }) {
    const peer = await appear(place, device);
    const acked = hearAcks(peer, device);
    const batches = Math.ceil(budget.samples / instants);
    const dt = Array.from({ length: instants }, (_, at) => at);
    const start = Date.now() - batches * instants - 60_000;
    for (let seq = 1; seq <= batches; seq++) {
      const d = dt.map((at) => (at * 7) % 13);
      const one = batch(seq, { t: start + seq * instants, dt, m: [{ n: "many", f: { value: { e: 1, d } } }] });
      await peer.publish(topicsOf(device).metrics, encode(one, "cbor"), { qos: 0 });
      await eventually(`the ack of batch ${seq}`, () => acked() >= seq, 30);
    }
    const path = `/api/devices/${device}/metrics?measurement=many&field=value&every=0&from=${start}`;
    const asked = Array.from({ length: 10 }, () => place.ask(path, { as: "vera", ms: 60_000 }));
    const answers = await Promise.all(asked);
    peer.leave();
    const wrong = answers.find(({ status }) => status >= 500 && status !== 503);
    must(!wrong, `it is answered ${wrong?.status}: ${wrong?.text.slice(0, 200)}`);
    const slowest = Math.max(...answers.map(({ ms }) => ms));
    return `${batches * instants} samples; answers ${[...new Set(answers.map(({ status }) => status))].join(", ")}, slowest ${Math.round(slowest)} ms`;
  },
};

/** @returns how many batches of the outbox are acknowledged */
function hearAcks(peer: Peer, device: string): () => number {
  let most = 0;
  peer.onMessage(({ topic, payload }) => {
    if (topic !== topicsOf(device).ack) return;
    const { ranges = [] } = JSON.parse(payload.toString()) as { ranges?: [number, number][] };
    for (const [, to] of ranges) most = Math.max(most, to);
  });
  return () => most;
}

/** Lists of commands with all that they have put out, and of everything else. */
export const lists: Case = {
  name: "lists",
  tries: "eight lists of 1,000 commands with large outputs at once, and every other list",
  async run({ place, device, budget }) {
    const peer = await appear(place, device);
    const count = Math.ceil(1_000 * budget.share);
    const result = "r".repeat(24_000);
    peer.onMessage(({ topic, payload }) => {
      const id = topic.split("/").at(-1) ?? "";
      if (!topic.includes("/cmd/") || payload.length === 0) return;
      const reply = { id, ts: Date.now(), state: "succeeded", result };
      void peer.publish(topicsOf(device).reply(id), JSON.stringify(reply)).catch(() => {});
    });
    let last = "";
    for (let at = 0; at < count; at++) last = await order(place, device, { key: "hold", ttl: "5m" });
    await eventually(
      "the last answer",
      async () => (await place.read<{ state: string }>(`/api/commands/${last}`)).state === "succeeded",
      30,
    );
    const times: string[] = [];
    for (const path of [
      "/api/commands?limit=1000",
      "/api/devices",
      "/api/quarantine?limit=10000",
      "/api/completeness",
      "/api/series",
      "/api/jobs?limit=1000",
    ]) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => place.ask(path, { as: "vera", ms: 60_000 })));
      const wrong = answers.find(({ status }) => status !== 200 && status !== 503 && status !== 429);
      must(!wrong, `${path} is answered ${wrong?.status}: ${wrong?.text.slice(0, 200)}`);
      times.push(`${Math.round(Math.max(...answers.map(({ ms }) => ms)))}`);
    }
    peer.leave();
    return `${count} commands; slowest of each list: ${times.join(", ")} ms`;
  },
};

/** Few bytes that stand for many values. */
export const unfolding: Case = {
  name: "unfolding-batches",
  tries: "47 kB of CBOR that unfold to 950,000 values, and their like",
  async run({ place, device }) {
    const peer = await appear(place, device);
    const zeros = Array.from({ length: instants }, () => 0);
    const fields = (count: number, value: unknown): Record<string, unknown> =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, value]));
    const series = (count: number): unknown[] =>
      Array.from({ length: count }, (_, at) => ({ n: "s", tags: { at: `${at}` }, f: { v: 1 } }));
    const shelves = (count: number, f: unknown): unknown[] =>
      Array.from({ length: count }, (_, at) => ({ n: "shelf", tags: { at: `${at}` }, f }));
    const shapes: Record<string, unknown>[] = [
      { dt: zeros, m: [{ n: "wide", f: fields(95, 1) }] },
      { dt: zeros, m: [{ n: "wide", f: fields(90, "x") }] },
      { dt: zeros.slice(0, 500), m: series(1_900) },
      { dt: [0], m: [{ n: "names", f: fields(9_000, 1) }] },
      { dt: [0], m: series(2_000) },
      // As many fields as a batch may have, and then all of another type.
      { dt: [0], m: shelves(4, fields(1_000, 1)) },
      { dt: [0], m: shelves(4, fields(1_000, "x")) },
      // Wrong in as many places as there is room for.
      { dt: [0], m: shelves(1_500, fields(10, {})) },
      { dt: [0], m: Array.from({ length: 1_500 }, () => ({ n: "s", tags: fields(20, 1), f: {} })) },
    ];
    let bytes = 0;
    for (const [at, shape] of shapes.entries()) {
      const payload = encode(batch(at + 1, shape), "cbor");
      bytes += payload.length;
      for (let turn = 0; turn < 2; turn++) await peer.publish(topicsOf(device).metrics, payload, { qos: 1 });
    }
    const samples = JSON.stringify(Array.from({ length: 1_000 }, () => ({ values: { a: 1, b: 2, c: 3 } })));
    await peer.publish(topicsOf(device).simple("list"), samples.slice(0, 32_000).replace(/,[^,]*$/, "]"));
    await peer.publish(
      topicsOf(device).simple("list"),
      JSON.stringify(Array.from({ length: 1_000 }, () => ({ a: 1, b: 2 }))),
    );
    await seen(place, peer, device);
    peer.leave();
    return `${2 * shapes.length + 2} messages, ${bytes} bytes`;
  },
};
