import type { IClientOptions, MqttClient } from "mqtt";
import type { Clock } from "#shared/clock";

/** Seconds between two pings at least, however often a connection dies between them: below, it is not their rarity. */
export const minKeepalive = 10;
/** Milliseconds after which what was learned is forgotten: networks are put right, and devices moved. */
export const learnedFor = 86_400_000;
/** How much more often a connection is used after one has died for having been silent. */
const step = 2 / 3;

/**
 * How long a connection may be silent. A NAT or firewall on the way forgets a connection that is silent for longer than it likes, tells nobody, and
 * lets the next one in at once: by that it is known from a network that is away.
 */
export class KeepAlive {
  readonly #usual: number;
  readonly #clock: Clock;
  #seconds: number;
  #learned = 0;
  #died = false;

  /** @param usual seconds */
  constructor(usual: number, clock: Clock) {
    this.#usual = this.#seconds = usual;
    this.#clock = clock;
  }

  /** For the next connection. */
  get seconds(): number {
    if (this.#clock.monotonic() - this.#learned >= learnedFor) this.#seconds = this.#usual;
    return this.#seconds;
  }

  /** A connection has died, and nobody has said so. */
  died(): void {
    this.#died = true;
  }

  /** A try has come to nothing. */
  failed(): void {
    this.#died = false;
  }

  /** One is up. */
  connected(): void {
    if (!this.#died) return;
    this.#died = false;
    this.#seconds = Math.min(this.#usual, Math.max(minKeepalive, Math.floor(this.seconds * step)));
    this.#learned = this.#clock.monotonic();
  }
}

/** Milliseconds after which what comes may be an answer to a packet: what comes sooner was on its way already. */
const wayBack = 2_000;

/** @returns how to ask for the bytes of the largest packet that was sent, as far as nothing has come since that may be an answer to it */
export function unansweredBytes(client: MqttClient, clock: Clock): () => number {
  let largest = 0;
  let at = 0;
  client.on("packetsend", (packet) => {
    if (packet.cmd !== "publish" || packet.payload.length <= largest) return;
    largest = packet.payload.length;
    at = clock.monotonic();
  });
  client.on("packetreceive", ({ cmd }) => {
    if (cmd === "puback" || cmd === "pingresp" || clock.monotonic() - at >= wayBack) largest = 0;
  });
  return () => largest;
}

/** What has come over a connection: a packet, which may have waited for those before it, or only bytes of one. */
export type SignOfLife = "packet" | "bytes" | "none";

export class SignsOfLife {
  #sign: SignOfLife = "none";

  watch(client: MqttClient): void {
    client.stream.on("data", () => {
      if (this.#sign === "none") this.#sign = "bytes";
    });
    client.on("packetreceive", () => (this.#sign = "packet"));
  }

  /** The most that has come since this was last asked. */
  take(): SignOfLife {
    const sign = this.#sign;
    this.#sign = "none";
    return sign;
  }
}

export interface PingTimerOptions {
  readonly clock: Clock;
  readonly signs: Pick<SignsOfLife, "take">;
  /** Sends one more. */
  readonly ping: () => void;
}

/**
 * Turns of the timer, one after the other, in which bytes come and no packet ends, until the connection is given up all the same: a large packet has a minute on a
 * slow line, and a packet that is drawn out without end holds nobody.
 */
export const maxTurnsOfBytes = 4;
/** At its second turn mqtt.js sends a ping, and at the next one it gives the connection up, unless an answer has set the timer anew. */
const pinged = 2;

/**
 * The timer of mqtt.js's pings, by our clock. The answer to a ping comes behind all that the broker has sent before it: of a busy connection each message
 * may wait for a disk, and what a busy process has not read yet lies in the socket. mqtt.js would give up such a
 * connection, and with it what the broker has acknowledged to its sender and not handed over. So where anything has come since the ping it is told again
 * instead that somebody is here.
 */
export function pingTimer({
  clock,
  signs,
  ping,
}: PingTimerOptions): Exclude<IClientOptions["timerVariant"], string | undefined> {
  const running = new Map<number, () => void>();
  let last = 0;
  return {
    set(run, every = 0) {
      const id = (last += 1);
      let [turns, ofBytes] = [0, 0];
      const isAlive = (): boolean => {
        const sign = signs.take();
        ofBytes = sign === "bytes" ? ofBytes + 1 : 0;
        return sign === "packet" || (sign === "bytes" && ofBytes <= maxTurnsOfBytes);
      };
      const again = (): void => {
        const cancel = clock.after(every, () => {
          again();
          turns += 1;
          if (turns > pinged) return afterReading(() => running.has(id) && (isAlive() ? ping() : run()));
          signs.take();
          run();
        });
        running.set(id, cancel);
      };
      again();
      return id;
    },
    clear(id) {
      running.get(id)?.();
      running.delete(id);
    },
  };
}

/** When this turn of the event loop is over, and one in which sockets are read. */
function afterReading(run: () => void): void {
  setImmediate(() => setImmediate(run));
}
