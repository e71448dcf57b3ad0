import { setTimeout as sleep } from "node:timers/promises";
import type { AlertDocument } from "#api/client";
import type { Stage, Violation } from "../case.ts";
import type { Plan } from "../plan.ts";
import { Random } from "../random.ts";
import type { Acked, Kept, Stored } from "../samples/check.ts";
import type { Span } from "../samples/deaf.ts";
import type { Device } from "../setting.ts";
import { wentBack } from "../striker.ts";
import { checkAlerts } from "./check.ts";
import { moods, Receiver } from "./receiver.ts";
import { channel, rule } from "./wave.ts";

/** What is known of a device's samples. */
export interface OfDevice {
  readonly device: Device;
  readonly kept: readonly Kept[];
  readonly acked: readonly Acked[];
  readonly stored: readonly Stored[];
}

/** Milliseconds that alerts of late samples have at rest, and notices that were refused four times: the channel is left alone for 5, 10, 20 and 40 s then. */
const patience = 120_000;
/** Milliseconds between two looks: each is some work, and the receiver in this process has half a second to answer by the console's hasty clock. */
const glance = 1_000;
/** Milliseconds around the moment of a backup or copy for which nobody can say on which side of it something was. */
const around = 5_000;
/** Milliseconds from the rule's making on of which it is not judged. */
const beginning = 1_000;

/** A rule that looks at every sample of the agents, and somebody who is told: the evidence is what they wrote down, the console's list, and what has come. */
export class AlertWatch {
  readonly #stage: Stage;
  readonly #receiver = new Receiver(rule);
  /** Since when the rule has been there (epoch ms). */
  #from = Infinity;
  readonly #told = new Set<string>();
  #alerts = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async start(): Promise<void> {
    await this.#receiver.start();
  }

  async stop(): Promise<void> {
    await this.#receiver.stop();
  }

  /** Has the receiver do as the round's dice say, for the beginning of its work: some rounds it takes all. */
  async work({ dice }: Plan): Promise<void> {
    const random = new Random(`${dice} receiver`);
    const [mood, at, lasts] = [random.pick(moods), random.between(0, 300), random.between(300, 1_000)];
    await sleep(at);
    this.#receiver.mood = mood;
    await sleep(lasts);
    this.#receiver.mood = "takes";
  }

  /** Makes rule and channel where they are not, as their administrator would: a bit of the rows may have been turned. */
  async prepare(): Promise<void> {
    const { admin } = this.#stage.fleet;
    const { channels } = await admin.listChannels();
    if (!channels.some(({ name }) => name === channel))
      await admin.setChannel(channel, { kind: "webhook", settings: { url: this.#receiver.url } });
    const { rules } = await admin.listAlertRules();
    if (rules.some((one) => one.rule.name === rule)) return;
    await admin.applyAlertRules({ rules: [{ name: rule, when: "chaos.v > 0.5", channels: [channel], each: true }] });
    this.#from = Date.now() + beginning;
  }

  /** Everything is at rest. */
  async judge(devices: readonly OfDevice[]): Promise<readonly Violation[]> {
    const end = performance.now() + patience;
    for (;;) {
      const isLast = performance.now() >= end;
      // On a busy machine an answer may take longer than is waited for it.
      const found = await this.#found(devices).catch((thrown: unknown) => {
        if (isLast) throw thrown;
        return undefined;
      });
      const isNews = found?.some(({ key }) => !this.#told.has(key));
      if (!found || (isNews && !isLast)) {
        await sleep(glance);
        continue;
      }
      for (const { key } of found) this.#told.add(key);
      return found;
    }
  }

  counts(): string {
    return `${this.#alerts} alerts, ${this.#receiver.received.length} notices`;
  }

  async #found(devices: readonly OfDevice[]): Promise<readonly Violation[]> {
    const clouds = this.#clouds();
    const now = Date.now();
    const violations: Violation[] = [];
    this.#alerts = 0;
    for (const one of devices) {
      const all = await this.#alertsOf(one.device);
      const alerts = all.filter(({ tags }) => tags !== null);
      const ofMany = new Set(all.filter(({ tags }) => tags === null).map(({ id }) => id));
      this.#alerts += alerts.length;
      const received = this.#receiver.received.filter(({ device }) => device === one.device);
      const struck = this.#stage.striker.struck
        .filter(({ who }) => who === one.device || who === "server" || who === "broker" || who === "influx")
        .map(({ from, to }): Span => [from, to]);
      violations.push(...checkAlerts({ ...one, alerts, ofMany, received, from: this.#from, now, clouds, struck }));
    }
    return violations;
  }

  async #alertsOf(device: Device): Promise<AlertDocument[]> {
    const { client } = this.#stage.fleet;
    const all: AlertDocument[] = [];
    for (const state of ["open", "over"] as const) {
      for (let after: string | undefined; ;) {
        const { alerts, next } = await client.listAlerts({
          state,
          device,
          rule,
          limit: 1_000,
          ...(after && { after }),
        });
        all.push(...alerts);
        if (next === null) break;
        after = next;
      }
    }
    return all;
  }

  /** A directory that was put back has lost what came since; of one with a turned bit nobody knows what it has lost of before. */
  #clouds(): Span[] {
    return this.#stage.striker.costs
      .filter(({ who }) => who === "server")
      .map((cost): Span => [wentBack(cost) ? cost.from - around : -Infinity, cost.to + around]);
  }
}
