import { systemClock } from "#shared/clock";
import { encode } from "#shared/codec";
import { parseDeviceId } from "#shared/ids";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { readAck, type Batch, type Gap } from "#shared/messages/metrics";
import { Topics } from "#shared/topics";
import { eventually, type Scope } from "./suite.ts";

export interface RawLogin {
  readonly url: string;
  readonly device: string;
  readonly password: string;
}

type Changes = Partial<Omit<Batch, "seq">> & { values?: readonly number[] };

/** A device written by hand: says what it is told to, and hears the acks. */
export class RawDevice {
  readonly #link: Link;
  readonly #topic: string;
  readonly acks: string[] = [];

  constructor({ url, device, password }: RawLogin) {
    const topics = new Topics();
    const id = parseDeviceId(device);
    this.#topic = topics.build({ kind: "metrics", device: id });
    const login = { url, clientId: device, username: device, password };
    this.#link = new Link({ ...login, log: silentLog, clock: systemClock });
    this.#link.subscribe([topics.filter("ack", id)], ({ payload }) => {
      const { outbox, ranges } = readAck(payload);
      for (const [from, to] of ranges)
        for (let seq = from; seq <= to; seq += 1) this.acks.push(`${outbox ?? ""} ${seq}`);
    });
  }

  stop(): Promise<void> {
    return this.#link.stop();
  }

  async connect(): Promise<void> {
    this.#link.start();
    await eventually("the device's connection", () => this.#link.connected);
  }

  /** One sample of one field a second. */
  async send(seq: number, { values = [1, 2, 3], ...changes }: Changes = {}): Promise<void> {
    const batch: Batch = {
      v: 1,
      outbox: "a",
      seq,
      t: Date.now() - 60_000 + seq * 1_000,
      dt: values.map((_, at) => at * 100),
      m: values.length === 0 ? [] : [{ n: "probe", f: { v: [...values] } }],
      ...changes,
    };
    await this.#link.publish(this.#topic, encode(batch, "cbor"), { qos: 0 });
  }

  /** Publishes anything, for the broker to keep. */
  leave(topic: string, payload: string): Promise<void> {
    return this.#link.publish(topic, Buffer.from(payload), { retain: true });
  }

  gap(seq: number, dropped: Gap): Promise<void> {
    return this.send(seq, { values: [], dropped });
  }

  /** Waits until `seq` has been acknowledged `times` times. */
  async acked(seq: number, times = 1, outbox = "a"): Promise<void> {
    await eventually(`ack ${times} of ${outbox} ${seq}`, () => this.#count(`${outbox} ${seq}`) >= times);
  }

  #count(ack: string): number {
    return this.acks.filter((one) => one === ack).length;
  }
}

/** A device that is connected, and leaves with `scope`. */
export async function connectRaw(scope: Scope, login: RawLogin): Promise<RawDevice> {
  const device = new RawDevice(login);
  scope.cleanup(() => device.stop());
  await device.connect();
  return device;
}
