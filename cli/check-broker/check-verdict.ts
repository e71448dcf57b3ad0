import type { Bench } from "./bench.ts";

/** `good`: as Muster wants it. `mind`: Muster works, and somebody has to know this. `bad`: Muster does not work with it, or not safely. */
export type CheckMark = "good" | "mind" | "bad";

/** What one look at a broker has shown, in a sentence that also says what to do. */
export interface CheckVerdict {
  readonly mark: CheckMark;
  readonly says: string;
  /** Somebody was in the way, so that the look was given up: nothing is known of the broker. */
  readonly givenUp?: true;
}

/** One thing to find out about a broker. It leaves nothing behind there. */
export interface Check {
  readonly what: string;
  /** @throws Error where the broker does not let it be tried, which is a verdict too */
  readonly run: (bench: Bench) => Promise<CheckVerdict>;
}

export const good = (says: string): CheckVerdict => ({ mark: "good", says });
export const mind = (says: string): CheckVerdict => ({ mark: "mind", says });
export const bad = (says: string): CheckVerdict => ({ mark: "bad", says });
