import { systemClock, type Clock } from "#shared/clock";
import { maxWait, parseDuration } from "#shared/duration";
import { parseCommandId, parseDeviceId, type DeviceId } from "#shared/ids";
import { Lifetime } from "#shared/lifetime";
import { silentLog } from "#shared/log";
import { guardedClock, SafetyNet } from "#shared/safety-net";
import { Signal } from "#shared/signal";
import { Topics } from "#shared/topics";
import { identityOf, type Identity } from "./certificates/device-identity.ts";
import type { Alerts } from "./alerts/alerts.ts";
import type { Audit } from "./audit/audit.ts";
import type { BrokerDoor } from "./audit/broker-door.ts";
import type { Entrances } from "./audit/entrances.ts";
import type { SyslogState } from "./audit/syslog.ts";
import { begin, reachBroker } from "./begin.ts";
import type { CaRotation } from "./ca-rotation.ts";
import type { Certifying } from "./certificates/certifying.ts";
import type { DeviceRotation } from "./certificates/device-rotation.ts";
import type { ClockVerdict } from "./clock/clock-doubt.ts";
import type { Condition } from "./condition/read-condition.ts";
import type { Command } from "./desk/command.ts";
import type { Desk } from "./desk/desk.ts";
import type { Device } from "./devices/device.ts";
import type { Sample } from "./devices/latest-values.ts";
import type { Claims } from "./enrollments/claims.ts";
import { rotateSecret, type RotationOrder } from "./enrollments/rotate-secret.ts";
import type { JoinRequests } from "./enrollments/join-requests.ts";
import type { Enrollments } from "./enrollments/enrollments.ts";
import type { Contract } from "./ingest/contract/contract.ts";
import type { Settled, Settling } from "./ingest/contract/settling.ts";
import type { Ingest } from "./ingest/ingest.ts";
import type { Jobs } from "./jobs/jobs.ts";
import type { Labels } from "./devices/labels.ts";
import type { LatestRefusals } from "./devices/latest-refusals.ts";
import { defaults, type ConsoleOptions, type SendOptions, type SentOrder } from "./console-options.ts";
import { compose, type Parts } from "./console-parts.ts";
import { loadFor, type Loaded } from "./parts/loaded.ts";
import type { ConfigurationParts } from "./parts/configuration-parts.ts";
import type { Registry } from "./devices/registry.ts";
import { noteRemoval } from "./devices/removals.ts";
import { loginAdvice } from "./devices/login-advice.ts";
import type { Retirements } from "./devices/retirements.ts";
import type { FleetReports } from "./reports/fleet-reports.ts";
import type { Report } from "./self/report.ts";
import type { Transfers } from "./files/transfers.ts";
import type { Damage } from "./database/damage.ts";
import type { RowsHealth } from "./database/persist.ts";
import type { Schedules } from "./schedules/schedules.ts";
import type { Notifications } from "./notifications/notifications.ts";
import { samplesHealth, type SamplesHealth } from "./samples-health.ts";
import { openState, type State } from "./state/state.ts";
import type { MetricsStore } from "./store/store.ts";

export { CommandFailedError, CommandRefusedError, CommandTimeoutError } from "./desk/command-errors.ts";
export type { Command } from "./desk/command.ts";
export type { Device } from "./devices/device.ts";
export type { Sample } from "./devices/latest-values.ts";
export type { ConsoleOptions, SendOptions } from "./console-options.ts";

/**
 * The console: keeps every sample and the whole story of every command.
 *
 * ```text
 *          ┌─► metrics ─► Ingest ─► MetricsStore          Registry ◄── status ◄─┐
 *  broker ─┤                 └──► ack ──► broker                                ├─ broker
 *          └─► cmd ─► TypedCommands ─► Desk ◄─ send()            Desk ◄─ reply ◄┘
 *                                       └──► retained task ──► broker
 * ```
 */
export class Console {
  /** What was caught in listeners and timers: faults of Muster's own. */
  readonly faults: SafetyNet;
  readonly events: {
    readonly samples: Signal<{ device: DeviceId; samples: readonly Sample[] }>;
    readonly store: Signal<void>;
  };
  readonly #options: ConsoleOptions;
  readonly #clock: Clock;
  #parts: Parts | undefined;
  #lifetime = new Lifetime();

  constructor(options: ConsoleOptions) {
    this.#options = options;
    const clock = options.clock ?? systemClock;
    const net = (this.faults = options.net ?? new SafetyNet(options.log ?? silentLog, clock));
    this.#clock = guardedClock(clock, net);
    const failed = (thrown: unknown): void => net.caught("console: a listener", thrown);
    this.events = { samples: new Signal(failed), store: new Signal(failed) };
    this.events.store.on(() => this.#storeChanged());
  }

  /**
   * Opens the state and the store, and takes messages from now on: whoever can be told that a message was taken finds somebody who does,
   * with a store or without one. A broker or an InfluxDB that is away is tried again and again.
   */
  async start(): Promise<void> {
    const lifetime = new Lifetime();
    await lifetime.start(async () => {
      const state = this.#openState(lifetime);
      const parts = this.#compose(state, await loadFor(this.#options));
      this.#lifetime = lifetime;
      lifetime.add(() => (this.#parts = undefined));
      this.#parts = parts;
      await begin(parts, lifetime, {
        goodbye: () => this.goodbye(),
        isTaking: () => this.#isTaking,
        failed: (thrown) => this.faults.caught("console: newest values of before", thrown),
      });
    });
  }

  /** Tells everybody that the console is going: for who closes the broker first, so that nothing comes that nobody takes. */
  async goodbye(): Promise<void> {
    const parts = this.#parts;
    // That its devices lose a broker which goes with the console says nothing of them.
    parts?.presence.disconnected();
    if (parts?.bus.connected) await parts.publisher.goodbye();
  }

  /** Takes what has come, and keeps it. The embedded broker is to be stopped before: what it acknowledges from now on is nobody's. */
  async stop(): Promise<void> {
    await this.#lifetime.stop();
  }

  get desk(): Desk {
    return this.#started.desk;
  }

  get jobs(): Jobs {
    return this.#started.jobs;
  }

  /** What is begun by the clock. */
  get schedules(): Schedules {
    return this.#started.schedules;
  }

  /** By which ways people hear of alerts. */
  get notifications(): Notifications {
    return this.#started.notifications;
  }

  /** Rules, and what they find. */
  get alerts(): Alerts {
    return this.#started.alerts;
  }

  /** Reports on what was. */
  get reports(): FleetReports {
    return this.#started.reports;
  }

  /** Codes by which machines come in by themselves. */
  get enrollments(): Enrollments {
    return this.#started.enrollments;
  }

  /** Machines that come in by a code. */
  get claims(): Claims {
    return this.#started.claims;
  }

  /** Machines that ask to come in without a code. */
  get joinRequests(): JoinRequests {
    return this.#started.joinRequests;
  }

  /** Gives devices certificates. */
  get certifying(): Certifying {
    return this.#started.certifying;
  }

  /** The settings that people want devices to have, and how these stand to them; and what people call fields. */
  get configuration(): ConfigurationParts {
    const { configurations, configured, configurator, unitWords } = this.#started;
    return { configurations, configured, configurator, unitWords };
  }

  /** What people call devices. */
  get labels(): Labels {
    return this.#started.labels;
  }

  /** Devices out of service. */
  get retirements(): Retirements {
    return this.#started.retirements;
  }

  /** What becomes of the samples of a device that is removed, in a sentence. */
  samplesStay(device: DeviceId): string {
    const of = `WHERE series IN (SELECT id FROM series WHERE device = '${device}')`;
    return this.#options.influxUrl === undefined
      ? `its samples stay in data/metrics.db until they are let go of by age: sqlite3 data/metrics.db "DELETE FROM samples ${of}; DELETE FROM stretches ${of}" deletes them at once`
      : `its samples stay in InfluxDB: DROP SERIES WHERE "host" = '${device}' deletes them`;
  }

  get registry(): Registry {
    return this.#started.registry;
  }

  get store(): MetricsStore {
    return this.#started.store;
  }

  /** Whether samples are stored and acknowledged right now, and if not, why; and what waits for it on the console's disk. */
  storeHealth(): SamplesHealth {
    const { store, ingest, spool, doubt, future, files } = this.#started;
    return samplesHealth({
      clock: doubt.verdict,
      problem: files.problem ?? ingest.batches.problem,
      store: store.health(),
      future: future.problem,
      overload: ingest.waiting.problem,
      spool: spool.state,
    });
  }

  /** How far the audit log was sent on; undefined where it goes nowhere else. */
  syslogState(): SyslogState | undefined {
    return this.#started.syslog?.state;
  }

  /** What the console thinks of its machine's clock. */
  get clockVerdict(): ClockVerdict {
    return this.#started.doubt.verdict;
  }

  /** The time by which the console works: its machine's clock, unless that is found wrong. */
  get clock(): Clock {
    return this.#started.doubt.clock;
  }

  /** Takes an operator's word that the machine's clock is right as it stands. @returns whether that can be */
  believeClock(): boolean {
    return this.#started.doubt.believe();
  }

  /** Whether the rows of commands, devices and accounts reach the console's own disk. */
  rowsHealth(): RowsHealth {
    return this.#started.state.persist.health;
  }

  /** What is set aside before the store, and each device's budget of series. */
  get contract(): Contract {
    return this.#started.contract;
  }

  /** Who did what. */
  get audit(): Audit {
    return this.#started.state.audit;
  }

  /** Where what it keeps is, for whoever reads the audit log. */
  get kept(): Pick<State, "database" | "directory" | "brokerCopy"> {
    const { database, directory, brokerCopy } = this.#started.state;
    return { database, directory, brokerCopy };
  }

  /** Where logins and refusals are noted. */
  get entrances(): Entrances {
    return this.#started.entrances;
  }

  /** What in the data directory did not read. */
  get damage(): Damage {
    return this.#started.state.damage;
  }

  /** What was not taken of late, and why: by device, and of whom nobody knows. */
  get refusals(): LatestRefusals {
    return this.#started.latestRefusals;
  }

  /** Somebody was not let in at the broker in this process. */
  turnedAway({
    name,
    address,
    why,
    isWrongSecret = false,
  }: {
    readonly name: string | undefined;
    readonly address: string;
    readonly why: string;
    /** A device may have one that this console has lost, as after a restore. */
    readonly isWrongSecret?: boolean;
  }): void {
    const ts = Math.round(this.clock.now());
    const again = (isWrongSecret && name !== undefined && this.#adviceOn(name, why)) || { why };
    this.#parts?.latestRefusals.note({ name: name ?? null, topic: null, address, ts, ...again });
    this.#parts?.brokerDoor.turnedAway({ name, address, why });
  }

  /** What a person can do about a device that came with a wrong secret; whoever connects is told nothing of it. */
  #adviceOn(name: string, why: string): { readonly why: string; readonly try: string } | undefined {
    const { state, retirements, enrollments } = this.#started;
    return loginAdvice(name, why, {
      retirement: retirements.of(name as DeviceId),
      isDevice: state.accounts.find(name)?.role === "device",
      again: () => enrollments.enrolledAgain(name),
    });
  }

  /** Somebody was let in at the broker in this process. */
  letIn(...who: Parameters<BrokerDoor["letIn"]>): void {
    this.#parts?.brokerDoor.letIn(...who);
  }

  /** Decides what a field is, with what is held of it. @param by who decides */
  settleField(...[measurement, field, type, by]: Parameters<Settling["settle"]>): Promise<Settled> {
    return this.#started.settling.settle(measurement, field, type, by);
  }

  get rotation(): CaRotation {
    return this.#started.rotation;
  }

  get deviceRotation(): DeviceRotation {
    return this.#started.deviceRotation;
  }

  /** Files that are fetched from devices and put on them. */
  get transfers(): Transfers {
    return this.#started.transfers;
  }

  get ingest(): Ingest {
    return this.#started.ingest;
  }

  get brokerConnected(): boolean {
    return this.#started.bus.connected;
  }

  /**
   * Waits until the broker is connected.
   * @param patience milliseconds
   * @returns why it is not by then; undefined when it is
   */
  reachBroker(patience: number): Promise<string | undefined> {
    return reachBroker(this.#started.bus, this.#clock, patience);
  }

  /** How Muster itself is, for people. */
  condition(): Promise<Condition> {
    return this.#started.condition(() => this.storeHealth());
  }

  /** What the console measures of itself, at present. */
  report(): Report {
    return this.#started.reporter.read();
  }

  devices(): readonly Device[] {
    return this.registry.list();
  }

  /**
   * Takes a device away: its account, what waits for it, and what is known of it. Its samples stay in the store.
   * @param by who does, as it is told to the callers of its open commands
   * @returns false where there is no such device
   * @throws Error of the database: then nothing has changed
   */
  removeDevice(id: DeviceId, by: string): boolean {
    const { registry, state, removals } = this.#started;
    if (!registry.isKnown(id)) return false;
    noteRemoval(state, { device: id, by, now: this.clock.now() });
    removals.settle();
    return true;
  }

  /** Has a device change its secret. @throws as a command does that does not succeed: then its secret is as it was */
  rotateSecret(id: DeviceId, who: RotationOrder): Promise<void> {
    const { accounts, audit } = this.#started.state;
    const send = (...order: Parameters<Console["send"]>): Promise<Command> => this.send(...order);
    return rotateSecret(id, who, {
      accounts,
      audit,
      send,
      desk: this.desk,
      oneSecret: this.#options.bus === undefined,
    });
  }

  /** Ends a device's certificates, and what it has open with one. @returns whether it has any that is good */
  revokeCertificate(id: DeviceId, who: { readonly by: string; readonly from: string }): boolean {
    return this.#started.state.certificates.revoke(id, who) > 0;
  }

  /** How a device shows who it is. */
  identityOf(id: DeviceId): Identity {
    return identityOf(this.#started.state, id, this.clock.now());
  }

  /** Why nothing is taken of a device; undefined where it was not removed. */
  whyRemoved(id: DeviceId): string | undefined {
    return this.#started.removals.why(id);
  }

  /**
   * Sends one command to one device and awaits its final reply.
   * @returns the whole command document once it succeeded
   * @throws CommandRefusedError when it was not sent at all: unknown device, offline without `ttl`, not offered, arguments that do not fit
   * @throws CommandTimeoutError when the caller's time is over, CommandFailedError when it ended otherwise;
   *   all three carry the command in `details.command`
   */
  async send(device: string, order: SentOrder, options: SendOptions = {}): Promise<Command> {
    const timeout = parseDuration(options.timeout ?? defaults.timeout, "timeout", maxWait);
    const ttl = options.ttl === undefined ? undefined : parseDuration(options.ttl, "ttl", maxWait);
    const id = order.id === undefined ? undefined : parseCommandId(order.id);
    const command = this.desk.submit(parseDeviceId(device), { ...order, id, by: options.by ?? "api", timeout, ttl });
    return this.desk.wait(command, timeout);
  }

  get #started(): Parts {
    if (!this.#parts) throw new Error("the console is not started");
    return this.#parts;
  }

  /** One that was given is its giver's to close. */
  #openState(lifetime: Lifetime): State {
    const { state, directory, log } = this.#options;
    if (state) return state;
    const opened = openState(directory, this.#clock, log, { serves: true });
    lifetime.add(() => opened.close());
    return opened;
  }

  #compose(state: State, loaded: Loaded): Parts {
    const { root, log = silentLog } = this.#options;
    const { samples, store } = this.events;
    return compose({
      options: this.#options,
      loaded,
      state,
      topics: new Topics(root),
      clock: this.#clock,
      net: this.faults,
      log,
      events: { samples, storeChanged: () => store.emit() },
    });
  }

  /** What agents are told: whether to send all that they have. */
  get #isTaking(): boolean {
    const { ok, overload } = this.storeHealth();
    return ok && overload === undefined;
  }

  #storeChanged(): void {
    const parts = this.#parts;
    if (!parts) return;
    void parts.commandMarks.flush();
    void parts.alertMarks.flush();
    const taking = this.#isTaking;
    if (!parts.publisher.taking(taking) || !taking) return;
    parts.ingest.samples.storeIsBack();
    void parts.settling.drain();
  }
}
