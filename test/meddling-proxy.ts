import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { generate, parser, type Packet } from "mqtt-packet";
import type { Scope } from "./suite.ts";

/** One message on its way, as the proxy sees it. */
export interface Passing {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
  /** `up` is to the broker. */
  readonly way: "up" | "down";
}

/**
 * What becomes of a message: it goes on; it is dropped, acknowledged all the same as a broker does that loses it; it comes twice; or it
 * goes behind the next one, however long that takes.
 */
export type Fate = "pass" | "drop" | "double" | "behind";

export interface MeddlingProxy {
  readonly url: string;
  /** Messages that had another fate than `pass`. */
  readonly meddled: () => number;
}

/** Stands before a broker and meddles with single messages: what an honest broker does only under faults that nobody can order. MQTT 3.1.1. */
export async function startMeddlingProxy(
  scope: Scope,
  broker: string,
  fate: (message: Passing) => Fate,
): Promise<MeddlingProxy> {
  let meddled = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(broker).port), "127.0.0.1");
    for (const [from, to, way] of [
      [client, upstream, "up"],
      [upstream, client, "down"],
    ] as const) {
      scope.cleanup(() => from.destroy());
      from.setNoDelay(true);
      from.on("error", () => {});
      from.on("close", () => to.destroy());
      forward(from, to, (message) => {
        const chosen = fate({ ...message, way });
        if (chosen !== "pass") meddled += 1;
        return chosen;
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => new Promise((resolve) => server.close(resolve)));
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, meddled: () => meddled };
}

function forward(from: Socket, to: Socket, fate: (message: Omit<Passing, "way">) => Fate): void {
  const reading = parser({ protocolVersion: 4 });
  const behind: Packet[] = [];
  const send = (packet: Packet): void => void to.write(generate(packet, { protocolVersion: 4 }));
  reading.on("error", () => from.destroy());
  reading.on("packet", (packet: Packet) => {
    if (packet.cmd !== "publish") return send(packet);
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const chosen = fate({ topic: packet.topic, payload, retain: packet.retain });
    if (chosen === "behind") return void behind.push(packet);
    if (chosen !== "drop") send(packet);
    // Its sender must not wait for an acknowledgement: the broker would have given it.
    else if (packet.qos === 1)
      from.write(generate({ cmd: "puback", messageId: packet.messageId ?? 0 }, { protocolVersion: 4 }));
    if (chosen === "double") send(packet);
    for (const late of behind.splice(0)) send(late);
  });
  from.on("data", (bytes) => reading.parse(bytes));
}
