import { spreadOf } from "#shared/back-off";
import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { encode } from "#shared/codec";
import { asError, DisconnectedError } from "#shared/errors";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { commonNames } from "#shared/messages/common-names";
import { maxToldCommands, type Ack } from "#shared/messages/metrics";
import type { Birth, CertificatePorts, ConsoleStatus, Death } from "#shared/messages/presence-messages";
import type { Topics } from "#shared/topics";
import { version } from "#shared/version";

export interface PublisherOptions {
  readonly bus: Bus;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly log: Log;
  /** On which side of the true time the clock may be; of one that is believed nothing is given, and so by default. */
  readonly unsure?: () => Ack["unsure"];
  /** How many devices there are. */
  readonly fleet: () => number;
  /** Told to devices with a certificate, where there can be any. */
  readonly certificatePorts?: CertificatePorts | undefined;
}

/** A fleet's size is told again once its agents would wait by so much longer or shorter for the broker: each time, all of them hear it. */
const noteworthy = 1.5;

/**
 * What the console says to everybody: its presence, acks, numbers. Nothing of it is lost for good with the connection: acks come
 * again with the batches that they answer, presence with the next connection.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  /** Of the connection to the broker, while there is one. */
  #session: string | undefined;
  #taking: boolean | undefined;
  #toldFleet = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  connected(session: string): void {
    this.#session = session;
    void this.#announce(true);
  }

  /**
   * What is heard on the console's own presence. The will of a connection that a broker only now gives up, of a run before a power
   * cut, would say for good that there is no console.
   * @param status undefined where somebody has cleared it
   */
  heard(status: ConsoleStatus | undefined): void {
    if (status?.online || this.#session === undefined || status?.session === this.#session) return;
    void this.#announce(true);
  }

  disconnected(): void {
    this.#session = undefined;
  }

  /** Tells agents whether the store takes writes. @returns whether that is news */
  taking(taking: boolean): boolean {
    if (taking === this.#taking) return false;
    this.#taking = taking;
    void this.#announce(true);
    return true;
  }

  /** There is a device more, or less. */
  fleetChanged(): void {
    const ratio = spreadOf(this.#options.fleet()) / spreadOf(this.#toldFleet);
    if (ratio >= noteworthy || ratio <= 1 / noteworthy) void this.#announce(true);
  }

  async goodbye(): Promise<void> {
    await this.#announce(false);
  }

  /** The present moment, as every ack tells it. */
  moment(): Pick<Ack, "ts" | "unsure"> {
    const { clock, unsure } = this.#options;
    const side = unsure?.();
    const ts = Math.round(clock.now());
    return side === undefined ? { ts } : { ts, unsure: side };
  }

  /** Tells a device the time: it may wait for one that is sure. */
  tellTime(device: DeviceId): void {
    this.ack(device, encode({ ...this.moment(), ranges: [] } satisfies Ack, "json"));
  }

  ack(device: DeviceId, payload: Buffer): void {
    void this.#publish(this.#options.topics.build({ kind: "ack", device }), payload);
  }

  /**
   * Numbers of batches, which are most of what is said. At QoS 0: each would come back as a PUBACK, another packet to read for every batch, and
   * one that is lost is said again when its batch comes again.
   */
  stored(device: DeviceId, payload: Buffer): void {
    void this.#publish(this.#options.topics.build({ kind: "ack", device }), payload, { qos: 0 });
  }

  /**
   * The answer to a birth tells the agent the time, and which of its commands are open: nothing that it finds at the broker begins on
   * anybody else's word.
   * @param open their ids, as many as there are
   * @param begun those of them that somebody under the device's id has begun: they are told first, each with the word that it is open
   * @param doubted others that must not begin, and of which the device is asked what became of them
   */
  greet(
    device: DeviceId,
    { boot, session }: Birth,
    open: readonly CommandId[],
    begun: readonly CommandId[] = [],
    doubted: readonly CommandId[] = [],
  ): void {
    const isBegun = new Set(begun);
    const ids = [...begun, ...open.filter((id) => !isBegun.has(id))];
    const most = begun.length > 0 ? maxToldCommands / 2 : maxToldCommands;
    for (let at = 0; at === 0 || at < ids.length; at += most) {
      const part = ids.slice(at, at + most);
      const running = part.filter((id) => isBegun.has(id));
      const begunHere = running.length > 0 && { begun: running };
      const ack: Ack = { boot, session, ...this.moment(), ranges: [], open: part, ...begunHere };
      this.ack(device, encode(ack, "json"));
    }
    for (let at = 0; at < doubted.length; at += maxToldCommands) {
      const ts = Math.round(this.#options.clock.now());
      const part = doubted.slice(at, at + maxToldCommands);
      this.ack(device, encode({ boot, session, ts, ranges: [], open: [], doubted: part } satisfies Ack, "json"));
    }
  }

  /** Tells a run of the agent that it may not go on, and why. */
  refuse(device: DeviceId, boot: string, refused: string): void {
    const ack: Ack = { boot, ...this.moment(), ranges: [], refused };
    this.ack(device, encode(ack, "json"));
  }

  /** Tells a run of the agent to begin a new outbox. */
  begin(device: DeviceId, outbox: string, run: string, begin: string): void {
    const ack: Ack = { outbox, run, ...this.moment(), ranges: [], begin };
    this.ack(device, encode(ack, "json"));
  }

  /** A device's death in its place, where its will may not have gone out. */
  death(device: DeviceId, death: Death): void {
    void this.#publish(this.#options.topics.build({ kind: "status", device }), encode(death, "json"), { retain: true });
  }

  /** One number that the console measures of itself. */
  number(name: string, value: string): void {
    const { bus, topics } = this.#options;
    if (bus.connected) void this.#publish(topics.build({ kind: "stats", name }), Buffer.from(value), { qos: 0 });
  }

  async #announce(online: boolean): Promise<void> {
    const { topics, clock, fleet, certificatePorts } = this.#options;
    if (this.#session === undefined) return;
    const told = { taking: this.#taking, fleet: (this.#toldFleet = fleet()), certificatePorts };
    const payload = consoleStatusOf({ session: this.#session, online, ...told, now: clock.now() });
    await this.#publish(topics.build({ kind: "console" }), payload, { retain: true });
  }

  async #publish(topic: string, payload: Buffer, options: Parameters<Bus["publish"]>[2] = {}): Promise<void> {
    try {
      await this.#options.bus.publish(topic, payload, options);
    } catch (error) {
      if (!(error instanceof DisconnectedError))
        this.#options.log.error({ err: asError(error), topic }, "a message could not be published");
    }
  }
}

/** The console's retained presence, and its will. @param now epoch ms */
export function consoleStatusOf({
  session,
  online,
  taking,
  fleet,
  certificatePorts,
  now,
}: {
  readonly session: string;
  readonly online: boolean;
  readonly taking?: boolean | undefined;
  readonly fleet?: number;
  readonly certificatePorts?: CertificatePorts | undefined;
  readonly now: number;
}): Buffer {
  const sizes = { ...(taking !== undefined && { taking }), ...(fleet !== undefined && { fleet }) };
  const told = online ? { ...sizes, names: commonNames.length, ...(certificatePorts && { certificatePorts }) } : {};
  const status: ConsoleStatus = { v: 1, online, session, ...told, version, ts: Math.round(now) };
  return encode(status, "json");
}
