import { setTimeout as sleep } from "node:timers/promises";
import { AlertWatch, type OfDevice } from "../alerts/alert-watch.ts";
import type { Case, Stage, Trial, Violation } from "../case.ts";
import type { Plan } from "../plan.ts";
import type { Rest } from "../rest.ts";
import { devices, simpleDevice } from "../setting.ts";
import type { Cost } from "../striker.ts";
import { check, type ToldGap } from "./check.ts";
import { mayHaveGone, simpleMayHaveGone, type Ledger, type ToldDamage } from "./costs.ts";
import { cutSpans, deafSpans, type Span } from "./deaf.ts";
import { sampleFaults, samplePoints } from "./faults.ts";
import { isCovered, mayDrop } from "./gaps.ts";
import { genuine, remainsOf, type Remains } from "./remains.ts";
import { SimpleSender } from "./sender.ts";
import { Witness } from "./witness.ts";

/** Milliseconds in which an armed process has to come by its point. */
const ambush = 600;
/** Milliseconds in which the same complaint is told once. */
const once = 10_000;
/** Milliseconds that simple samples may wait at the console for the store, when everything runs. */
const spooled = 10_000;

/** Milliseconds for all outboxes to be empty: InfluxDB reads its log when it starts, and the longest back-off has to pass. */
const healing = 30_000;

/** No sample is lost. */
export const samples: Case = {
  agent: "samplesAgent",
  points: samplePoints,
  faults: sampleFaults,
  hastyConsole: true,
  begin: (stage) => new SampleTrial(stage),
};

/** Agents measure, and a sensor sends what it does not keep; the evidence is what they write down, the store, and what the console tells. */
class SampleTrial implements Trial {
  readonly #stage: Stage;
  readonly #witness: Witness;
  readonly #sender: SimpleSender;
  readonly #alerts: AlertWatch;
  /** What the present judgement has seen of each device. */
  #seen: OfDevice[] = [];
  /** Of bits that were turned in the console's directory, what still reads of the embedded store. */
  readonly #remains = new Map<Cost, Remains>();
  /** Damage that the console has ever told: what is turned later may hide that it did. */
  readonly #damage = new Map<string, ToldDamage>();
  /** By device, every gap that was ever told: the part of the console's disk that kept it may be damaged later. */
  readonly #gaps = new Map<string, ToldGap[]>();
  /** When all this was looked at, with nothing outstanding (epoch ms). */
  readonly #looks: number[] = [];
  /** In which an external broker's word promised nothing. */
  readonly #deaf: Span[] = [];
  /** When the last round had been judged (epoch ms), and how often anything had been struck until then. */
  #judged = 0;
  #before = 0;
  /** Samples that agents had on their disks, those of them that the store has, simple ones whose PUBACK came, and gaps. */
  #tally = { samples: 0, stored: 0, promised: 0, gaps: 0 };

  constructor(stage: Stage) {
    const { fleet, striker } = stage;
    this.#stage = stage;
    this.#witness = new Witness(fleet);
    this.#sender = new SimpleSender(fleet);
    this.#alerts = new AlertWatch(stage);
    striker.whenTurned = async (cost) => {
      const copy = cost.who === "server" ? fleet.site.home("server")?.copy() : undefined;
      if (copy !== undefined) this.#remains.set(cost, await remainsOf(copy));
    };
  }

  patience(): number {
    return healing;
  }

  async begin(): Promise<void> {
    await this.#alerts.start();
    await this.#alerts.prepare();
  }

  async work(plan: Plan): Promise<void> {
    this.#sender.start();
    await this.#alerts.work(plan);
  }

  async ambush({ fault }: Plan): Promise<void> {
    if (fault.arms.length > 0) await sleep(ambush);
  }

  async rest(_plan: Plan, rest: Rest): Promise<void> {
    const { fleet } = this.#stage;
    await rest.until("every outbox to be empty", async () => (await fleet.ask("rest", healing), true));
  }

  /** Looks for every sample so far. */
  async judge(_plan: Plan, unrest: readonly string[]): Promise<readonly Violation[]> {
    const { fleet, striker, watcher } = this.#stage;
    const refused = watcher.seen.some(({ at, topic }) => at >= this.#judged - once && isRefusal(topic));
    const round = { began: this.#judged, healed: striker.healed, refused };
    this.#deaf.push(...deafSpans(fleet.setting, striker.struck.slice(this.#before), round));
    this.#deaf.push(...cutSpans(this.#witness.incidents(), this.#judged));
    await this.#sender.pause();
    const began = Date.now();
    const news = await this.#hearDamage();
    const damage = [...this.#damage.values()];
    const { store } = fleet.setting;
    const ledger = {
      costs: striker.costs,
      remains: this.#remains,
      looks: this.#looks,
      store,
      damage,
      acked: [],
      kept: [],
    };
    this.#tally = { samples: 0, stored: 0, promised: 0, gaps: 0 };
    const violations: Violation[] = [];
    this.#seen = [];
    for (const device of devices) violations.push(...(await this.#ofAgent(device, ledger, news)));
    violations.push(...(await this.#ofSensor(ledger)));
    // Of what has not come yet nothing can fire.
    if (unrest.length === 0) violations.push(...(await this.#alerts.judge(this.#seen)));
    await this.#alerts.prepare();
    this.#judged = Date.now();
    this.#before = striker.struck.length;
    if (unrest.length > 0) return violations;
    this.#looks.push(began);
    await fleet.ask("work", 5_000);
    this.#sender.start();
    return violations;
  }

  async adjourn(): Promise<readonly Violation[]> {
    return [];
  }

  counts(): string {
    const { samples: kept, stored, promised, gaps } = this.#tally;
    return `${kept} samples kept, ${stored} of them stored, ${promised} more promised by PUBACK, ${gaps} gaps told, ${this.#packed()}${this.#alerts.counts()}`;
  }

  /** Of the embedded store. */
  #packed(): string {
    const packed = this.#witness.packed();
    const into = packed.filter((one) => one.into);
    const rows = packed.reduce((sum, one) => sum + one.rows, 0);
    return packed.length === 0
      ? ""
      : `${rows} rows packed into ${packed.length} stretches, ${into.length} of them anew, `;
  }

  async stop(): Promise<void> {
    await this.#sender.stop();
    await this.#alerts.stop();
  }

  /** @param news whether damage is told that was not before */
  async #ofAgent(device: (typeof devices)[number], common: Ledger, news: boolean): Promise<Violation[]> {
    const witness = this.#witness;
    const kept = witness.kept(device);
    const stored = genuine(await witness.stored(device), kept, this.#remains.values());
    const { gaps, outstanding } = await witness.account(device);
    const told = this.#gaps.get(device) ?? [];
    const fresh = gaps.filter((gap) => !isCovered(gap, told));
    told.push(...fresh);
    this.#gaps.set(device, told);
    const recent = this.#stage.striker.struck.filter(({ to }) => to >= (this.#looks.at(-1) ?? 0));
    const excused = news || mayDrop(device, recent);
    const acked = witness.acked(device);
    const mayMiss = mayHaveGone.bind(undefined, { ...common, acked, kept });
    this.#seen.push({ device, kept, acked, stored });
    const values = new Set(stored.map(({ n }) => n));
    const tally = this.#tally;
    tally.samples += kept.reduce((sum, { n }) => sum + n.length, 0);
    tally.stored += kept.reduce((sum, { n }) => sum + n.filter((value) => values.has(value)).length, 0);
    tally.gaps += gaps.length;
    return check({ device, kept, stored, gaps: told, fresh, outstanding, excused, mayMiss });
  }

  async #ofSensor(ledger: Ledger): Promise<Violation[]> {
    const end = performance.now() + spooled;
    const promised = this.#witness.promised();
    this.#tally.promised = promised.length;
    for (;;) {
      const values = new Set((await this.#witness.stored(simpleDevice)).map(({ n }) => n));
      const missing = promised.filter(
        (one) =>
          !values.has(one.n) &&
          !simpleMayHaveGone(ledger, one.on, one) &&
          !this.#deaf.some(([from, to]) => from <= one.on && one.on <= to),
      );
      if (missing.length === 0) return [];
      if (performance.now() > end)
        return missing.map(({ n, at }) => ({
          rule: "what was acknowledged to a sender is kept",
          key: `simple ${n}`,
          text: `${simpleDevice}: its PUBACK came, and the sample of ${at} is nowhere`,
        }));
      await sleep(100);
    }
  }

  /** @returns whether the console tells of damage that it has not told before */
  async #hearDamage(): Promise<boolean> {
    const before = this.#damage.size;
    for (const { ts, place, name } of await this.#witness.damage()) {
      const key = `${ts} ${place} ${name}`;
      if (!this.#damage.has(key)) this.#damage.set(key, { place, seen: Date.now() });
    }
    return this.#damage.size > before;
  }
}

const isRefusal = (topic: string): boolean => topic.endsWith(`${simpleDevice}/refused`);
