import type { Clock } from "#shared/clock";
import { asDeviceId, newCommandId, type DeviceId } from "#shared/ids";
import { toldTopic, whyNotKept, type Refusal } from "#shared/messages/command-messages";
import { forShell, forTerminalJson, quoted } from "#shared/printable";
import type { Access } from "./access.ts";
import type { Digest } from "./digest.ts";
import type { Connection } from "./connection.ts";
import type { Limits } from "./limits.ts";
import type { StoredPacket } from "./packets.ts";
import { signed } from "./signature.ts";

/** Where a refused message goes instead: outside every tree that anybody may read, so to nobody. */
const nowhere = "muster-refused";
const minute = 60_000;

export interface AuthorizerOptions {
  readonly access: Access;
  readonly clock: Clock;
  readonly digest: Digest;
  readonly limits: Limits;
  readonly publish: (topic: string, payload: Buffer) => void;
}

/** A message as a client publishes it, before Aedes takes it on. */
export interface Offered {
  topic: string;
  payload: Buffer | string;
  qos: number;
  retain: boolean;
}

/**
 * Applies the access rules to each message. A message that is not allowed is refused softly: acknowledged, dropped, counted and
 * answered on the device's `refused` topic. To disconnect the sender, as Aedes does, would begin an
 * endless loop with every client that sends again after a reconnect.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  /** How many refusals each user was told in the present minute; by name, because a new connection is easily had. */
  readonly #told = { since: -Infinity, of: new Map<string, number>() };
  /** Messages sent on, refused, dropped for a connection that was full; subscriptions denied. */
  readonly counts = { forwarded: 0, refused: 0, dropped: 0, denied: 0 };

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** Lets a message pass, or turns it into one for nobody. */
  offer(connection: Connection, packet: Offered): void {
    const { access } = this.#options;
    const { principal } = connection;
    if (principal && access.mayPublish(principal, packet.topic)) {
      if (principal.role === "device") this.#ofDevice(packet);
      else if (principal.role !== "console") this.#ofPerson(connection, principal.name, packet);
      return;
    }
    this.#refuse(connection, packet, { why: this.#whyNot(connection) });
  }

  #whyNot({ principal }: Connection): string {
    if (!principal) return "nobody may publish here without a name";
    const why = `${principal.role} ${quoted(principal.name)} may not publish here`;
    if (principal.role !== "device") return why;
    const { root } = this.#options.access.topics;
    return `${why}: its samples belong on ${root}/${principal.name}/metrics/<measurement>`;
  }

  /** Whether a subscription is granted. */
  grants(connection: Connection, filter: string): boolean {
    const { access, limits } = this.#options;
    const room = connection.subscriptions < limits.subscriptions;
    if (room && connection.principal && access.maySubscribe(connection.principal, filter)) return true;
    this.counts.denied += 1;
    this.#tell(connection, `may not subscribe to ${quoted(filter)}`);
    return false;
  }

  /** Whether a message may reach this client now: the rules again, because what is queued or restored passed none. */
  forwards(connection: Connection, packet: Pick<StoredPacket, "topic" | "qos">): boolean {
    if (!connection.principal || !this.#options.access.mayReceive(connection.principal, packet.topic)) return false;
    const admitted = connection.sendBuffer.admits(packet.qos);
    this.counts[admitted ? "forwarded" : "dropped"] += 1;
    return admitted;
  }

  /** A device keeps one message at the broker, its presence: with more it could fill the broker's memory. */
  #ofDevice(packet: Offered): void {
    if (packet.retain && this.#options.access.topics.parse(packet.topic)?.kind !== "status") packet.retain = false;
  }

  /**
   * People keep tasks and nothing else: a short command that is kept would be carried out again at each start of the console. And a
   * device sees who it was.
   */
  #ofPerson(connection: Connection, by: string, packet: Offered): void {
    const address = this.#options.access.topics.parse(packet.topic);
    const isEmpty = packet.payload.length === 0;
    if (address?.kind === "short" && packet.retain && !isEmpty)
      return this.#refuse(connection, packet, { why: whyNotKept, try: this.#kept(address.device, packet.payload) });
    if (address?.kind !== "task") packet.retain = false;
    else if (!isEmpty) {
      const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
      packet.payload = signed(payload, { id: address.id, by, ts: Math.round(this.#options.clock.now()) });
    }
  }

  /** The line by which a short command waits for its device. */
  #kept(device: DeviceId, payload: Buffer | string): string {
    const { access, clock } = this.#options;
    const topic = access.topics.build({ kind: "task", device, id: newCommandId(clock.now()) });
    return `mosquitto_pub -r -t ${forShell(topic)} -m ${forShell(payload.toString())}`;
  }

  /** Turns a message into one for nobody, and tells why. */
  #refuse(connection: Connection, packet: Offered, told: Pick<Refusal, "why" | "try">): void {
    const { access, clock } = this.#options;
    const { topic } = packet;
    packet.topic = nowhere;
    packet.payload = Buffer.alloc(0);
    packet.retain = false;
    this.counts.refused += 1;
    if (!this.#tell(connection, `may not publish to ${quoted(topic)}`)) return;
    const device = this.#concerned(connection, topic);
    if (!device) return;
    const refusal: Refusal = { topic: toldTopic(topic), ...told, ts: Math.round(clock.now()) };
    this.#options.publish(
      access.topics.build({ kind: "refused", device }),
      Buffer.from(forTerminalJson(JSON.stringify(refusal))),
    );
  }

  /** A device hears of what it has sent itself, wherever it went; of a person's message whoever watches the device that was meant. */
  #concerned({ principal }: Connection, topic: string): DeviceId | undefined {
    if (principal?.role === "device") return asDeviceId(principal.name);
    const address = this.#options.access.topics.parse(topic);
    return address && "device" in address ? address.device : undefined;
  }

  /** Logs a refusal, unless this user had its share of them. @returns whether it was told */
  #tell({ client, principal, address }: Connection, what: string): boolean {
    const { clock, limits, digest } = this.#options;
    const now = clock.monotonic();
    if (now - this.#told.since >= minute) {
      this.#told.since = now;
      this.#told.of.clear();
    }
    const name = principal?.name ?? "a client";
    const count = (this.#told.of.get(name) ?? 0) + 1;
    this.#told.of.set(name, count);
    if (count > limits.refusals) return false;
    digest.tell("warn", address, { client: client.id, role: principal?.role }, `${name} ${what}`);
    return true;
  }
}
