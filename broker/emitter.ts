import { FilterTrie } from "./filters.ts";
import type { StoredPacket } from "./packets.ts";
import { Ring } from "./ring.ts";

/** Takes one message and calls `done` when it is ready for more. */
export type Subscriber = (packet: StoredPacket, done: () => void) => void;

interface Waiting {
  readonly packet: StoredPacket;
  readonly done: (error?: Error) => void;
}

/** How many messages may be on their way to sockets at once: enough to keep them busy, few enough that a full one is felt. */
const concurrency = 100;

/**
 * Hands each message to all whose filter matches: what Aedes takes as `mq`. Beyond `concurrency` messages wait in a ring;
 * the publisher's connection is read on when its messages are done, so the ring is bounded by what one read of each gives.
 * (With mqemitter, whose queue is an array, 70 % of an overloaded broker's time goes into moving that array.)
 *
 * A message's slot is free when its sockets have it. A patient listener, which is one in this process, keeps back
 * only the message's publisher: a console that waits for its store never stalls the messages of others.
 */
export class Emitter {
  readonly #listeners = new FilterTrie<Subscriber>();
  readonly #patient = new WeakSet<Subscriber>();
  readonly #waiting = new Ring<Waiting>();
  readonly #nameOf: (clientId: string) => string | undefined;
  #current = 0;
  #draining = false;
  #closed = false;

  /** @param batchNameOf the user name behind a live client id */
  constructor(nameOf: (clientId: string) => string | undefined = () => undefined) {
    this.#nameOf = nameOf;
  }

  /** How many listeners there are. */
  get size(): number {
    return this.#listeners.size;
  }

  on(filter: string, listener: Subscriber, done?: () => void): this {
    this.#listeners.add(filter, listener);
    if (done) setImmediate(done);
    return this;
  }

  /** Adds a listener that may take its time: it holds back the publisher, not the other messages. */
  onPatiently(filter: string, listener: Subscriber): void {
    this.#patient.add(listener);
    this.#listeners.add(filter, listener);
  }

  removeListener(filter: string, listener: Subscriber, done?: () => void): void {
    this.#listeners.remove(filter, listener);
    if (done) setImmediate(done);
  }

  emit(packet: StoredPacket, done: (error?: Error) => void = () => {}): void {
    if (this.#closed) return done(new Error("the broker is closed"));
    if (packet.clientId !== undefined) packet.from = this.#nameOf(packet.clientId) ?? packet.clientId;
    if (this.#current >= concurrency) this.#waiting.push({ packet, done });
    else this.#deliver(packet, done);
  }

  close(done: () => void): void {
    this.#closed = true;
    setImmediate(done);
  }

  #deliver(packet: StoredPacket, done: () => void): void {
    const listeners = this.#listeners.match(packet.topic);
    if (listeners.length === 0) return void setImmediate(done);
    let [sockets, all] = [1, listeners.length + 1];
    let atOnce = true;
    const settled = (): void => {
      if (--all > 0) return;
      // Aedes reads a connection on as soon as its messages are done. Done at once, one that floods would be read for as long
      // as it has something to say, and timers and everybody else would wait.
      if (atOnce) setImmediate(done);
      else done();
    };
    const written = (): void => {
      if (--sockets === 0) this.#release();
      settled();
    };
    this.#current += 1;
    for (const listener of listeners) {
      const patient = this.#patient.has(listener);
      if (!patient) sockets += 1;
      listener(packet, patient ? settled : written);
    }
    written();
    atOnce = false;
  }

  #release(): void {
    this.#current -= 1;
    // A message that is done at once comes back here: the outer call goes on, so that the stack stays flat.
    if (this.#draining) return;
    this.#draining = true;
    while (this.#current < concurrency) {
      const next = this.#waiting.shift();
      if (!next) break;
      this.#deliver(next.packet, next.done);
    }
    this.#draining = false;
  }
}
