import { appendFileSync } from "node:fs";

/** Where an agent can be made to die. */
export const agentPoints = [
  "task.received",
  "ledger.begin",
  "ledger.begin.torn",
  "ledger.begun",
  "effect.before",
  "effect.after",
  "ledger.end",
  "ledger.ended",
  "reply.before",
  "reply.after",
  "withdrawal.received",
  "withdrawal.taken",
  "verify.before",
] as const;

/** Where the console's process can be made to die. */
export const serverPoints = [
  "row.insert",
  "row.inserted",
  "task.publish",
  "task.published",
  "reply.received",
  "row.close",
  "row.closed",
  "withdrawal.publish",
  "withdrawal.published",
] as const;

export type Point = (typeof agentPoints)[number] | (typeof serverPoints)[number];

export interface ArmMessage {
  readonly point: string | null;
  readonly nth: number;
}

/** What a process answers that is told to die nowhere: from then on it does not. */
export const disarmed = "disarmed";

/** The kill points of this process: it dies where the main process has told it to. */
export class Points<P extends string = Point> {
  readonly #who: string;
  readonly #journal: string;
  #armed: string | null = null;
  #left = 0;

  /** @param journal the file that tells of the death, because nobody else can */
  constructor(who: string, journal: string) {
    this.#who = who;
    this.#journal = journal;
    process.on("message", (message: { arm?: ArmMessage }) => {
      if (!message.arm) return;
      this.arm(message.arm);
      if (message.arm.point === null) process.send?.({ answer: disarmed });
    });
  }

  arm({ point, nth }: ArmMessage): void {
    this.#armed = point;
    this.#left = nth;
  }

  /** Dies here, if this is the point and the time; `last` is done just before. */
  pass(point: P, last: () => void = () => {}): void {
    if (point !== this.#armed) return;
    this.#left -= 1;
    if (this.#left > 0) return;
    last();
    appendFileSync(this.#journal, `${JSON.stringify({ at: Date.now(), who: this.#who, what: `dies at ${point}` })}\n`);
    process.kill(process.pid, "SIGKILL");
    // The signal may reach another thread first: nothing runs here any more meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
}

/** Puts something around a public method of a class, from outside: everybody who calls it passes there. */
export function around<T extends object, K extends keyof T>(
  prototype: T,
  method: K,
  wrap: (inner: T[K]) => T[K],
): void {
  prototype[method] = wrap(prototype[method]);
}
