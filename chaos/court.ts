import { check } from "./checks.ts";
import type { Begin, Effect, Evidence, Incident, Told } from "./evidence.ts";
import type { Fleet } from "./fleet.ts";
import { JournalReader } from "./journal.ts";
import { roundOf, type Plan, type PlannedOrder } from "./plan.ts";
import type { Role } from "./setting.ts";
import type { Cost } from "./striker.ts";
import { tell } from "./timeline.ts";
import type { Watcher } from "./watcher.ts";

/** Gathers the evidence and holds it against the promises; each violation is told once. */
export class Court {
  readonly #fleet: Fleet;
  readonly #watcher: Watcher;
  readonly #costs: readonly Cost<Role>[];
  readonly #say: (text: string) => void;
  readonly #told = new Set<string>();
  readonly #orders: PlannedOrder[] = [];
  readonly #healed = new Map<number, number>();
  readonly #names = new Map<number, string>();
  readonly #begins;
  readonly #effects;
  readonly #incidents;
  readonly #callers;
  #damage = 0;

  constructor(fleet: Fleet, watcher: Watcher, costs: readonly Cost<Role>[], say: (text: string) => void) {
    const { directory } = fleet;
    this.#fleet = fleet;
    this.#watcher = watcher;
    this.#costs = costs;
    this.#say = say;
    this.#begins = new JournalReader<Begin>(`${directory}/begins.jsonl`);
    this.#effects = new JournalReader<Effect>(`${directory}/effects.jsonl`);
    this.#incidents = new JournalReader<Incident>(`${directory}/incidents.jsonl`);
    this.#callers = new JournalReader<Told>(`${directory}/callers.jsonl`);
  }

  get evidence(): Evidence {
    return {
      orders: this.#orders,
      healed: this.#healed,
      begins: this.#begins.read(),
      effects: this.#effects.read(),
      incidents: this.#incidents.read(),
      told: this.#callers.read(),
      versions: this.#fleet.history.versions(),
      rows: this.#fleet.history.rows(),
      seen: this.#watcher.seen,
      costs: this.#costs,
      damage: this.#damage,
    };
  }

  sit({ round, name, orders }: Plan, unrest: readonly string[], damage: number): void {
    this.#damage = Math.max(this.#damage, damage);
    this.#orders.push(...orders);
    this.#healed.set(round, Date.now());
    this.#names.set(round, name);
    for (const text of unrest) this.#say(`VIOLATION everything comes to rest: ${text}, in round ${round} (${name})\n`);
    // What comes late may still come: a round is judged when the next one is over.
    this.#judge(round - 1);
  }

  /** The end: what came after the last round, too. */
  adjourn(repeated: readonly string[]): void {
    this.#judge(Infinity);
    if (repeated.length > 0) this.#say(`VIOLATION replies end: still sent at the end: ${repeated.join(", ")}\n`);
  }

  #judge(until: number): void {
    const { evidence } = this;
    const due = check(evidence).filter(({ token }) => roundOf(token) <= until);
    const news = due.filter(({ rule, token }) => !this.#told.has(`${rule} ${token}`));
    for (const { rule, token } of news) this.#told.add(`${rule} ${token}`);
    for (const token of new Set(news.map((one) => one.token))) {
      const its = news.filter((one) => one.token === token);
      this.#say(`${tell(its, evidence)}  in round ${roundOf(token)} (${this.#names.get(roundOf(token))})\n`);
    }
  }
}
