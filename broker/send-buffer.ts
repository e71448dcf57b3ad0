import type { Duplex } from "node:stream";
import { counted } from "#shared/counted";
import type { Clock } from "#shared/clock";
import type { Limits } from "./limits.ts";

type Done = (error?: Error | null) => void;

/**
 * What waits to be sent on one connection. It begins open. When more than the soft bound waits it holds the
 * publishers back until it has drained, but only for a moment: then it is parked, and the messages to it gather beside the
 * others' traffic. Parked and beyond the hard bound it is full until it has drained: QoS 0 messages to it are dropped, anything
 * else closes it. One that stays parked for `frozen` is closed. So neither a slow nor a frozen subscriber stalls the rest.
 */
export class SendBuffer {
  readonly #stream: Duplex;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #close: (why: string) => void;
  #state: "open" | "holding" | "parked" | "full" = "open";
  #held: Done[] | undefined;
  #cancel: (() => void) | undefined;

  constructor(stream: Duplex, limits: Limits, clock: Clock, close: (why: string) => void) {
    this.#stream = stream;
    this.#limits = limits;
    this.#clock = clock;
    this.#close = close;
  }

  /** Whether so much waits that its publishers are no longer held back: nothing more should be asked for by itself either. */
  get full(): boolean {
    return this.#state === "parked" || this.#state === "full";
  }

  /** Takes the place of Aedes' `waitForDrain`: calls `done` when the next message may be written. */
  readonly wait = (done: Done): void => {
    const waiting = this.#stream.writableLength;
    if (this.#stream.destroyed || waiting < this.#limits.outgoingSoft) return void setImmediate(done);
    if (this.#state === "open") this.#hold();
    if (this.#state === "holding") (this.#held ??= []).push(done);
    else setImmediate(done);
  };

  /** Whether a message of this QoS may be sent. Closes the connection where a message that must arrive finds it full. */
  admits(qos: number): boolean {
    if (this.#state === "parked" && this.#stream.writableLength >= this.#limits.outgoingHard) this.#state = "full";
    if (this.#state !== "full") return true;
    if (qos > 0) this.#close(`${counted(this.#stream.writableLength, "byte")} wait to be sent and it does not read`);
    return false;
  }

  #hold(): void {
    this.#state = "holding";
    this.#cancel = this.#clock.after(this.#limits.holdBack, () => this.#park());
  }

  #park(): void {
    this.#state = "parked";
    this.#cancel = this.#clock.after(this.#limits.frozen, () =>
      this.#close(`it has not read for ${this.#limits.frozen / 1_000} s`),
    );
    this.#release();
  }

  /** To be called when the stream has drained. Aedes says so by itself when it closes a connection: what is held goes free then too. */
  drained(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#state = "open";
    this.#release();
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    for (const done of held ?? []) setImmediate(done);
  }
}
