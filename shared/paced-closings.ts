import type { Duplex } from "node:stream";

/**
 * Ends and closings of connections in one turn of the event loop. By TLS each costs some 50 µs (a last record to encrypt, a session to free), and
 * 900 connections that are closed by the other side at once came to 60 to 100 ms in one turn.
 */
export const maxClosingsATurn = 64;

type Step = () => void;
type Final = Duplex["_final"];
type Destroy = Duplex["_destroy"];

/** What a socket of Node's has below it, and no other stream. */
interface Handled {
  readonly _handle?: { readStop?(): void } | null;
}

/**
 * Spreads the ends of connections over turns of the event loop: whoever opens many and closes all at once, or has them run into the same deadline,
 * costs the others no more than a wait. The first of a turn are not held up.
 */
export class PacedClosings {
  #waiting: Step[] = [];
  #begun = 0;
  #isTurnComing = false;
  // All streams of a kind end in the same way, and share the paced one: two functions less for each connection.
  readonly #finals = new WeakMap<Final, Final>();
  readonly #destroys = new WeakMap<Destroy, Destroy>();

  /** Does a step of an end at once, or in a later turn where this one has had as many. */
  readonly pace = (step: Step): void => {
    // Nobody overtakes those who wait.
    if (this.#waiting.length > 0 || this.#begun >= maxClosingsATurn) this.#waiting.push(step);
    this.#later();
    if (this.#waiting.length > 0) return;
    this.#begun += 1;
    step();
  };

  /** Has the last that is written to `stream` (of TLS that nothing more will come) wait for its turn. */
  paceEnd(stream: Duplex): void {
    // Both are Node's own way to say how a kind of stream ends.
    const final: Final = Reflect.get(stream, "_final");
    const { pace } = this;
    const paced: Final =
      this.#finals.get(final) ??
      function (this: Duplex, done) {
        pace(() => final.call(this, done));
      };
    this.#finals.set(final, paced);
    stream._final = paced;
  }

  /** Has the closing of `socket`, by whomever, wait for its turn: until then it counts as open. */
  paceClose(socket: Duplex): void {
    const destroy: Destroy = Reflect.get(socket, "_destroy");
    const { pace } = this;
    const paced: Destroy =
      this.#destroys.get(destroy) ??
      function (this: Duplex, error, done) {
        let waits = true;
        pace(() => {
          waits = false;
          destroy.call(this, error, done);
        });
        // Node takes what still comes in on a stream that counts as destroyed for an error of the system's, and throws at its number.
        if (waits) (this as Duplex & Handled)._handle?.readStop?.();
      };
    this.#destroys.set(destroy, paced);
    socket._destroy = paced;
  }

  #later(): void {
    if (this.#isTurnComing) return;
    this.#isTurnComing = true;
    setImmediate(() => {
      this.#isTurnComing = false;
      const steps = this.#waiting.splice(0, maxClosingsATurn);
      this.#begun = steps.length;
      if (steps.length > 0) this.#later();
      for (const step of steps) step();
    });
  }
}
