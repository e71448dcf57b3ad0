import { appendFileSync } from "node:fs";
import type { Bus, Message } from "#shared/bus";

export interface ArmMessage {
  readonly point: string | null;
  readonly nth: number;
}

/** What a process answers that is told to die nowhere: from then on it does not. */
export const disarmed = "disarmed";

/** The kill points of this process: it dies where the main process has told it to. */
export class KillPoints {
  readonly #who: string;
  readonly #journal: string;
  #armed: string | null = null;
  #left = 0;

  /**
   * @param directory of the run: a file there tells of the death, because nobody else can
   * @param arm from the first moment on
   */
  constructor(who: string, directory: string, arm?: ArmMessage) {
    this.#who = who;
    this.#journal = `${directory}/incidents.jsonl`;
    if (arm) this.#arm(arm);
    process.on("message", (message: { arm?: ArmMessage }) => {
      if (!message.arm) return;
      this.#arm(message.arm);
      if (message.arm.point === null) process.send?.({ answer: disarmed });
    });
  }

  #arm({ point, nth }: ArmMessage): void {
    this.#armed = point;
    this.#left = nth;
  }

  /** Dies here, if this is the point and the time; `last` is done just before. */
  pass(point: string, last: () => void = () => {}): void {
    if (point !== this.#armed) return;
    this.#left -= 1;
    if (this.#left > 0) return;
    last();
    appendFileSync(this.#journal, `${JSON.stringify({ at: Date.now(), who: this.#who, what: `dies at ${point}` })}\n`);
    process.kill(process.pid, "SIGKILL");
    // The signal may reach another thread first: nothing runs here any more meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }

  /** Passes `before`. @returns what passes `after` */
  between(before: string, after: string): () => void {
    this.pass(before);
    return () => this.pass(after);
  }
}

/** Puts something around a public method of a class, or of one object, from outside: everybody who calls it passes there. */
export function around<T extends object, K extends keyof T>(target: T, method: K, wrap: (inner: T[K]) => T[K]): void {
  target[method] = wrap(target[method]);
}

/** Called before a message; what it returns, after. */
export interface Traffic {
  readonly out: (topic: string, payload: Buffer) => (() => void) | undefined;
  readonly in: (message: Message) => (() => void) | undefined;
}

/** Puts something around all that goes out over a bus, and comes in. */
export function aroundTraffic(target: Bus, traffic: Traffic): void {
  around(
    target,
    "publish",
    (inner) =>
      async function (this: Bus, topic, payload, options) {
        const after = traffic.out(topic, payload);
        await inner.call(this, topic, payload, options);
        after?.();
      },
  );
  around(
    target,
    "subscribe",
    (inner) =>
      function (this: Bus, filters, listener, options) {
        const passing = (message: Message): void | Promise<void> => {
          const after = traffic.in(message);
          const held = listener(message);
          after?.();
          return held;
        };
        return inner.call(this, filters, passing, options);
      },
  );
}
