import type { Clock } from "#shared/clock";
import { channelKindOf } from "#shared/channels/channel-kinds";
import { changedSettings } from "#shared/channels/channel-settings";
import { sortableId } from "#shared/ids";
import { transaction, type Database } from "../database/database.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import type { Courier } from "./courier.ts";
import type { sendByChannel } from "./send-by-channel.ts";
import type { ShownAlerts } from "./shown-alerts.ts";
import { checkSigningSecret } from "./kinds/webhook.ts";
import { checkTemplate, type TemplatePlace } from "./template.ts";
import { channelFor, queueNameOf, type Browser } from "./push/browser.ts";
import type { Browsers } from "./push/browsers.ts";
import { ToldDeliveries } from "./told-deliveries.ts";
import type { Notice } from "./notice.ts";

export interface NotificationsOptions {
  readonly database: Database;
  readonly channels: Channels;
  readonly browsers: Browsers;
  readonly courier: Courier;
  readonly shown: ShownAlerts;
  readonly send: ReturnType<typeof sendByChannel>;
  readonly clock: Clock;
}

/** A channel as somebody says it. */
export interface ChannelOrder extends Pick<Channel, "name" | "kind" | "enabled" | "usual" | "by"> {
  readonly settings: Readonly<Record<string, string | null>>;
}

/** What came of a test. */
export interface ChannelTest {
  readonly delivered: boolean;
  readonly said: string;
  /** Milliseconds. */
  readonly took: number;
}

/** A channel by which nobody hears of anything. */
export interface MuteChannel {
  readonly name: string;
  /** Notices that wait for it. */
  readonly waiting: number;
  /** Epoch ms. */
  readonly since: number;
}

/** Tries of one notice that led to nothing, before that is a trouble: less than a minute, and a moment's hitch is none. */
export const triesUntilMute = 3;

type Standing = NonNullable<ReturnType<ToldDeliveries["standing"]>["last"]>;

/** What people do with channels. */
export class Notifications {
  readonly told: ToldDeliveries;
  readonly #options: NotificationsOptions;
  /** What came of the newest test of each channel, since the start: tests are past the queue. */
  readonly #tests = new Map<string, Standing>();

  constructor(options: NotificationsOptions) {
    this.#options = options;
    this.told = new ToldDeliveries(options.database);
  }

  get channels(): Channels {
    return this.#options.channels;
  }

  get browsers(): Browsers {
    return this.#options.browsers;
  }

  /** There may be something to say: to be called behind each commit that has enqueued. */
  wake(): void {
    this.#options.courier.wake();
  }

  /**
   * Makes a channel, or changes one. Within a transaction of the caller. @returns to be called when that is through
   * @throws BadInputError for what cannot be
   */
  set({ name, kind, settings: said, enabled, usual, by }: ChannelOrder): () => void {
    const { channels, courier, shown, clock } = this.#options;
    const before = channels.find(name);
    const settings = changedSettings(kind, said, before?.kind === kind ? before.settings : undefined);
    if (kind === "webhook") checkSigningSecret(settings["secret"] ?? "");
    const template = settings["body"];
    if (template !== undefined)
      checkTemplate(template, (settings["type"] ?? channelKindOf(kind)?.fields["type"]?.default) as TemplatePlace);
    const done = channels.put({ name, kind, settings, enabled, usual, by, ts: Math.round(clock.now()) });
    return () => {
      done();
      courier.changed(name);
      shown.settle();
    };
  }

  /** Within a transaction of the caller. @returns to be called when that is through */
  remove(channel: Channel, by: string): () => void {
    const { channels, shown, clock } = this.#options;
    const done = channels.remove(channel, by, Math.round(clock.now()));
    return () => {
      done();
      this.#tests.delete(channel.name);
      shown.settle();
    };
  }

  /** How a channel stands: a test since the start counts as its last. */
  standing(channel: string): ReturnType<ToldDeliveries["standing"]> {
    const standing = this.told.standing(channel);
    const test = this.#tests.get(channel);
    return test && test.ts >= (standing.last?.ts ?? 0) ? { ...standing, last: test } : standing;
  }

  /** Channels that are switched on and take nothing at the moment. What their other side says is for administrators alone: it is not told here. */
  mute(): readonly MuteChannel[] {
    return this.channels.list().flatMap(({ name, enabled }) => {
      if (!enabled) return [];
      const { waiting, last } = this.standing(name);
      const since = this.told.stuck(name, triesUntilMute) ?? (last?.state === "failed" ? last.ts : undefined);
      return since === undefined ? [] : [{ name, waiting, since }];
    });
  }

  /** Takes a browser away. Within a transaction of the caller. @returns to be called when that is through */
  removeBrowser(browser: Browser, by: string): () => void {
    this.#options.browsers.remove(browser, by);
    return () => void this.#tests.delete(queueNameOf(browser.id));
  }

  /** Whoever logs out at a browser has it told no more; where it is none of his, nothing happens. @throws Error of the database */
  leaveBrowser(id: string, account: string): void {
    const { browsers, database } = this.#options;
    const found = browsers.find(id);
    if (found?.account === account) transaction(database, () => this.removeBrowser(found, account))();
  }

  /** Sends a test to a browser, as {@link test} does by a channel. */
  async testBrowser(browser: Browser, by: string): Promise<ChannelTest> {
    return this.test(channelFor(browser), by);
  }

  /** Sends a test, past the queue: whoever asks waits for what the other side says. */
  async test(channel: Channel, by: string): Promise<ChannelTest> {
    const { send, clock, channels, browsers } = this.#options;
    const begun = clock.monotonic();
    const now = Math.round(clock.now());
    const key = `test-${sortableId(now)}`;
    const signal = new AbortController().signal;
    const { kind, said } = await send(channel, { notice: testNotice(key, by, now), key, now }, signal);
    const delivered = kind === "delivered";
    const ts = Math.round(clock.now());
    // It may have been removed meanwhile.
    if (channels.find(channel.name) ?? browsers.inQueue(channel.name))
      this.#tests.set(channel.name, { state: delivered ? "delivered" : "failed", ts, said });
    return { delivered, said, took: Math.round(clock.monotonic() - begun) };
  }
}

function testNotice(key: string, by: string, now: number): Notice {
  return {
    alert: key,
    kind: "test",
    rule: "none",
    severity: "info",
    device: null,
    at: now,
    since: now,
    title: "this channel works",
    text: `${by} asked Muster to try this channel. Nothing has happened.`,
    value: null,
    url: null,
    labels: {},
  };
}
