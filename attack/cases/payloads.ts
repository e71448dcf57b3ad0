import { encode } from "#shared/codec";
import type { Random } from "../../chaos/random.ts";
import { must, type Case } from "../case.ts";
import { appear, batch, birth, order, seen, topicsOf } from "../device.ts";
import { mutate } from "../mutate.ts";
import type { Peer } from "../peer.ts";

/** Messages between two acknowledged ones: what is on the way stays bounded. */
const window = 50;

/** Everything that a device may write, broken in every way. */
export const payloads: Case = {
  name: "payloads",
  tries: "mutated payloads, JSON and CBOR, on every topic that a device may write, and as its will",
  async run({ place, device, random, budget }) {
    let peer = await appear(place, device);
    let id = await order(place, device, { key: "hold", ttl: "10m", timeout: "10m" });
    let [reconnects, wills] = [0, 0];
    const topics = topicsOf(device);
    for (let sent = 0; sent < budget.payloads; sent++) {
      if (!peer.open || sent % 1_000 === 999) {
        // The will is a topic that a device may write as well: the connection breaks, and the broker publishes it.
        peer.leave();
        // Another will at each try: a broker may refuse one, such as a large one, for good.
        peer = await enter(() =>
          place.enter(device, { will: { topic: topics.status, payload: payloadOf(birth(), random) } }),
        );
        [reconnects, wills] = [reconnects + 1, wills + 1];
        must(reconnects < 50 + budget.payloads / 20, "the device is cut off again and again");
      }
      if (sent % 2_000 === 0 && sent > 0) id = await order(place, device, { key: "hold", ttl: "10m" }).catch(() => id);
      const [topic, good] = random.pick(messages(device, id, sent));
      const qos = sent % window === 0 ? 1 : 0;
      await peer.publish(topic, payloadOf(good, random), { qos, retain: topic === topics.status }).catch(() => {});
    }
    if (!peer.open) peer = await enter(() => place.enter(device));
    await peer.publish(topics.status, JSON.stringify(birth()), { retain: true });
    await seen(place, peer, device);
    peer.leave();
    for (const path of [
      "/api/devices",
      `/api/devices/${device}`,
      "/api/commands",
      `/api/commands/${id}`,
      "/api/quarantine",
      "/api/series",
      "/api/completeness",
      "/metrics",
    ]) {
      const { status, text } = await place.ask(path, { as: "vera" });
      must(status === 200, `GET ${path} answers ${status}: ${text.slice(0, 200)}`);
    }
    return `${budget.payloads} payloads, ${wills} wills`;
  },
};

/** It may have to wait a moment: its last connection is not over, or there were too many of them. */
async function enter(attempt: () => Promise<Peer>): Promise<Peer> {
  for (let turn = 0; ; turn++) {
    const peer = await attempt().catch((error: unknown) => {
      if (turn < 20) return undefined;
      throw error;
    });
    if (peer) return peer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Messages that pass, by their topics. */
function messages(device: string, id: string, nth: number): readonly (readonly [string, unknown])[] {
  const { status, metrics, simple, reply } = topicsOf(device);
  const gap = { from: 1, to: 2, samples: 3, since: Date.now() - 1_000, until: Date.now(), why: "full" };
  return [
    [status, birth()],
    [status, { v: 1, online: false, boot: "boot1", session: "session1", reason: "shutdown" }],
    [metrics, batch(nth)],
    [
      metrics,
      batch(nth, {
        m: [
          {
            n: "cpu",
            tags: { cpu: "cpu-total" },
            f: { usage_user: { e: 1, d: [31, -2, 5] }, busy: true, state: "ok" },
          },
        ],
      }),
    ],
    [metrics, batch(nth, { epoch: "b1", mono: 170_000, age: 2_400 })],
    [metrics, batch(nth, { dt: [], m: [], dropped: gap })],
    [simple("room"), { temperature: 21.5, window: "open" }],
    [simple("room"), { ts: Date.now(), tags: { floor: "2" }, values: { temperature: 21.5 } }],
    [simple("room"), [{ temperature: 21.5 }, { ts: Date.now(), values: { temperature: 21.4 } }]],
    [reply(id), { id, ts: Date.now(), state: "running", progress: 0.4, note: "n", output: "o\n" }],
    [
      reply(id),
      {
        id,
        ts: Date.now(),
        boot: "boot1",
        ms: 1.5,
        state: "rejected",
        error: { code: "c", message: "m", data: { a: [1] } },
      },
    ],
    [reply(`nobody${nth % 50}`), { id: "x", ts: Date.now(), state: "succeeded", result: { a: 1 } }],
  ];
}

const deepValue = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { a: value };
  return value;
};

/** Values that are put in the place of others, at any depth. */
function strange(random: Random): unknown {
  return random.pick<() => unknown>([
    () => null,
    () => random.pick([0, -0, -1, 1.5, 2 ** 53, 1e308, -1e308, 5e-324, Number.NaN, Infinity, -Infinity]),
    () => random.pick([true, false]),
    () =>
      random.pick([
        "",
        "\u0000",
        "\ud800",
        "a\udc00b",
        "\u202e",
        "\u001b[2J",
        "__proto__",
        "constructor",
        "NaN",
        "\\",
        "\n",
      ]),
    () => "x".repeat(random.pick([64, 129, 257, 1_025, 2_001, 20_000])),
    () => deepValue(random.pick([15, 16, 17, 100, 600])),
    () => Array.from({ length: random.pick([0, 1, 2, 3, 4, 1_000, 11_000]) }, () => random.between(-9, 9)),
    () => Object.fromEntries(Array.from({ length: random.pick([0, 1, 200, 1_500]) }, (_, at) => [`k${at}`, at])),
    () => ({ e: random.pick([-1, 0, 0.5, 10, 400]), d: random.pick([[], [1, 2, 3], [2 ** 53, 1, 1], ["a"], null]) }),
    () =>
      JSON.parse(
        '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1}',
      ) as unknown,
    () => new Date(Number.NaN),
    () => Buffer.alloc(random.between(0, 40), 1),
    () => undefined,
    () => 2n ** 63n,
  ])();
}

/** A copy in which one thing, anywhere, is replaced, added, doubled or taken away. */
function twist(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || random.chance(0.12)) return strange(random);
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])];
    const at = random.between(0, list.length);
    if (random.chance(0.3)) list.splice(at, 1);
    else list[at] = twist(list[at], random);
    return list;
  }
  const copy: Record<string, unknown> = { ...value };
  const keys = Object.keys(copy);
  const key =
    random.chance(0.15) || keys.length === 0
      ? random.pick(["more", "__proto__", "", "host", "time", "\ud800", "a b", "x".repeat(200)])
      : random.pick(keys);
  if (random.chance(0.2)) Reflect.deleteProperty(copy, key);
  else
    Object.defineProperty(copy, key, {
      value: twist(copy[key], random),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return copy;
}

function payloadOf(good: unknown, random: Random): Buffer {
  const value = random.chance(0.9) ? twist(good, random) : good;
  const bytes = random.chance(0.5) ? cborOf(value, random) : Buffer.from(jsonOf(value, random));
  return random.chance(0.3) ? mutate(bytes, random) : bytes;
}

function cborOf(value: unknown, random: Random): Buffer {
  const bytes = encode(value, "cbor");
  // A tag, an indefinite length or a float of a shape that our encoder never writes, before or instead of something.
  const odd = random.pick([
    [0xc2],
    [0xd8, 0x1b],
    [0xbf],
    [0x9f],
    [0xf9, 0x7e, 0x00],
    [0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
    [0x5b, 0xff, 0xff, 0xff, 0xff],
  ]);
  if (!random.chance(0.15)) return bytes;
  const at = random.between(1, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(odd), bytes.subarray(at)]);
}

/** JSON, with what no encoder writes but a parser meets: 1e400, a key twice, `__proto__`, escapes of half a character. */
function jsonOf(value: unknown, random: Random): string {
  const text =
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner)) ?? "null";
  if (random.chance(0.7)) return text;
  const colon = [...text.matchAll(/:(-?[0-9.e+]+|true|false)/g)];
  switch (random.between(0, 4)) {
    case 0:
      return text.replace(
        colon.length > 0 ? random.pick(colon)[0] : "1",
        `:${random.pick(["1e400", "-1e400", "1e-400", "0x10", "NaN", "01", "9".repeat(400)])}`,
      );
    case 1:
      return text.replace(
        /\{("[^"]*"):/,
        (all, key: string) => `{${key}:${random.pick(["1", "null", "{}"])},${all.slice(1)}`,
      );
    case 2:
      return text.replace("{", '{"__proto__":{"online":true,"v":1},');
    case 3:
      return text.replace(/"([a-z]+)"/, '"$1\\ud800"');
    default:
      return random.pick(["\ufeff", " ", "\u0000", "[", "// a\n"]) + text;
  }
}
