import type { Duplex } from "node:stream";
import type { Clock } from "#shared/clock";
import { networkOf, siteOf } from "#shared/crowd";

/** Handshakes that are begun in one turn of the event loop: each costs the loop about a millisecond. */
export const maxHandshakesATurn = 8;
/** Handshakes under way: their other halves may all come in one turn, at a third of a millisecond each, or all be broken off in one. */
export const maxHandshakesAtOnce = 64;
/** Of them, of one network, or of one site, which may have 65,536 networks: half, so that nobody alone keeps others waiting. */
export const maxHandshakesOfOne = 32;
/**
 * Milliseconds after which a handshake that waits for the other side keeps nobody waiting: a round trip is some hundred, and whoever begins
 * and goes no further holds up no more than so many a second.
 */
export const slowHandshake = 1_000;

/** A connection that waits for its handshake, as a Socket does. */
type Caller = Duplex & { readonly remoteAddress?: string | undefined };

/** Connections of one network that wait; whoever goes meanwhile is out of it. */
interface Row<S> {
  readonly waiting: Set<S>;
  readonly site: string;
  underWay: number;
}

/** Begins handshakes: a few in a turn, few at once in all and of one network, whose rows take turns. */
export class HandshakeQueue<S extends Caller> {
  readonly #clock: Clock;
  readonly #begin: (socket: S) => void;
  /** By network, whose turn it is first; none without anybody in it. */
  readonly #rows = new Map<string, Row<S>>();
  /** Under way, by site. */
  readonly #sites = new Map<string, number>();
  /** By connection: what gives its place to the next one. */
  readonly #places = new Map<S, () => void>();
  #turn: NodeJS.Immediate | undefined;

  constructor(clock: Clock, begin: (socket: S) => void) {
    this.#clock = clock;
    this.#begin = begin;
  }

  add(socket: S): void {
    const network = networkOf(socket.remoteAddress ?? "");
    const row = this.#rows.get(network) ?? { waiting: new Set(), site: siteOf(network), underWay: 0 };
    this.#rows.set(network, row);
    row.waiting.add(socket);
    socket.once("close", () => {
      if (row.waiting.delete(socket)) this.#forget(network, row);
    });
    this.#later();
  }

  /** Its handshake has come to an end; that of one which closes has by itself. */
  ended(socket: S): void {
    this.#places.get(socket)?.();
  }

  /** Closes those who wait. */
  stop(): void {
    if (this.#turn) clearImmediate(this.#turn);
    for (const { waiting } of this.#rows.values()) for (const socket of waiting) socket.destroy();
    for (const give of this.#places.values()) give();
  }

  #later(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      for (let begun = 0; begun < maxHandshakesATurn && this.#next(); begun++);
      if (this.#mayBegin()) this.#later();
    });
  }

  #mayBegin(): boolean {
    return this.#places.size < maxHandshakesAtOnce && [...this.#rows.values()].some((row) => this.#hasRoom(row));
  }

  /** @returns whether one was begun */
  #next(): boolean {
    if (this.#places.size >= maxHandshakesAtOnce) return false;
    for (const [network, row] of this.#rows) {
      const [socket] = this.#hasRoom(row) ? row.waiting : [];
      if (!socket) continue;
      row.waiting.delete(socket);
      // The others first, the next time.
      this.#rows.delete(network);
      this.#rows.set(network, row);
      this.#place(socket, network, row);
      return true;
    }
    return false;
  }

  #place(socket: S, network: string, row: Row<S>): void {
    row.underWay += 1;
    this.#sites.set(row.site, this.#ofSite(row) + 1);
    const give = (): void => {
      if (!this.#places.delete(socket)) return;
      over();
      row.underWay -= 1;
      const left = this.#ofSite(row) - 1;
      if (left > 0) this.#sites.set(row.site, left);
      else this.#sites.delete(row.site);
      this.#forget(network, row);
      this.#later();
    };
    const over = this.#clock.after(slowHandshake, give);
    this.#places.set(socket, give);
    socket.once("close", give);
    this.#begin(socket);
  }

  #forget(network: string, row: Row<S>): void {
    if (row.underWay === 0 && row.waiting.size === 0 && this.#rows.get(network) === row) this.#rows.delete(network);
  }

  #hasRoom(row: Row<S>): boolean {
    return row.waiting.size > 0 && row.underWay < maxHandshakesOfOne && this.#ofSite(row) < maxHandshakesOfOne;
  }

  #ofSite({ site }: Row<S>): number {
    return this.#sites.get(site) ?? 0;
  }
}
