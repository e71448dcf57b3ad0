import type { Violation } from "./case.ts";
import type { Plan } from "./plan.ts";

/** Tells of broken promises, of each once, with the round that it belongs to. */
export class Court {
  readonly #say: (text: string) => void;
  readonly #setting: string;
  readonly #told = new Set<string>();
  readonly #rounds = new Map<number, string>();
  #last = 0;

  constructor(setting: string, say: (text: string) => void) {
    this.#setting = setting;
    this.#say = say;
  }

  get violations(): number {
    return this.#told.size;
  }

  /** A round has been played. @param bit which bit was turned in it */
  played({ round, name, fault }: Plan, bit = ""): void {
    const steps = fault.blows.map(({ by }) => (by === undefined ? "" : ` by ${by} ms`)).join("");
    this.#rounds.set(round, `round ${round} (${name}${steps}${bit && `: ${bit}`}; ${this.#setting})`);
    this.#last = round;
  }

  hear(found: readonly Violation[]): void {
    const news = found.filter(({ key }) => !this.#told.has(key));
    for (const { key } of news) this.#told.add(key);
    const groups = new Map<string, Violation[]>();
    for (const one of news) {
      const about = one.about ?? one.key;
      groups.set(about, [...(groups.get(about) ?? []), one]);
    }
    for (const group of groups.values()) this.#tell(group);
  }

  #tell(group: readonly Violation[]): void {
    const [first] = group;
    const round = first?.round ?? this.#last;
    const where = `in ${this.#rounds.get(round) ?? `round ${round}`}`;
    const lines = group.map(({ rule, text }) => `VIOLATION ${rule}: ${text}`).join("\n");
    this.#say(first?.story ? `${lines}\n${first.story()}\n  ${where}\n` : `${lines}, ${where}`);
  }
}
