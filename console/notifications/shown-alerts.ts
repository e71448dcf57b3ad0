import type { Bus } from "#shared/bus";
import { encode, payloadCap } from "#shared/codec";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { quoted } from "#shared/printable";
import type { Topics } from "#shared/topics";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { parseShownAlert, type Notice } from "./notice.ts";
import type { TryOutcome } from "./try-outcome.ts";

/** Alerts that stand at the broker at once: each is a retained message, of which a broker keeps so many. */
export const maxShownAlerts = 1_000;

export interface ShownAlertsOptions {
  readonly database: Database;
  readonly bus: Bus;
  readonly topics: Topics;
  readonly log: Log;
  /** Whether there is a channel that shows them. */
  readonly isWanted: () => boolean;
}

/** Alerts as retained messages, one each: there as long as the alert is. A broker may forget what it was told, so each connection is told again. */
export class ShownAlerts {
  readonly #options: ShownAlertsOptions;
  #end: () => void = () => {};

  constructor(options: ShownAlertsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#end = this.#options.bus.onConnection((change) => {
      if (change.up) this.settle();
    });
  }

  stop(): void {
    this.#end();
  }

  /** Shows all of them; where no channel does so any more, none. What the broker does not take now, the next connection brings. */
  settle(): void {
    const { isWanted, log } = this.#options;
    const settled = isWanted() ? this.#showAll() : this.#clear();
    settled.catch((error: unknown) =>
      log.debug({ err: asError(error) }, "the alerts could not be shown at the broker"),
    );
  }

  /** @throws Error where the broker is away, or the disk takes nothing */
  async show(notice: Notice): Promise<TryOutcome> {
    const { database, bus, topics } = this.#options;
    const topic = topics.alert(notice.alert);
    if (topic === undefined) return { kind: "refused", said: `${quoted(notice.alert)} cannot stand in a topic` };
    const payload = payloadOf(notice);
    // What only tries the way, and a report, is heard by who listens, and does not stay.
    if (notice.kind === "test" || notice.kind === "report") {
      await bus.publish(topic, payload);
      return { kind: "delivered", said: `published on ${topic}, not to be kept` };
    }
    if (notice.kind === "resolved") {
      database.prepare("DELETE FROM shown_alerts WHERE alert = ?").run(notice.alert);
      await bus.publish(topic, Buffer.alloc(0), { retain: true });
      return { kind: "delivered", said: `${topic} is cleared` };
    }
    if (!this.#hasRoom(notice.alert))
      return { kind: "refused", said: `${maxShownAlerts} alerts stand at the broker, and no more may` };
    database
      .prepare("INSERT OR REPLACE INTO shown_alerts (alert, document) VALUES (?, ?)")
      .run(notice.alert, payload.toString("utf8"));
    await bus.publish(topic, payload, { retain: true });
    return { kind: "delivered", said: `published on ${topic}` };
  }

  async #clear(): Promise<void> {
    const { database, bus } = this.#options;
    for (const { topic } of this.#all()) await bus.publish(topic, Buffer.alloc(0), { retain: true });
    database.prepare("DELETE FROM shown_alerts").run();
  }

  #hasRoom(alert: string): boolean {
    const { database } = this.#options;
    const row = database.prepare("SELECT COUNT(*) AS count FROM shown_alerts WHERE alert <> ?").get(alert);
    return (row as { readonly count: number }).count < maxShownAlerts;
  }

  #all(): { readonly topic: string; readonly document: string }[] {
    const { database, topics } = this.#options;
    const select = database.prepare("SELECT * FROM shown_alerts");
    return damageOf(database)
      .all("shown_alerts", select, parseShownAlert)
      .flatMap(({ alert, document }) => {
        const topic = topics.alert(alert);
        return topic === undefined ? [] : [{ topic, document }];
      });
  }

  async #showAll(): Promise<void> {
    const { bus } = this.#options;
    for (const { topic, document } of this.#all()) await bus.publish(topic, Buffer.from(document), { retain: true });
  }
}

/** Labels in an alphabet of many bytes are what makes one too long. */
function payloadOf(notice: Notice): Buffer {
  const { sections: _, ...said } = notice;
  const payload = encode({ v: 1, ...said }, "json");
  return payload.length <= payloadCap ? payload : encode({ v: 1, ...said, labels: {} }, "json");
}
