import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import type { Role } from "#shared/principal";
import { withDeadline, type Scope } from "./suite.ts";
import { Broker, type BrokerOptions } from "../broker/broker.ts";

/** Accounts of the broker's tests: the name, its role, and the name again as the secret. */
export const accounts: Readonly<Record<string, Role>> = {
  "rpi-7": "device",
  "rpi-8": "device",
  hub: "console",
  vera: "viewer",
  olaf: "operator",
  anna: "admin",
  // What a person may be called beside what a device may.
  Vera: "viewer",
  "vera@site-1.example": "viewer",
  "Rpi-7": "operator",
  "o.l_a-f9": "admin",
};

/** Starts an embedded broker on a port of its own. */
export async function startBroker(
  scope: Scope,
  options: Partial<BrokerOptions> = {},
): Promise<{ broker: Broker; port: number; tlsPort: number | undefined; url: string }> {
  const broker = new Broker({
    listen: "127.0.0.1",
    port: 0,
    root: "muster",
    authenticate: async (name, secret) => {
      const role = accounts[name];
      return role && secret.toString() === name ? { name, role } : undefined;
    },
    log: silentLog,
    clock: systemClock,
    ...options,
  });
  const { port, tlsPort } = await broker.start();
  scope.cleanup(() => broker.stop());
  return { broker, port, tlsPort, url: `mqtt://127.0.0.1:${port}` };
}

/** A real client, logged in as `name`; devices and the console go by their name. `prepare` gets it before it connects. */
export async function login(
  scope: Scope,
  url: string,
  name: string,
  options: IClientOptions = {},
  prepare: (client: MqttClient) => void = () => {},
): Promise<MqttClient> {
  const byName = accounts[name] === "device" || accounts[name] === "console";
  const client = mqtt.connect(url, {
    username: name,
    password: name,
    protocolVersion: 4,
    reconnectPeriod: 0,
    ...(byName ? { clientId: name } : {}),
    ...options,
  });
  scope.cleanup(() => client.endAsync(true));
  client.on("error", () => {});
  prepare(client);
  await connected(client);
  if ("setNoDelay" in client.stream && typeof client.stream.setNoDelay === "function") client.stream.setNoDelay(true);
  return client;
}

function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
    client.once("close", () => reject(new Error("connection closed")));
  });
}

/** Collects what a client receives; `upTo` waits until the message for which `isLast` holds is there. */
export function inbox(client: MqttClient): {
  messages: IPublishPacket[];
  upTo(isLast: (packet: IPublishPacket) => boolean): Promise<void>;
} {
  const messages: IPublishPacket[] = [];
  client.on("message", (_topic, _payload, packet) => messages.push(packet));
  return {
    messages,
    upTo: (isLast) =>
      withDeadline(
        new Promise<void>((resolve) => {
          if (messages.some(isLast)) return resolve();
          client.on("message", (_topic, _payload, packet) => isLast(packet) && resolve());
        }),
        25,
        "the last message",
      ),
  };
}

/** A bare TCP connection, for packets that no client would send. */
export async function rawConnection(scope: Scope, port: number): Promise<Socket> {
  const socket = connectTcp(port, "127.0.0.1");
  scope.cleanup(() => socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Waits for the other side to close the connection, and gives what it said before. */
export async function untilClosed(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  // Not by `once`, which a reset would make reject.
  const closed = new Promise<void>((resolve) => (socket.closed ? resolve() : socket.on("close", () => resolve())));
  await withDeadline(closed, 10, "the connection's end");
  return Buffer.concat(chunks);
}

/** A string as MQTT writes it: two bytes of length before it. */
export function mqttString(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

/** A control packet of any content: the header's first byte, the remaining length, the parts. */
export function rawPacket(header: number, ...parts: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([header, ...length]), body]);
}

/** A CONNECT packet with user name and password (the name again by default); `flags` beside those two (clean session is 2). */
export function rawConnect(
  id: string | Buffer,
  name: string,
  { flags = 2, keepalive = 60, will = [] as Buffer[], password = name, level = 4, without = 0 } = {},
): Buffer {
  const head = [mqttString("MQTT"), [level, (flags | 0xc0) & ~without, keepalive >> 8, keepalive & 255]];
  if (level === 5) head.push([0]);
  return rawPacket(0x10, ...head, mqttString(id), ...will, mqttString(name), mqttString(password));
}
