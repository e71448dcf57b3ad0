import type { Clock } from "#shared/clock";
import { slotKey, type Alert } from "./alert.ts";
import type { FiringAlerts } from "./firing-alerts.ts";
import type { RuleStates } from "./rule-states.ts";

/** By which other device a device is reached, and whether that one is heard. */
export interface Gateway {
  readonly id: string;
  readonly heard: boolean;
}

export interface BehindGatewayOptions {
  readonly clock: Clock;
  readonly firing: FiringAlerts;
  readonly states: Pick<RuleStates, "slots">;
  readonly gatewayOf: (device: string) => Gateway | undefined;
  /** Whether a rule is about a device being heard. */
  readonly isAboutHearing: (rule: string) => boolean;
}

/** Milliseconds for which a device's silence is not told by itself while its gateway is not heard either, and once that is back: then the device comes as well. */
export const gatewayAwaited = 600_000;

/** Who is silent because his gateway is: told with that one. */
export class BehindGateway {
  readonly #options: BehindGatewayOptions;
  /** Since when the alert with which others were told fires no more, by its id; monotonic. */
  readonly #endedSince = new Map<string, number>();

  constructor(options: BehindGatewayOptions) {
    this.#options = options;
  }

  /** With which alert of its gateway one that is not told is told; "later" where that is not known yet; undefined where it stands for itself. */
  cause({ id, rule, device, history }: Alert): Alert | "later" | undefined {
    const { gatewayOf, isAboutHearing, clock } = this.#options;
    const gateway = device === "" || !isAboutHearing(rule) ? undefined : gatewayOf(device);
    // Whatever else may be the matter with one that is heard, it is not why somebody behind it is not.
    if (!gateway || gateway.id === device || gateway.heard) return undefined;
    const its = this.#alertOf(gateway.id);
    // A gateway says by itself through whom it is reached: of those who name each other one is told.
    if (its && this.#isToldWith(its, id)) return undefined;
    if (its) return its;
    const since = history.find(({ what }) => what === "fired")?.ts ?? -Infinity;
    const waited = clock.now() - since;
    return waited >= 0 && waited < gatewayAwaited ? "later" : undefined;
  }

  /** Those that go on although what they were told with is over for a while. */
  left(): readonly Alert[] {
    const now = this.#options.clock.monotonic();
    const all = this.#options.firing.left();
    const parents = new Set(all.map(({ parent }) => parent));
    for (const id of this.#endedSince.keys()) if (!parents.has(id)) this.#endedSince.delete(id);
    return all.filter(({ parent }) => {
      if (parent === null) return false;
      const since = this.#endedSince.get(parent) ?? now;
      this.#endedSince.set(parent, since);
      return now - since >= gatewayAwaited;
    });
  }

  /** Whether an alert was told with that one, or with another one that was. */
  #isToldWith({ parent }: Alert, id: string): boolean {
    if (parent === null) return false;
    const next = this.#options.firing.find(parent);
    return parent === id || (next !== undefined && this.#isToldWith(next, id));
  }

  #alertOf(gateway: string): Alert | undefined {
    const { states, firing, isAboutHearing } = this.#options;
    for (const { rule, device, series, state } of states.slots(gateway)) {
      const alert = state.phase === "firing" && isAboutHearing(rule) && firing.get(slotKey(rule, device, series));
      if (alert) return alert;
    }
    return undefined;
  }
}
