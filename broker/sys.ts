import type { Clock } from "#shared/clock";

/** What the broker counts about itself. Counters begin with the broker; `clients.maximum` is the most at once. */
export interface Stats {
  readonly version: string;
  /** Milliseconds since the start. */
  readonly uptime: number;
  readonly clients: {
    readonly connected: number;
    readonly maximum: number;
    readonly disconnected: number;
    readonly expired: number;
  };
  readonly messages: { readonly received: number; readonly sent: number };
  readonly publish: {
    readonly received: number;
    readonly sent: number;
    readonly dropped: number;
    readonly refused: number;
  };
  readonly retained: number;
  readonly subscriptions: number;
  readonly stored: number;
  /** Logins that failed, subscriptions denied, connections turned away or closed for what they sent or did not read. */
  readonly refused: {
    readonly logins: number;
    readonly subscriptions: number;
    readonly connections: number;
    readonly clients: number;
  };
}

/** The statistics as Mosquitto names and writes them, so that its dashboards and checks work here. */
export function sysTopics(stats: Stats): readonly (readonly [topic: string, value: string])[] {
  const { clients, messages, publish } = stats;
  const values: [string, string | number][] = [
    ["version", stats.version],
    ["uptime", `${Math.floor(stats.uptime / 1_000)} seconds`],
    ["clients/connected", clients.connected],
    ["clients/active", clients.connected],
    ["clients/disconnected", clients.disconnected],
    ["clients/inactive", clients.disconnected],
    ["clients/expired", clients.expired],
    ["clients/maximum", clients.maximum],
    ["clients/total", clients.connected + clients.disconnected],
    ["messages/received", messages.received],
    ["messages/sent", messages.sent],
    ["messages/stored", stats.stored + stats.retained],
    ["store/messages/count", stats.stored + stats.retained],
    ["publish/messages/received", publish.received],
    ["publish/messages/sent", publish.sent],
    ["publish/messages/dropped", publish.dropped],
    ["publish/messages/refused", publish.refused],
    ["retained messages/count", stats.retained],
    ["subscriptions/count", stats.subscriptions],
  ];
  return values.map(([name, value]) => [`$SYS/broker/${name}`, String(value)]);
}

/** Calls `tick` at once and then every `interval` milliseconds, also after it threw; the returned function ends it. */
export function every(clock: Clock, interval: number, tick: () => void): () => void {
  let cancel: (() => void) | undefined;
  const run = (): void => {
    cancel = clock.after(interval, run);
    tick();
  };
  try {
    run();
  } catch (error) {
    // Nobody is given what would end it.
    cancel?.();
    throw error;
  }
  return () => cancel?.();
}
