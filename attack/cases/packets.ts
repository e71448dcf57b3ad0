import { generate, type Packet } from "mqtt-packet";
import type { Random } from "../../chaos/random.ts";
import { must, type Case } from "../case.ts";
import { topicsOf } from "../device.ts";
import { mutate } from "../mutate.ts";
import type { Place } from "../place.ts";
import { address, open } from "../raw.ts";

/** Connections that are open at once. */
const atOnce = 40;
/** Milliseconds that one connection stays to hear an answer, unless it is hung up on. */
const linger = 60;

/** Connections that speak something like MQTT 3.1.1. */
export const packets: Case = {
  name: "packets",
  tries: "connections with mutated packets of MQTT 3.1.1, in and out of order, with logins and without",
  async run({ place, device, random, budget }) {
    const make = (): Buffer => Buffer.concat(conversation(place, device, random));
    return flood(place.mqtt, budget.connections, make);
  },
};

/** Connections that speak something like HTTP with an upgrade, and then something like frames. */
export const websockets: Case = {
  name: "websockets",
  tries: "connections with mutated WebSocket upgrades and frames",
  async run({ place, device, random, budget }) {
    const port = place.kind === "embedded" ? place.mqtt : place.http;
    const make = (): Buffer => {
      const upgrade = upgradeOf(place, random);
      const frames = conversation(place, device, random).map((packet) => frame(packet, random));
      const opened = random.chance(0.6) ? upgrade : mutate(upgrade, random);
      return Buffer.concat([opened, ...frames.map((one) => (random.chance(0.5) ? mutate(one, random) : one))]);
    };
    return flood(port, budget.connections, make);
  },
};

async function flood(port: number, count: number, make: () => Buffer): Promise<string> {
  let [heard, ended, made] = [0, 0, 0];
  const one = async (): Promise<void> => {
    while (made < count) {
      const nth = (made += 1);
      const { bytes, closed } = await converse(port, make(), address(nth % 100));
      if (bytes > 0) heard += 1;
      if (closed) ended += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  must(ended > 0, "not one broken connection was ended");
  return `${count} connections, ${heard} answered, ${ended} ended by the server at once`;
}

/** Says it in two or three pieces, as networks do. */
function converse(port: number, bytes: Buffer, from: string): Promise<{ bytes: number; closed: boolean }> {
  return new Promise((resolve) => {
    const socket = open(port, from);
    let heard = 0;
    const done = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ bytes: heard, closed });
    };
    let timer = setTimeout(() => done(false), 5_000);
    socket.on("data", (chunk: Buffer) => (heard += chunk.length));
    socket.once("close", () => done(true));
    socket.once("connect", () => {
      const half = Math.floor(bytes.length / 2);
      socket.write(bytes.subarray(0, half));
      setImmediate(() => socket.write(bytes.subarray(half)));
      clearTimeout(timer);
      timer = setTimeout(() => done(false), linger);
    });
  });
}

/** Packets of one connection: a login, right or not, and some more, most of them broken. */
function conversation(place: Place, device: string, random: Random): Buffer[] {
  const login = generate(connectOf(place, device, random));
  const first = random.chance(0.7) ? [login] : random.chance(0.7) ? [mutate(login, random)] : [];
  const more = Array.from({ length: random.between(1, 6) }, () => generate(packetOf(device, random)));
  const all = [...first, ...more.map((packet) => (random.chance(0.7) ? mutate(packet, random) : packet))];
  return random.chance(0.1) ? random.shuffle(all) : all;
}

function connectOf(place: Place, device: string, random: Random): Packet {
  const secret = random.chance(0.9) ? place.secretOf(device) : "wrong";
  const will = { topic: topicsOf(device).status, payload: Buffer.from("{"), qos: 1, retain: true } as const;
  const clientId = random.pick([device, device, `${device}-${random.between(0, 20)}`, "", "console", "healthy"]);
  return {
    cmd: "connect",
    clientId,
    username: device,
    password: Buffer.from(secret),
    clean: clientId === "" || random.chance(0.8),
    keepalive: random.pick([0, 1, 60, 65_535]),
    protocolId: "MQTT",
    protocolVersion: 4,
    ...(random.chance(0.3) ? { will } : {}),
  };
}

const topics = [
  "status",
  "metrics",
  "metrics/room",
  "reply/1",
  "cmd/1",
  "cmd",
  "ack",
  "refused",
  "x/y/z",
  "",
  "+",
  "#",
];

function packetOf(device: string, random: Random): Packet {
  const messageId = random.between(1, 65_535);
  const topic = `muster/${random.pick([device, device, "healthy", "console", "$SYS"])}/${random.pick(topics)}`;
  const qos = random.pick([0, 1, 2] as const);
  switch (random.between(0, 10)) {
    case 0:
      return {
        cmd: "subscribe",
        messageId,
        subscriptions: [
          { topic, qos },
          { topic: "#", qos },
        ],
      };
    case 1:
      return { cmd: "unsubscribe", messageId, unsubscriptions: [topic, "#"] };
    case 2:
      return { cmd: "pingreq" };
    case 3:
      return { cmd: random.pick(["puback", "pubrec", "pubrel", "pubcomp"] as const), messageId };
    case 4:
      return { cmd: random.pick(["pingresp", "disconnect"] as const) };
    case 5:
      return { cmd: "connack", returnCode: 0, sessionPresent: false };
    case 6:
      return { cmd: "suback", messageId, granted: [0, 1, 128] };
    default: {
      const payload = Buffer.alloc(random.between(0, 300), random.pick(["{", "x", "\u0000", "\u00ff"]));
      return {
        cmd: "publish",
        topic: topic.replaceAll(/[+#]/g, "p"),
        payload,
        qos,
        retain: random.chance(0.3),
        dup: qos > 0 && random.chance(0.3),
        messageId,
      };
    }
  }
}

function upgradeOf({ mqtt }: Place, random: Random): Buffer {
  const lines = [
    `${random.pick(["GET", "GET", "POST", "OPTIONS"])} ${random.pick(["/", "/mqtt", "//", "/?a=b", "*"])} HTTP/1.1`,
    `Host: 127.0.0.1:${mqtt}`,
    "Connection: Upgrade",
    `Upgrade: ${random.pick(["websocket", "websocket", "h2c"])}`,
    `Sec-WebSocket-Version: ${random.pick(["13", "13", "13", "8", "x"])}`,
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Sec-WebSocket-Protocol: ${random.pick(["mqtt", "mqtt", "mqttv3.1", "", "chat, mqtt"])}`,
    ...(random.chance(0.3) ? ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"] : []),
    ...(random.chance(0.2) ? [`Content-Length: ${random.between(0, 99_999)}`] : []),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
}

/** A frame of RFC 6455, masked as a client's is, with a strange opcode or length now and then. */
function frame(payload: Buffer, random: Random): Buffer {
  const opcode = random.pick([2, 2, 2, 2, 0, 1, 8, 9, 10, 3, 15]);
  const flags = random.pick([0x80, 0x80, 0x80, 0x00, 0xc0, 0xf0]);
  const masked = random.chance(0.95) ? 0x80 : 0;
  const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
  const length =
    payload.length < 126
      ? Buffer.from([masked | payload.length])
      : Buffer.from([masked | 126, payload.length >> 8, payload.length & 255]);
  const huge = Buffer.from([masked | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  const body = masked ? payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0)) : payload;
  return Buffer.concat([Buffer.from([flags | opcode]), random.chance(0.03) ? huge : length, mask, body]);
}
