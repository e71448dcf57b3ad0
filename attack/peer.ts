import { connect, type Socket } from "node:net";
import { generate, parser, type IPublishPacket, type Packet } from "mqtt-packet";
import { withDeadline } from "../test/suite.ts";

export interface PeerLogin {
  readonly port: number;
  readonly name: string;
  readonly secret: string;
  readonly clientId?: string;
  /** The address it comes from: any of 127.0.0.0/8. */
  readonly from?: string;
  readonly will?: { readonly topic: string; readonly payload: Buffer };
}

/** How long (ms) the other side may take for an answer. */
const patience = 10_000;

/** A client of MQTT 3.1.1 that does what it is told, sense or nonsense, and never comes back by itself. */
export class Peer {
  readonly socket: Socket;
  readonly #login: PeerLogin;
  readonly #parser = parser();
  readonly #waiting = new Map<string, (packet: Packet) => void>();
  readonly #listeners = new Set<(message: IPublishPacket) => void>();
  #lastId = 0;
  #draining: Promise<void> | undefined;
  /** What was received while nobody took it away. */
  readonly messages: IPublishPacket[] = [];

  constructor(login: PeerLogin) {
    this.#login = login;
    this.socket = connect({ port: login.port, host: "127.0.0.1", localAddress: login.from, noDelay: true });
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => this.#parser.parse(chunk));
    // One listener for whatever waits: hundreds of messages may be on their way.
    this.socket.once("close", () => {
      for (const end of this.#waiting.values()) end({ cmd: "disconnect" });
    });
    this.#parser.on("packet", (packet: Packet) => this.#took(packet));
    this.#parser.on("error", () => this.socket.destroy());
  }

  /** @throws Error when the broker does not let it in */
  async enter(): Promise<this> {
    const { name, secret, clientId = name, will } = this.#login;
    this.send({
      cmd: "connect",
      clientId,
      username: name,
      password: Buffer.from(secret),
      clean: true,
      keepalive: 600,
      protocolId: "MQTT",
      protocolVersion: 4,
      ...(will ? { will: { ...will, qos: 1, retain: true } } : {}),
    });
    const answer = await this.#answer("connack");
    if (answer.cmd === "connack" && answer.returnCode === 0) return this;
    this.socket.destroy();
    throw new Error(`${name} was refused: ${answer.cmd === "connack" ? answer.returnCode : answer.cmd}`);
  }

  get open(): boolean {
    return !this.socket.destroyed && this.socket.writable;
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet));
  }

  /** Resolves once a QoS 1 message is acknowledged, and one of QoS 0 has left. */
  async publish(
    topic: string,
    payload: Buffer | string,
    { qos = 1, retain = false }: { readonly qos?: 0 | 1 | 2; readonly retain?: boolean } = {},
  ): Promise<void> {
    if (!this.open) throw new Error(`${this.#login.name}'s connection is closed`);
    const messageId = this.nextId();
    this.send({ cmd: "publish", topic, payload, qos, retain, dup: false, messageId });
    if (qos === 1) await this.#answer(`puback ${messageId}`);
    else if (this.socket.writableNeedDrain) await this.#drained();
  }

  async subscribe(...topics: string[]): Promise<void> {
    const messageId = this.nextId();
    this.send({ cmd: "subscribe", messageId, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) });
    await this.#answer(`suback ${messageId}`);
  }

  /** Resolves once everything before has been read by the broker. */
  async ping(): Promise<void> {
    this.send({ cmd: "pingreq" });
    await this.#answer("pingresp");
  }

  onMessage(listener: (message: IPublishPacket) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first message, received before or after this call, for which `wanted` holds. */
  async message(wanted: (message: IPublishPacket) => boolean, ms = patience): Promise<IPublishPacket> {
    const found = this.messages.find(wanted);
    if (found) return found;
    let off = (): void => {};
    const heard = new Promise<IPublishPacket>((resolve) => {
      off = this.onMessage((message) => wanted(message) && resolve(message));
    });
    return withDeadline(heard, ms / 1_000, `a message to ${this.#login.name}`).finally(off);
  }

  leave(): void {
    this.socket.destroy();
  }

  nextId(): number {
    return (this.#lastId = (this.#lastId % 65_535) + 1);
  }

  #drained(): Promise<void> {
    return (this.#draining ??= new Promise<void>((resolve) => {
      const done = (): void => {
        this.socket.off("drain", done).off("close", done);
        this.#draining = undefined;
        resolve();
      };
      this.socket.on("drain", done).on("close", done);
    }));
  }

  async #answer(key: string): Promise<Packet> {
    if (this.socket.destroyed) throw new Error(`${this.#login.name}'s connection is closed`);
    const answered = new Promise<Packet>((resolve) => this.#waiting.set(key, resolve));
    try {
      const packet = await withDeadline(answered, patience / 1_000, `${key} to ${this.#login.name}`);
      if (packet.cmd === "disconnect") throw new Error(`${this.#login.name} was cut off while it waited for ${key}`);
      return packet;
    } finally {
      this.#waiting.delete(key);
    }
  }

  #took(packet: Packet): void {
    if (packet.cmd === "publish") {
      if (packet.qos === 1 && packet.messageId !== undefined) this.send({ cmd: "puback", messageId: packet.messageId });
      // What nobody asks for must not fill the attacker's own memory.
      if (this.messages.length < 5_000) this.messages.push(packet);
      for (const listener of this.#listeners) listener(packet);
      return;
    }
    const id = "messageId" in packet && packet.messageId !== undefined ? ` ${packet.messageId}` : "";
    this.#waiting.get(`${packet.cmd}${id}`)?.(packet);
  }
}
