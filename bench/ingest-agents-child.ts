import { connect, type Socket } from "node:net";
import { connect as connectTls, createSecureContext } from "node:tls";
import { parseDeviceId } from "#shared/ids";
import { readAck } from "#shared/messages/metrics";
import { Topics } from "#shared/topics";
import { answer, ready, settingsOfChild } from "./children.ts";
import { connectFrame, FrameReader, publishFrame, pubackFrame, readPublish, subscribeFrame } from "./frames.ts";
import { batchOf, deviceName, type Load } from "./ingest-load.ts";

/**
 * Simulated agents over raw sockets: batches as agents encode them, at QoS 0, at most a window of them unacknowledged, sent
 * again when no ack comes for 10 seconds. All payloads are made before the clock starts, once for all devices, so that this
 * process takes little of the two cores and of the memory.
 */
const { load, port, ca, secret } = settingsOfChild<{
  load: Load;
  port: number;
  /** With TLS: the authority that is trusted, as PEM. */
  ca?: string;
  secret: string;
}>();
const secureContext = ca === undefined ? undefined : createSecureContext({ ca });
const ackTimeout = 10_000;
const connectedAtOnce = 100;
const topics = new Topics();
const batches = Array.from({ length: load.batches }, (_, index) => batchOf(load, index));

class SimulatedAgent {
  readonly #unacknowledged = new Map<number, number>();
  readonly #socket: Socket;
  readonly #topic: string;
  #next = 0;
  #end = 0;
  #done = (): void => {};
  resent = 0;

  private constructor(socket: Socket, device: string) {
    this.#socket = socket;
    this.#topic = topics.build({ kind: "metrics", device: parseDeviceId(device) });
  }

  static connect(device: string): Promise<SimulatedAgent> {
    return new Promise((resolve, reject) => {
      const place = { port, host: "127.0.0.1" };
      const socket = secureContext
        ? connectTls({ ...place, secureContext }).setNoDelay(true)
        : connect({ ...place, noDelay: true });
      const agent = new SimulatedAgent(socket, device);
      const subscribe = subscribeFrame(topics.build({ kind: "ack", device: parseDeviceId(device) }), 1);
      const reader = new FrameReader((first, body) => {
        if (first >> 4 === 2) socket.write(subscribe);
        if (first >> 4 === 9) resolve(agent);
        if (first >> 4 === 3) agent.#acked(first, body);
      });
      socket.on("data", (chunk) => reader.push(chunk));
      socket.once("error", reject);
      socket.write(connectFrame(device, secret));
    });
  }

  /** Sends the batches up to `end` (not with it), and resolves when the last one is acknowledged. */
  run(end: number): Promise<void> {
    this.#end = end;
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#pump();
    });
  }

  resendLate(now: number): void {
    for (const [seq, sent] of this.#unacknowledged) {
      if (now - sent < ackTimeout) continue;
      this.resent += 1;
      this.#send(seq);
    }
  }

  #acked(first: number, body: Buffer): void {
    const { payload, id } = readPublish(first, body);
    if (id !== undefined) this.#socket.write(pubackFrame(id));
    for (const [from, to] of readAck(payload).ranges) {
      for (let seq = from; seq <= to; seq++) this.#unacknowledged.delete(seq);
    }
    this.#pump();
  }

  #pump(): void {
    this.#socket.cork();
    while (this.#next < this.#end && this.#unacknowledged.size < load.window) this.#send((this.#next += 1));
    this.#socket.uncork();
    if (this.#next === this.#end && this.#unacknowledged.size === 0) this.#done();
  }

  #send(seq: number): void {
    const batch = batches[seq - 1];
    if (!batch) return;
    const frame = publishFrame(this.#topic, batch.payload);
    frame.writeDoubleBE(Date.now() - batch.at + 0.5, frame.length - 8);
    this.#unacknowledged.set(seq, performance.now());
    this.#socket.write(frame);
  }
}

const agents: SimulatedAgent[] = [];
while (agents.length < load.devices) {
  const some = Math.min(connectedAtOnce, load.devices - agents.length);
  const names = Array.from({ length: some }, (_, index) => deviceName(agents.length + index));
  agents.push(...(await Promise.all(names.map((name) => SimulatedAgent.connect(name)))));
}
setInterval(() => agents.forEach((agent) => agent.resendLate(performance.now())), 1_000);
answer(async ({ until }: { until: number }) => {
  const [began, used] = [performance.now(), process.cpuUsage()];
  await Promise.all(agents.map((agent) => agent.run(until)));
  const { user, system } = process.cpuUsage(used);
  const resent = agents.reduce((sum, agent) => sum + agent.resent, 0);
  return { ms: performance.now() - began, cpu: user + system, resent };
});
ready();
