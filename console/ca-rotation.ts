import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { encode } from "#shared/codec";
import { BadInputError, DisconnectedError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { AuthorityFacts, PrivateAuthority } from "#shared/private-authority";
import type { Topics } from "#shared/topics";
import type { Audit } from "./audit/audit.ts";
import type { Device } from "./devices/device.ts";
import { assertNobodyLacking, RotationByItself } from "./rotation-by-itself.ts";

export interface CaRotationOptions {
  readonly authority: PrivateAuthority | undefined;
  readonly bus: Bus;
  readonly topics: Topics;
  readonly devices: () => readonly Device[];
  readonly audit: Pick<Audit, "record">;
  readonly clock: Clock;
  readonly log: Log;
}

/** How far a rotation has come. */
export interface RotationState {
  readonly present: AuthorityFacts;
  readonly next: (AuthorityFacts & { readonly since: number }) | undefined;
  /** Those that are trusted, as PEM. */
  readonly bundle: string;
  /** Agents that trust the one that is to sign, and those that trust others alone; and devices that do not say, as tools and those without TLS. */
  readonly have: number;
  readonly lacking: readonly string[];
  readonly silent: number;
}

/**
 * Brings a new authority to all agents before the old one ends: tells them whom to trust, and knows from their births who does. Their
 * word is on a topic that only the console may write, over connections that the old one vouches for.
 */
export class CaRotation {
  readonly #options: CaRotationOptions;
  readonly #byItself: RotationByItself;
  #undo: (() => void)[] = [];

  constructor(options: CaRotationOptions) {
    this.#options = options;
    this.#byItself = new RotationByItself({
      ...options,
      stand: () => {
        const { present, next, lacking } = this.state;
        return { until: present.until, since: next?.since, lacking };
      },
      begin: () => this.rotate(),
      end: () => this.finish(true),
      audited: { begun: "tls.rotated", ended: "tls.rotation-ended" },
      words: {
        begun: "the private authority ends within a year: a rotation begins",
        leftBehind: "the old authority ends: these agents cannot connect any more",
        failed: "the authority cannot be rotated",
      },
    });
  }

  start(): void {
    const { authority, bus } = this.#options;
    if (!authority) return;
    this.#undo = [
      bus.onConnection(({ up }) => up && this.#announce(authority)),
      authority.changes.on(() => this.#announce(authority)),
    ];
    this.#byItself.start();
  }

  stop(): void {
    this.#byItself.stop();
    for (const undo of this.#undo.splice(0)) undo();
  }

  /** @throws BadInputError where there is no authority */
  get state(): RotationState {
    const authority = this.#authority;
    const { present, next, announcement } = authority;
    const wanted = (next ?? present).fingerprint;
    const devices = this.#options.devices();
    const told = devices.filter(({ trusts }) => trusts !== undefined);
    const lacking = told.filter(({ trusts }) => !trusts?.includes(wanted)).map(({ id }) => id);
    return {
      present,
      next,
      bundle: announcement.trusted.join(""),
      have: told.length - lacking.length,
      lacking,
      silent: devices.length - told.length,
    };
  }

  /** @throws BadInputError where there is none, one has begun already, or what was brought is no authority */
  async rotate(brought?: { readonly cert: string; readonly key: string }): Promise<void> {
    await this.#authority.rotate(brought);
  }

  /** @param leaveBehind ends it also where agents do not trust the next one: they cannot connect any more @throws BadInputError */
  finish(leaveBehind = false): void {
    const authority = this.#authority;
    const { next, lacking } = this.state;
    if (next && !leaveBehind)
      assertNobodyLacking(lacking, {
        one: "agent does",
        several: "agents do",
        why: "not trust the next authority yet",
        verb: "muster tls rotate --finish",
      });
    authority.finish();
  }

  get #authority(): PrivateAuthority {
    const { authority } = this.#options;
    if (authority) return authority;
    throw new BadInputError(
      "there is no private authority: Muster makes one when it listens beyond loopback (--listen 0.0.0.0)",
    );
  }

  #announce(authority: PrivateAuthority): void {
    const { bus, topics } = this.#options;
    if (!bus.connected) return;
    const payload = encode(authority.announcement, "json");
    bus.publish(topics.build({ kind: "authorities" }), payload, { retain: true }).catch((thrown: unknown) => {
      // It is said again on each connect.
      if (!(thrown instanceof DisconnectedError)) throw thrown;
    });
  }

  /** Begins or ends a rotation where that is due by itself. */
  look(): Promise<void> {
    return this.#byItself.look();
  }
}
