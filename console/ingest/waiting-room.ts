import type { Message } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { counted } from "#shared/counted";
import type { DeviceId } from "#shared/ids";
import { Pressure } from "./pressure.ts";

export interface WaitingRoomOptions {
  readonly clock: Clock;
  /** Takes a batch that came at `arrival`, epoch ms. */
  readonly take: (device: DeviceId, message: Message, arrival: number) => void;
  /** Bytes of batches that were taken and are on their way to the store. */
  readonly onTheWay: () => number;
  /** What {@link take} has thrown of one that had to wait. */
  readonly failed: (device: DeviceId, thrown: unknown) => void;
  /** Milliseconds for which messages have waited to be read, before they come here. */
  readonly unread: () => number;
  /** One is not taken: its sender keeps it, and sends it again. */
  readonly leave: (device: DeviceId) => void;
  /** Called when {@link WaitingRoom.pressed} has changed, and now and then while it is so. */
  readonly onPressure: () => void;
}

/**
 * Milliseconds for which batches are read, placed and handed to the store in one turn of the event loop: with a turn of the store's own writing
 * less than the 50 ms that anything may hold the loop.
 */
export const maxTakeTurn = 10;
/**
 * Bytes of batches that wait: the first number for all, a second's worth of 10,000 batches of an agent; beyond it only those of devices of which
 * nothing waits yet, up to the second: who sends much does not keep out who sends little.
 */
export const maxWaiting = { bytes: 16 * 1024 * 1024, firstBytes: 24 * 1024 * 1024 };
/** Batches of one device that wait, twice an agent's window; and their bytes, unless it is one. */
export const maxWaitingOfOne = { batches: 64, bytes: 512 * 1024 };
/** Bytes of batches that the store has been handed and has not answered: half of what the writer to InfluxDB refuses to hold. */
export const maxOnTheWay = 32 * 1024 * 1024;
/** What one costs beside its payload. */
const overhead = 256;

interface Waiting {
  readonly message: Message;
  /** By the monotonic clock. */
  readonly at: number;
  /** By the machine's uptime, which counts a sleep as well. */
  readonly uptime: number;
}

/**
 * Between what devices send and what the store takes. While there is time in a turn of the event loop a batch is taken as it comes. What comes
 * faster waits as bytes: devices take turns, those of one keep their order, and what finds no room is left to its sender, without an ack.
 *
 * sent ──► room? ─► waits ─► its turn, and room in the store's hands ─► taken
 *            └─ no: left to its sender, which is told by `taking` to hold all but one batch until there is room
 */
export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #pressure: Pressure;
  /** In the order of their turns. */
  readonly #waiting = new Map<DeviceId, { bytes: number; readonly batches: Waiting[] }>();
  #bytes = 0;
  #left = 0;
  #turnBegan: number | undefined;
  #endOfTurn: NodeJS.Immediate | undefined;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
    this.#pressure = new Pressure({ clock: options.clock, load: () => this.#load, changed: options.onPressure });
  }

  /** Whether more comes than is taken, so that agents should hold what they can. */
  get pressed(): boolean {
    return this.#pressure.on;
  }

  /** The same as a sentence; undefined where it is not so. */
  get problem(): string | undefined {
    if (!this.pressed) return undefined;
    const { behind } = this.#load;
    const devices = `${counted(this.#waiting.size, "device")} ${this.#waiting.size === 1 ? "waits" : "wait"}`;
    const left = this.#left === 0 ? "" : `; ${counted(this.#left, "batch", "batches")} found no room`;
    return `more samples come than the store takes: it is ${(behind / 1_000).toFixed(1)} s behind, and ${devices} with ${(this.#bytes / 1024 / 1024).toFixed(1)} MiB${left}. Agents keep the rest on their own disks and send it as there is room: nothing is lost, but the newest values are late`;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  offer(device: DeviceId, message: Message): void {
    const { clock, take } = this.#options;
    const mono = clock.monotonic();
    this.#pressure.look();
    if (this.#waiting.size === 0 && this.#hasTime(mono) && this.#hasRoom) return take(device, message, clock.now());
    this.#keep(device, { message, at: mono, uptime: clock.uptime() });
  }

  /** There is room again in the store's hands. */
  goOn(): void {
    if (this.#waiting.size > 0 && this.#hasRoom) this.#soon();
  }

  /** The device is no more. */
  forget(device: DeviceId): void {
    this.#bytes -= this.#waiting.get(device)?.bytes ?? 0;
    this.#waiting.delete(device);
    this.#pressure.look();
  }

  /** What waits is left to its senders. */
  stop(): void {
    if (this.#endOfTurn) clearImmediate(this.#endOfTurn);
    this.#endOfTurn = this.#turnBegan = undefined;
    this.#waiting.clear();
    this.#bytes = 0;
    this.#pressure.stop();
  }

  get #load(): { readonly share: number; readonly behind: number } {
    const [first] = this.#waiting.values();
    const at = first?.batches[0]?.at;
    const behind = at === undefined ? 0 : this.#options.clock.monotonic() - at;
    return { share: this.#bytes / maxWaiting.bytes, behind: behind + this.#options.unread() };
  }

  get #hasRoom(): boolean {
    return this.#options.onTheWay() < maxOnTheWay;
  }

  /** Whether this turn of the event loop may go on taking. */
  #hasTime(now: number): boolean {
    this.#turnBegan ??= now;
    this.#soon();
    return now - this.#turnBegan < maxTakeTurn;
  }

  #keep(device: DeviceId, one: Waiting): void {
    const size = one.message.payload.length + overhead;
    const own = this.#waiting.get(device);
    const most = own ? maxWaiting.bytes : maxWaiting.firstBytes;
    const isFull = own && (own.batches.length >= maxWaitingOfOne.batches || own.bytes + size > maxWaitingOfOne.bytes);
    if (isFull || this.#bytes + size > most) {
      this.#left += 1;
      return this.#options.leave(device);
    }
    this.#bytes += size;
    if (own) {
      own.bytes += size;
      own.batches.push(one);
    } else this.#waiting.set(device, { bytes: size, batches: [one] });
    this.#soon();
  }

  #soon(): void {
    this.#endOfTurn ??= setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#endOfTurn = this.#turnBegan = undefined;
    const { clock } = this.#options;
    while (this.#waiting.size > 0 && this.#hasRoom && this.#hasTime(clock.monotonic())) this.#next();
    if (this.#waiting.size === 0) this.#left = 0;
    this.#pressure.look();
  }

  /** One batch of the device whose turn it is. */
  #next(): void {
    for (const [device, own] of this.#waiting) {
      const one = own.batches.shift();
      this.#waiting.delete(device);
      if (!one) continue;
      const size = one.message.payload.length + overhead;
      own.bytes -= size;
      this.#bytes -= size;
      if (own.batches.length > 0) this.#waiting.set(device, own);
      return this.#take(device, one);
    }
  }

  /** When it came is told by the clock of now: one that was wrong, and has been set meanwhile, would be believed by whoever believes this one. */
  #take(device: DeviceId, { message, uptime }: Waiting): void {
    const { clock, take, failed } = this.#options;
    try {
      take(device, message, clock.now() - (clock.uptime() - uptime));
    } catch (thrown) {
      failed(device, thrown);
    }
  }
}
