import type { Random } from "../chaos/random.ts";
import type { BrokerKind, Place } from "./place.ts";

/** How much of everything; the whole of it takes minutes. */
export interface Budget {
  /** Connections with mutated packets, and as many with mutated WebSocket upgrades and frames together. */
  readonly connections: number;
  /** Mutated payloads on the topics that a device may write. */
  readonly payloads: number;
  /** Requests for each role on each route. */
  readonly requests: number;
  /** Samples that lie in the store before a viewer asks for all of them. */
  readonly samples: number;
  /** Connections, event streams, replies: what is otherwise counted in thousands, as a share of it. */
  readonly share: number;
  /** Round trips of the healthy device after each case. */
  readonly trips: number;
  /** How many times as long as on a quiet machine everything may take. */
  readonly busy: number;
}

export interface Stage {
  readonly place: Place;
  /** The account of a device that this case has for itself. */
  readonly device: string;
  readonly random: Random;
  readonly budget: Budget;
}

/** One attack. It fails by throwing, or by what the judge finds afterwards. */
export interface Case {
  readonly name: string;
  /** What the attacker tries, for the table. */
  readonly tries: string;
  /** The brokers on which it makes sense; both by default. */
  readonly on?: readonly BrokerKind[];
  /** @returns figures for the table @throws Error saying what was possible that must not be */
  readonly run: (stage: Stage) => Promise<string>;
}

/** What must hold at this point of a case. */
export function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}
