import type { Duplex } from "node:stream";

/**
 * Ends and closings of connections in one turn of the event loop. By TLS each costs some 50 µs (a last record to encrypt, a session to free), and
 * 900 connections that are closed by the other side at once came to 60 to 100 ms in one turn.
 */
export const maxClosingsATurn = 64;

type Step = () => void;

/**
 * Spreads the ends of connections over turns of the event loop: whoever opens many and closes all at once, or has them run into the same deadline,
 * costs the others no more than a wait. The first of a turn are not held up.
 */
export class PacedClosings {
  #waiting: Step[] = [];
  #begun = 0;
  #isTurnComing = false;

  /** Does a step of an end at once, or in a later turn where this one has had as many. */
  pace(step: Step): void {
    // Nobody overtakes those who wait.
    if (this.#waiting.length > 0 || this.#begun >= maxClosingsATurn) this.#waiting.push(step);
    this.#later();
    if (this.#waiting.length > 0) return;
    this.#begun += 1;
    step();
  }

  /** Has the last that is written to `stream` (of TLS that nothing more will come) wait for its turn. */
  paceEnd(stream: Duplex): void {
    // Both are Node's own way to say how a kind of stream ends, and are looked up when it does.
    const final = stream._final.bind(stream);
    stream._final = (done) => this.pace(() => final(done));
  }

  /** Has the closing of `socket`, by whomever, wait for its turn: until then it counts as open. */
  paceClose(socket: Duplex): void {
    const destroy = socket._destroy.bind(socket);
    socket._destroy = (error, done) => this.pace(() => destroy(error, done));
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
