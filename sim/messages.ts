import type { IConnectPacket, IPublishPacket, ISubscribePacket } from "mqtt-packet";
import { encode } from "#shared/codec";
import { shortId, type CommandId, type DeviceId } from "#shared/ids";
import type { Json } from "#shared/messages/payload-schema";
import type { Batch } from "#shared/messages/metrics";
import type { Birth, Death } from "#shared/messages/presence-messages";
import type { BacklogBatch } from "./backlog.ts";
import { agentName, simulatedOffers } from "./simulated-commands.ts";
import { updateOffers } from "./simulated-update.ts";
import { measurementsOf } from "./machine-metrics.ts";
import { draw } from "./random.ts";
import type { World } from "./world.ts";
import { clockError } from "./wrong-clock.ts";

/** What makes one device differ from the others. */
export interface Character {
  readonly id: DeviceId;
  readonly seed: number;
  /** The installation: one that is the same in every run, and another one for a clone. */
  readonly instance: string;
  readonly wrongClock: boolean;
}

const offered = JSON.stringify(simulatedOffers);
const offeredWithUpdate = JSON.stringify({ ...simulatedOffers, ...updateOffers });
const facts: Readonly<Record<string, Json>>[] = ["arm64", "arm", "x64"].map((arch) => ({
  os: "linux",
  arch,
  simulated: true,
}));

/** What one device says, as packets. */
export class Messages {
  readonly character: Character;
  /** New for each run. */
  boot = shortId();
  /** The machine's: what its times of the monotonic clock are of. */
  readonly #epoch = this.boot;
  readonly outbox = shortId();
  /** New for each connection. */
  session = "";
  readonly #world: World;
  #id = 0;

  constructor(world: World, character: Character) {
    this.#world = world;
    this.character = character;
  }

  get facts(): Readonly<Record<string, Json>> {
    return facts[Math.floor(draw(this.character.seed, 50) * facts.length)] ?? {};
  }

  /** The device's wall clock (epoch ms) at a moment of the monotonic one. */
  wall(mono: number): number {
    const { started, began } = this.#world;
    const { seed, wrongClock } = this.character;
    const right = started + mono - began;
    return Math.max(0, Math.round(right + (wrongClock ? clockError(seed, started, mono - began) : 0)));
  }

  connect(): IConnectPacket {
    const { id } = this.character;
    const will = {
      topic: this.#topic("status"),
      payload: this.#goodbye("connection lost"),
      qos: 1,
      retain: true,
    } as const;
    const login = { clientId: id, username: id, password: Buffer.from(this.#world.secret) };
    const { keepalive } = this.#world;
    return { cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive, will, ...login };
  }

  subscribe(): ISubscribePacket {
    const { topics } = this.#world;
    const { id } = this.character;
    const filters = [topics.filter("task", id), topics.filter("ack", id), topics.filter("console")];
    const subscriptions = filters.map((topic) => ({ topic, qos: 1 as const }));
    return { cmd: "subscribe", messageId: this.#nextId(), subscriptions };
  }

  birth({ interval, paused }: { readonly interval: number; readonly paused: boolean }): IPublishPacket {
    const { boot, session, facts: told } = this;
    const { instance, id } = this.character;
    const runs = this.#world.releases?.runningOn(id);
    const ts = this.wall(this.#world.clock.monotonic());
    const status: Birth = {
      v: 1,
      online: true,
      boot,
      session,
      instance,
      agent: runs?.version ?? agentName,
      ...(runs === undefined ? {} : { build: runs.build }),
      ts,
      interval,
      paused,
      facts: told,
    };
    // Most of a birth is the same text for all.
    const payload = `${JSON.stringify(status).slice(0, -1)},"commands":${runs === undefined ? offered : offeredWithUpdate}}`;
    return this.#publish(this.#topic("status"), Buffer.from(payload), true);
  }

  death(reason: string): IPublishPacket {
    const payload = this.#goodbye(reason, this.wall(this.#world.clock.monotonic()));
    return this.#publish(this.#topic("status"), payload, true);
  }

  reply(id: CommandId, payload: Buffer): IPublishPacket {
    return this.#publish(this.#world.topics.build({ kind: "reply", device: this.character.id, id }), payload, false);
  }

  /** A batch, made of what it was when it was made: the same every time but for its age. */
  batch({ seq, from, step, count, gap }: BacklogBatch, now: number, isHungry = false): IPublishPacket {
    const { seed } = this.character;
    const { began, started } = this.#world;
    const offsets = Array.from({ length: count }, (_, index) => Math.round(index * step));
    const mono = Math.round(from - began);
    const times = offsets.map((offset) => started + mono + offset);
    const content: Batch = {
      v: 1,
      outbox: this.outbox,
      seq,
      t: this.wall(from),
      epoch: this.#epoch,
      mono,
      age: Math.max(0, Math.round(now - from)),
      dt: offsets,
      m: count === 0 ? [] : measurementsOf(seed, started, times, isHungry),
      ...(gap ? { dropped: { ...gap, why: "the simulated outbox is full" } } : {}),
    };
    const payload = encode(content, "cbor");
    return { cmd: "publish", topic: this.#topic("metrics"), payload, qos: 0, retain: false, dup: false };
  }

  #goodbye(reason: string, ts?: number): Buffer {
    const { boot, session } = this;
    const status: Death = { v: 1, online: false, boot, session, reason, ...(ts === undefined ? {} : { ts }) };
    return encode(status, "json");
  }

  #publish(topic: string, payload: Buffer, retain: boolean): IPublishPacket {
    return { cmd: "publish", topic, payload, qos: 1, retain, dup: false, messageId: this.#nextId() };
  }

  #topic(kind: "metrics" | "status"): string {
    return this.#world.topics.build({ kind, device: this.character.id });
  }

  /** 1 … 65535 */
  #nextId(): number {
    return (this.#id = (this.#id % 0xffff) + 1);
  }
}
