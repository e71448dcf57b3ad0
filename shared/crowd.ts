import { isIPv6 } from "node:net";

/**
 * Connections of one network that have not said who they are, at most. A fleet behind one address may come back all at once: each of
 * its devices is a stranger for the milliseconds of its login, and who finds no room tries again.
 */
export const strangersOfOne = 1_000;

/** Every bound of a {@link Crowd}. */
export interface CrowdLimits {
  /** Connections in total. */
  readonly connections: number;
  /** Of one network, not logged in. */
  readonly strangersOfOne: number;
}

/** One connection, from its coming to its end. */
export interface Visit {
  /** It has logged in: from now on it counts in total alone. */
  known(): void;
  leave(): void;
}

/**
 * Who may still come in by one port. The newest is turned away where a bound is reached, so that those who are in go on. Who has not
 * logged in gets half of the room, of one network a quarter at most, and of one site three eighths: no stranger can shut out the others. Who has
 * logged in is bounded in total alone, because a whole fleet may stand behind one address.
 */
export class Crowd {
  readonly #limits: CrowdLimits;
  readonly #strangers = new Map<string, number>();
  readonly #sites = new Map<string, number>();
  #all = 0;
  #unknown = 0;
  /** Turned away. */
  refused = 0;

  constructor(limits: CrowdLimits) {
    this.#limits = limits;
  }

  /** How many there are. */
  get count(): number {
    return this.#all;
  }

  /**
   * @param shared whether many stand behind this address, as behind a proxy that is known: its strangers are bounded with all others'
   * @returns undefined where there is no room
   */
  enter(address: string, { shared = false } = {}): Visit | undefined {
    const network = networkOf(address);
    const { connections, strangersOfOne: most } = this.#limits;
    const own = this.#strangers.get(network) ?? 0;
    const room = share(connections, 1) - this.#all;
    const ofOne = shared ? Infinity : Math.min(most, share(connections, 4));
    const ofSite = shared ? Infinity : share(connections, 8 / 3);
    const here = this.#sites.get(siteOf(network)) ?? 0;
    if (room <= 0 || this.#unknown >= share(connections, 2) || own >= ofOne || here >= ofSite) {
      this.refused += 1;
      return undefined;
    }
    this.#all += 1;
    this.#unknown += 1;
    for (const [counts, name] of this.#countsOf(network)) counts.set(name, (counts.get(name) ?? 0) + 1);
    return new Visitor(network, this.#knew, this.#left);
  }

  #countsOf(network: string): readonly [Map<string, number>, string][] {
    return [
      [this.#strangers, network],
      [this.#sites, siteOf(network)],
    ];
  }

  readonly #knew = (network: string): void => {
    this.#unknown -= 1;
    for (const [counts, name] of this.#countsOf(network)) {
      const left = (counts.get(name) ?? 1) - 1;
      if (left > 0) counts.set(name, left);
      else counts.delete(name);
    }
  };

  readonly #left = (): void => void (this.#all -= 1);
}

/** A class: of ten thousand connections two closures each are half a megabyte. */
class Visitor implements Visit {
  readonly #network: string;
  readonly #knew: (network: string) => void;
  readonly #left: () => void;
  #state: "stranger" | "known" | "gone" = "stranger";

  constructor(network: string, knew: (network: string) => void, left: () => void) {
    this.#network = network;
    this.#knew = knew;
    this.#left = left;
  }

  known(): void {
    if (this.#state !== "stranger") return;
    this.#state = "known";
    this.#knew(this.#network);
  }

  leave(): void {
    if (this.#state === "gone") return;
    this.known();
    this.#state = "gone";
    this.#left();
  }
}

function share(connections: number, of: number): number {
  return Math.ceil(connections / of);
}

/** What counts as one sender: an IPv4 address, also inside IPv6; of IPv6 the /64, of which each customer has all addresses. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = plain.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return `${[...before, ...zeros, ...after].slice(0, 4).join(":")}::/64`;
}

/** What one customer may have whole, of a network: of IPv6 the /48, which has 65,536 networks. */
export function siteOf(network: string): string {
  return network.endsWith("::/64") ? `${network.split(":", 3).join(":")}::/48` : network;
}
