import { must, type Case } from "../case.ts";
import { appear, birth, order, seen, topicsOf } from "../device.ts";

/** Levels of a schema that doubles with each: more than anybody can walk. */
const levels = 28;

/** Schemas of arguments that cost whoever checks against them dearly; each is small. */
const schemas: Readonly<Record<string, object>> = {
  doubling: {
    $ref: "#/$defs/a0",
    $defs: Object.fromEntries(
      Array.from({ length: levels }, (_, at) => {
        const next = at + 1 === levels ? { type: "string", minLength: 99 } : { $ref: `#/$defs/a${at + 1}` };
        return [`a${at}`, { anyOf: [next, next] }];
      }),
    ),
  },
  "doubling-all": {
    $ref: "#/$defs/a0",
    $defs: Object.fromEntries(
      Array.from({ length: levels }, (_, at) => {
        const next = at + 1 === levels ? { type: "object" } : { $ref: `#/$defs/a${at + 1}` };
        return [`a${at}`, { allOf: [next, next] }];
      }),
    ),
  },
  circle: { $ref: "#" },
  "circle-any": { anyOf: [{ $ref: "#" }, { type: "object" }] },
  pattern: { type: "object", properties: { text: { type: "string", pattern: "^(a+)+$" } } },
  names: { type: "object", patternProperties: { "^(a|a)*$": { type: "string" } } },
  wide: { type: "object", properties: Object.fromEntries(Array.from({ length: 1_500 }, (_, at) => [`p${at}`, {}])) },
  proto: JSON.parse(
    '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"object"}}}',
  ) as object,
  unresolved: { $ref: "https://127.0.0.1:1/schema.json" },
};

/** Births whose argument schemas are traps, and a bare command that walks into each. */
export const doubling: Case = {
  name: "doubling-births",
  tries: "argument schemas that double at each level, circle or backtrack, and a bare ping to each",
  async run({ place, device }) {
    const peer = await appear(place, device);
    let slowest = 0;
    for (const [name, args] of Object.entries(schemas)) {
      const commands = { ping: { title: name, args }, hold: { args } };
      await peer.publish(topicsOf(device).status, JSON.stringify(birth({ commands })), { retain: true });
      const text = `${"a".repeat(40)}!`;
      for (const given of [undefined, { text, [text]: 1 }]) {
        const { status, ms } = await place.ask(`/api/devices/${device}/commands?wait=false`, {
          as: "olaf",
          method: "POST",
          body: { key: "ping", ttl: "1s", ...(given ? { args: given } : {}) },
          ms: 10_000,
        });
        slowest = Math.max(slowest, ms);
        must(status < 500, `a ping to the device with the schema ${name} is answered ${status}`);
      }
    }
    const left = await place.ask(`/api/devices/${device}`, { as: "vera" });
    must(left.status === 200, `the device is answered ${left.status}`);
    // It is left as the broker retains it: a restart meets it again.
    await peer.publish(
      topicsOf(device).status,
      JSON.stringify(birth({ commands: { ping: { args: schemas["doubling"] } } })),
      { retain: true },
    );
    peer.leave();
    return `${Object.keys(schemas).length} schemas, slowest answer ${Math.round(slowest)} ms`;
  },
};

/** Levels of nesting: what 32 KiB can hold, and more than any decoder should follow. */
const depth = 1_600;
const depths = [17, 200, 800, depth, 2_800, 4_500];
const nested = (open: string, close: string, levelsOf = depth): string =>
  open.repeat(levelsOf) + "1" + close.repeat(levelsOf);

/** Deeply nested values wherever a device or an operator may put a value. */
export const deep: Case = {
  name: "deep-values",
  tries: "statuses, samples, replies and arguments nested up to 15,000 deep, which come back at the next start",
  async run({ place, device, random }) {
    const peer = await appear(place, device);
    const { status, metrics, simple, reply } = topicsOf(device);
    const values = depths.flatMap((levelsOf) => [nested('{"a":', "}", levelsOf), nested("[", "]", levelsOf)]);
    values.push(nested('{"__proto__":', "}"), nested("[", "]", 15_000));
    const id = await order(place, device, { key: "hold", ttl: "5s" });
    const plain = JSON.stringify(birth()).slice(0, -1);
    const listed = async (): Promise<void> => {
      await seen(place, peer, device);
      const { status: answer, text } = await place.ask("/api/devices", { as: "vera" });
      must(answer === 200, `GET /api/devices answers ${answer}: ${text.slice(0, 200)}`);
    };
    for (const value of random.shuffle(values)) {
      await peer.publish(status, `${plain},"commands":{"ping":{"args":{"a":${value}}}}}`, { retain: true });
      await listed();
      await peer.publish(status, `${plain},"facts":{"os":${value}}}`, { retain: true });
      await listed();
      await peer.publish(simple("room"), `{"values":{"t":${value}}}`);
      await peer.publish(metrics, `{"v":1,"outbox":"o","seq":1,"t":1,"dt":[0],"m":${value}}`);
      await peer.publish(reply(id), `{"id":"${id}","ts":1,"state":"running","note":${value}}`);
    }
    const value = nested('{"a":', "}");
    await peer.publish(reply(id), `{"id":"${id}","ts":1,"state":"succeeded","result":${value}}`);
    await peer.publish(metrics, Buffer.concat([Buffer.alloc(depth, 0x81), Buffer.from([1])]));
    // The shape that CBOR has for the same: {"v":1,…,"facts":{"a":{"a":…}}}.
    await peer.publish(
      status,
      Buffer.concat([Buffer.alloc(depth, Buffer.from([0xa1, 0x61, 0x61])), Buffer.from([1])]),
      { retain: true },
    );
    const { status: posted } = await place.ask(`/api/devices/${device}/commands?wait=false`, {
      as: "olaf",
      method: "POST",
      body: `{"key":"hold","ttl":"1s","args":{"a":${nested('{"a":', "}", 5_000)}}}`,
    });
    must(posted >= 400 && posted < 500, `arguments nested 5,000 deep are answered ${posted}`);
    for (const path of [
      "/api/devices",
      `/api/devices/${device}`,
      "/api/commands",
      `/api/commands/${id}`,
      "/api/quarantine",
    ]) {
      const answer = await place.ask(path, { as: "vera" });
      must(answer.status === 200, `GET ${path} answers ${answer.status}: ${answer.text.slice(0, 200)}`);
    }
    peer.leave();
    return `${values.length * 5 + 4} messages`;
  },
};
