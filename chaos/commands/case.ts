import { setTimeout as sleep } from "node:timers/promises";
import { answerWithin } from "../../console/desk/doubts.ts";
import type { Case, Stage, Trial, Violation } from "../case.ts";
import { onlooker } from "../fleet.ts";
import { Journal, JournalReader } from "../journal.ts";
import type { Plan } from "../plan.ts";
import type { Rest } from "../rest.ts";
import { devices } from "../setting.ts";
import { retainedTasks } from "../watcher.ts";
import { Callers } from "./callers.ts";
import { check } from "./checks.ts";
import type { Incident } from "../incident.ts";
import type { Begin, Effect, Evidence, Told } from "./evidence.ts";
import { commandFaults, commandPoints, hostilities } from "./faults.ts";
import { History } from "./history.ts";
import { ordersOf, type PlannedOrder } from "./orders.ts";
import { countForgeries, ownRows } from "./signed.ts";

/** Milliseconds at the end: for the last late answers, and then of silence, several times the longest wait between two repetitions. */
const end = { lateAnswers: 1_000, silence: 2_000 };

/** Milliseconds in which everybody comes to rest. */
const healing = 8_000;

/** No command is lost, doubled or left unexplained. */
export const commands: Case = {
  agent: "commandsAgent",
  points: commandPoints,
  faults: commandFaults,
  besides: hostilities,
  hastyConsole: false,
  begin: (stage) => new CommandTrial(stage),
};

/** Callers send commands; the evidence is what handlers and callers write down, the history's file, and what passes at the broker. */
class CommandTrial implements Trial {
  readonly #stage: Stage;
  readonly reader: History;
  readonly #told: Journal;
  readonly #callers: Callers;
  readonly #journals;
  readonly #orders: PlannedOrder[] = [];
  readonly #healed = new Map<number, number>();
  /** How much the console has said at most that it could not read. */
  #damage = 0;

  constructor(stage: Stage) {
    const { fleet, watcher } = stage;
    const { client, site } = fleet;
    this.#stage = stage;
    this.reader = new History(site.home("server")?.path ?? "");
    this.#told = new Journal(`${site.directory}/callers.jsonl`);
    this.#callers = new Callers(client, watcher.link, this.#told, fleet.setting.signed !== undefined);
    if (fleet.hostileBus)
      fleet.hostileBus.atBroker = (topic, payload) => watcher.link.publish(topic, payload, { retain: true });
    this.#journals = {
      begins: new JournalReader<Begin>(`${site.directory}/begins.jsonl`),
      effects: new JournalReader<Effect>(`${site.directory}/effects.jsonl`),
      incidents: new JournalReader<Incident>(`${site.directory}/incidents.jsonl`),
      told: new JournalReader<Told>(`${site.directory}/callers.jsonl`),
    };
  }

  /** Of what was queued in a console that was put back each device is asked, once it is there again, and has that long to answer. */
  patience({ fault }: Plan): number {
    const isPutBack = fault.blows.some(
      ({ who, what }) => who === "server" && (what === "restore" || what === "put back"),
    );
    return healing + (isPutBack ? answerWithin : 0);
  }

  async work(plan: Plan): Promise<void> {
    const orders = ordersOf(plan);
    this.#orders.push(...orders);
    await Promise.all(orders.map((order) => this.#carryOut(order)));
  }

  async ambush(_plan: Plan, rest: Rest): Promise<void> {
    await rest.until("every command to end", () => this.#stage.fleet.allAlive && this.#allEnded());
  }

  async rest({ fault }: Plan, rest: Rest): Promise<void> {
    const { fleet, striker } = this.#stage;
    await rest.until("both devices online", () => this.#bothOnline());
    // A file that did not read may have been set aside, and begun anew.
    if (fault.blows.some(({ what, who }) => what === "turn" && who === "server")) await fleet.reread();
    for (const blow of fault.late ?? []) await striker.land({ ...blow, at: 0, lasts: 0 });
    await this.#callers.conclude();
    await rest.until("every command to end", () => this.#allEnded());
    let kept: string[] = [];
    const retained = async (): Promise<boolean> => (kept = await retainedTasks(fleet.login(onlooker))).length === 0;
    await rest.until("no retained task at the broker", retained);
    if (kept.length > 0) rest.missed.push(`retained: ${kept.join(", ")}`);
  }

  async judge({ round }: Plan, unrest: readonly string[]): Promise<readonly Violation[]> {
    const { client } = this.#stage.fleet;
    this.#damage = Math.max(this.#damage, (await client.listDamage({ limit: 100 })).damaged.length);
    this.#healed.set(round, Date.now());
    // What comes late may still come: a round is judged when the next one is over.
    const found = check(this.#evidence).filter((one) => (one.round ?? 0) < round);
    // What is stuck has been told; it is put out of the way, so that the next rounds are judged by themselves.
    if (unrest.length > 0)
      for (const id of this.reader.unfinished()) await client.cancelCommand(id).catch(() => undefined);
    return found;
  }

  async adjourn(): Promise<readonly Violation[]> {
    const repeated = await this.#unsilenced();
    const rule = "replies end";
    const text = `still sent at the end: ${repeated.join(", ")}`;
    return [...check(this.#evidence), ...(repeated.length > 0 ? [{ rule, text, key: rule }] : [])];
  }

  counts(): string {
    const evidence = this.#evidence;
    const { effects, rows } = evidence;
    const states = new Map<string, number>();
    for (const { state } of rows) states.set(state, (states.get(state) ?? 0) + 1);
    const ends = [...states].sort().map(([state, count]) => `${count} ${state}`);
    const counts = `${this.#orders.length} commands (${ends.join(", ")}), ${effects.length} effects`;
    return evidence.hostilities ? `${counts}, ${countForgeries(evidence)}` : counts;
  }

  async stop(): Promise<void> {
    this.#told.close();
  }

  get #evidence(): Evidence {
    const { begins, effects, incidents, told } = this.#journals;
    const evidence: Evidence = {
      orders: this.#orders,
      healed: this.#healed,
      until: Date.now(),
      begins: begins.read(),
      effects: effects.read(),
      incidents: incidents.read(),
      told: told.read(),
      versions: this.reader.versions(),
      rows: this.reader.rows(),
      seen: this.#stage.watcher.seen,
      costs: this.#stage.striker.costs,
      damage: this.#damage,
      hostilities: this.#stage.fleet.hostileBus,
    };
    return { ...evidence, rows: ownRows(evidence) };
  }

  async #carryOut(order: PlannedOrder): Promise<void> {
    const { at, withdrawAt } = order;
    const withdrawal =
      withdrawAt === undefined ? undefined : sleep(withdrawAt).then(() => this.#callers.withdraw(order));
    await sleep(at);
    await this.#callers.send(order);
    await withdrawal;
  }

  #allEnded(): boolean {
    return this.reader.unfinished().length === 0;
  }

  /** Online by the console's word, and as the run that is alive now: an earlier one may be thought to live. */
  async #bothOnline(): Promise<boolean> {
    const { fleet } = this.#stage;
    for (const device of devices) {
      const { online, boot } = await fleet.client.getDevice(device);
      if (!online || boot !== fleet.bootOf(device)) return false;
    }
    return true;
  }

  /** The topics of what is still sent when everybody should be silent. */
  async #unsilenced(): Promise<string[]> {
    const { seen } = this.#stage.watcher;
    await sleep(end.lateAnswers);
    const before = seen.length;
    await sleep(end.silence);
    return [...new Set(seen.slice(before).map(({ topic }) => topic))];
  }
}
