import { counted } from "#shared/counted";
import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { encode } from "#shared/codec";
import { asError, BadInputError, DisconnectedError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { AuthorityFacts, PrivateAuthority } from "#shared/private-authority";
import type { Topics } from "#shared/topics";
import type { Audit } from "./audit/audit.ts";
import type { Device } from "./devices/device.ts";

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

const day = 86_400_000;
/** How often it is looked whether something is due. */
export const rotationLookEvery = 3_600_000;
/** Milliseconds that both are trusted at least before a rotation ends by itself: tools have files that somebody has to replace. */
export const bothTrusted = 30 * day;
/** Left of an authority when a rotation begins by itself, and when one ends whoever is left behind: from then on nobody could connect anyway. */
export const rotateBefore = 365 * day;
export const finishBefore = 30 * day;

/**
 * Brings a new authority to all agents before the old one ends: tells them whom to trust, and knows from their births who does. Their
 * word is on a topic that only the console may write, over connections that the old one vouches for.
 */
export class CaRotation {
  readonly #options: CaRotationOptions;
  #undo: (() => void)[] = [];
  #cancelLook: () => void = () => {};

  constructor(options: CaRotationOptions) {
    this.#options = options;
  }

  start(): void {
    const { authority, bus } = this.#options;
    if (!authority) return;
    this.#undo = [
      bus.onConnection(({ up }) => up && this.#announce(authority)),
      authority.changes.on(() => this.#announce(authority)),
    ];
    this.#schedule(authority);
  }

  stop(): void {
    this.#cancelLook();
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
    if (next && lacking.length > 0 && !leaveBehind)
      throw new BadInputError(
        `${counted(lacking.length, "agent does", "agents do")} not trust the next authority yet, and could not connect any more: ${lacking.slice(0, 5).join(", ")}${lacking.length > 5 ? ", …" : ""}; wait until each has been online, or leave behind who has not: muster tls rotate --finish --leave-behind`,
      );
    authority.finish();
  }

  get #authority(): PrivateAuthority {
    const { authority } = this.#options;
    if (authority) return authority;
    throw new BadInputError(
      "there is no private authority: Muster makes one when it listens beyond loopback (--listen 0.0.0.0)",
    );
  }

  /** What nobody asked for is audited here; what somebody did, where they came in. */
  #note(what: string): void {
    this.#options.audit.record({ who: "console", from: "console", what });
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

  #schedule(authority: PrivateAuthority): void {
    this.#cancelLook = this.#options.clock.after(rotationLookEvery, () => {
      this.#schedule(authority);
      this.look().catch((thrown: unknown) =>
        this.#options.log.error({ err: asError(thrown) }, "the authority cannot be rotated"),
      );
    });
  }

  /** Begins or ends a rotation where that is due by itself. */
  async look(): Promise<void> {
    const { clock, log } = this.#options;
    const { present, next, lacking } = this.state;
    const now = clock.now();
    const left = present.until - now;
    if (!next) {
      if (left > rotateBefore) return;
      log.warn(
        { until: new Date(present.until).toISOString() },
        "the private authority ends within a year: a rotation begins",
      );
      this.#note("tls.rotated");
      return this.rotate();
    }
    const isOver = now - next.since >= bothTrusted && lacking.length === 0;
    if (!isOver && left > finishBefore) return;
    if (lacking.length > 0) log.error({ lacking }, "the old authority ends: these agents cannot connect any more");
    this.#note("tls.rotation-ended");
    this.finish(true);
  }
}
