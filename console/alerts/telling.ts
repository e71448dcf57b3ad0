import type { Clock } from "#shared/clock";
import type { Notice } from "../notifications/notice.ts";
import { withEvent, type Alert } from "./alert.ts";
import type { AlertTurn } from "./alert-writes.ts";
import type { Mute } from "./mutes.ts";
import { maxToldOfDevice, TellLimit } from "./tell-limit.ts";

export interface TellingOptions {
  readonly clock: Clock;
  /** Writes down that there is something to say, within the transaction. */
  readonly enqueue: (notice: Notice, channels: readonly string[] | undefined) => void;
  /** By which nobody is told of an alert at this moment. */
  readonly muted: (rule: string, device: string) => Mute | undefined;
}

/** Whether people are told of an alert, and what. Within a transaction of the caller. */
export class Telling {
  readonly limit = new TellLimit();
  readonly #options: TellingOptions;

  constructor(options: TellingOptions) {
    this.#options = options;
  }

  /** Tells of an alert, unless nobody is to hear of it now: then that stands in its history. @returns it as it is then */
  tellIfHeard(turn: AlertTurn, alert: Alert, more?: string): Alert {
    const { clock, muted } = this.#options;
    const ts = Math.round(clock.now());
    const mute = muted(alert.rule, alert.device);
    if (mute) return held(alert, ts, `held back by ${mute.note === "" ? `a silence of ${mute.by}` : mute.note}`);
    const giveBack = this.limit.take(alert.device, clock.monotonic());
    if (!giveBack) return held(alert, ts, `${maxToldOfDevice} of the device were told within a minute`);
    turn.undo(giveBack);
    return this.tell(alert, more);
  }

  /** Tells of an alert in any case. @returns it as it is then */
  tell(alert: Alert, more?: string): Alert {
    const { text } = alert;
    this.#say(alert, "firing", more === undefined ? text : `${text} (${more})`);
    return withEvent({ ...alert, told: "yes" }, { ts: Math.round(this.#options.clock.now()), what: "told" });
  }

  /** Tells of one that still fires. @returns it as it is then: of its reminders the newest stands in its history */
  remind(alert: Alert): Alert {
    this.#say(alert, "reminder", alert.text);
    const ts = Math.round(this.#options.clock.now());
    const before = alert.history.filter(({ what }) => what !== "reminded");
    return withEvent({ ...alert, history: before }, { ts, what: "reminded" });
  }

  /** Tells that an alert is over. */
  tellOver(alert: Alert): void {
    const over = alert.why === null ? "" : `: ${alert.why}`;
    this.#say(alert, "resolved", `over${over}. It was: ${alert.text}`);
  }

  #say(alert: Alert, kind: "firing" | "resolved" | "reminder", text: string): void {
    const { id, rule, severity, device, since, fired, resolved, title, value, channels, labels } = alert;
    const at =
      kind === "resolved" ? (resolved ?? fired) : kind === "firing" ? fired : Math.round(this.#options.clock.now());
    const about = { alert: id, rule, severity, device: device === "" ? null : device, since, title, value, labels };
    this.#options.enqueue({ ...about, kind, at, text, url: null }, channels ?? undefined);
  }
}

function held(alert: Alert, ts: number, why: string): Alert {
  if (alert.history.some(({ what }) => what === "held")) return alert;
  return withEvent(alert, { ts, what: "held", text: why });
}
