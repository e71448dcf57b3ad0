import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "#api/client";
import { generateSecret } from "#shared/password";
import { freePort } from "../test/mosquitto.ts";
import { Backups } from "./backups.ts";
import { makeAccounts, type Account, type Login } from "./accounts.ts";
import { brokerUrl, type Child, type StartSettings } from "./child.ts";
import { clientOf } from "./console-client.ts";
import type { Home } from "./home.ts";
import { HostileBus } from "./hostile/hostile-bus.ts";
import type { Other } from "./other.ts";
import type { ArmMessage } from "./points.ts";
import { makeProcesses, type FleetPrograms, type Processes } from "./processes.ts";
import { devices, simpleDevice, type Device, type Role, type Setting } from "./setting.ts";
import { Site } from "./site.ts";

/** The operator who sends the commands. */
export const operator = "ann";
/** Who makes rules of alerts and channels. */
const administrator = "adm";
/** Who looks at what the broker has kept: at Mosquitto a name has one connection, and the operator's is taken. */
export const onlooker = "vic";

/** Milliseconds that the console has to come back to the broker. */
const hearingPatience = 30_000;

/** Has a file of the console's open, from before it starts until that file is about to be another. */
export interface Reader {
  open(): void;
  close(): Promise<void>;
}

/**
 * The processes of one run and the lines between them, on one data directory and fixed ports, so that what was struck comes back as
 * itself.
 */
export class Fleet {
  readonly setting: Setting;
  /** The console's, for the operator, and for the administrator. */
  readonly client: Client;
  readonly admin: Client;
  readonly site: Site;
  readonly backups: Backups;
  /** Where commands are signed, because nobody may trust what is between. */
  readonly hostileBus: HostileBus | undefined;
  readonly #programs: FleetPrograms;
  readonly #accounts: readonly Account[];
  readonly #httpPort: number;
  #processes: Processes = { children: new Map(), others: new Map(), mqttPort: 0, clone: () => undefined };
  /** What is dead, and is to stay so for now. */
  readonly #held = new Set<Role>();
  #reader: Reader | undefined;
  #tokens: Record<string, string> = {};
  #stopping = false;
  deaths = 0;
  /** Who is called when a process has died by itself. */
  onDeath: (who: Role) => void = () => {};

  private constructor(setting: Setting, programs: FleetPrograms, site: Site, httpPort: number) {
    this.setting = setting;
    this.site = site;
    this.#programs = programs;
    this.hostileBus = setting.signed && new HostileBus();
    this.backups = new Backups(programs.keeper, site.directory);
    this.#accounts = [
      { name: "console", role: "console" as const },
      { name: operator, role: "operator" as const },
      { name: onlooker, role: "viewer" as const },
      { name: administrator, role: "admin" as const },
      ...[...devices, simpleDevice].map((name) => ({ name, role: "device" as const })),
    ].map((account) => ({ ...account, secret: generateSecret() }));
    this.#httpPort = httpPort;
    this.client = clientOf(httpPort, () => this.#tokens[operator] ?? "");
    this.admin = clientOf(httpPort, () => this.#tokens[administrator] ?? "");
  }

  /** Makes accounts, starts the servers of other makers, and makes everything ready to {@link start}. */
  static async make(setting: Setting, programs: FleetPrograms): Promise<Fleet> {
    const fleet = new Fleet(setting, programs, await Site.make(setting.disks), await freePort());
    await fleet.#make();
    return fleet;
  }

  async #make(): Promise<void> {
    await this.#enroll(this.site.addHome("server"));
    this.#processes = await makeProcesses({
      setting: this.setting,
      programs: this.#programs,
      site: this.site,
      accounts: this.#accounts,
      httpPort: this.#httpPort,
      hostileBus: this.hostileBus,
      died: (who) => this.#died(who),
      serves: (who) => this.site.note(who, "serves"),
    });
  }

  /** @param reader who has files of the console's open */
  start(reader?: Reader): void {
    this.#reader = reader;
    this.#reader?.open();
    for (const child of this.#processes.children.values()) child.start();
  }

  login(username: string): Login {
    const { secret: password = "" } = this.#accounts.find(({ name }) => name === username) ?? {};
    const { mqttPort, ca } = this.#processes;
    return { url: brokerUrl(mqttPort, ca), ca, username, password };
  }

  get roles(): readonly Role[] {
    return [...this.#processes.children.keys(), ...this.#processes.others.keys()];
  }

  /** Its accounts may be damaged: they are made again, as its operator would. */
  async readmit(who: Role): Promise<void> {
    const home = this.site.home(who);
    if (who === "server" && home) await this.#enroll(home);
  }

  /** Kills it, and leaves it dead until it is revived. Resolves when it has no file open any more. */
  async kill(who: Role): Promise<void> {
    this.#held.add(who);
    await this.#process(who)?.killed();
  }

  /** Its files are about to be others: whoever else has one open lets go. */
  async release(who: Role): Promise<void> {
    if (who === "server") await this.#reader?.close();
  }

  /** Looks at the console's files by their names again. */
  async reread(): Promise<void> {
    await this.#reader?.close();
    this.#reader?.open();
  }

  /** SIGSTOP. */
  freeze(who: Role): void {
    this.#process(who)?.freeze();
  }

  /** SIGCONT. */
  thaw(who: Role): void {
    this.#process(who)?.thaw();
  }

  step(who: Role, ms: number): void {
    this.#processes.children.get(who)?.step(ms);
  }

  arm(who: Role, message: ArmMessage): void {
    this.#processes.children.get(who)?.arm(message);
  }

  /** Resolves when nobody dies of a point any more, and who has died of one is known to have. */
  async disarm(): Promise<void> {
    await Promise.all([...this.#processes.children.values()].map((child) => child.disarm()));
  }

  /** Starts it where it is dead; what others wrote serves by then. */
  async revive(who: Role, only: StartSettings = {}): Promise<void> {
    if (this.#process(who)?.alive || this.#stopping) return;
    if (who === "server") this.#reader?.open();
    this.#held.delete(who);
    this.site.note(who, only.arm ? `started again, to die at ${only.arm.point}` : "started again");
    this.#process(who)?.start(only);
    await this.#processes.others.get(who)?.ready();
  }

  /** A second agent of that name, on a copy of the first one's directory. */
  clone(device: Device, home: string): Child | undefined {
    const clone = this.#processes.clone(device, home);
    this.site.undone(() => clone?.end());
    return clone;
  }

  /** Where InfluxDB itself can be asked, where there is one. */
  get influxUrl(): string | undefined {
    return this.#processes.influxUrl;
  }

  get allAlive(): boolean {
    return this.roles.every((who) => this.#process(who)?.alive);
  }

  /** Whether all of them have come up. */
  get allServe(): boolean {
    return this.roles.every((who) => this.#process(who)?.serves);
  }

  /** What the device's agent calls its present run; empty while it starts. */
  bootOf(device: Device): string {
    return this.#processes.children.get(device)?.said ?? "";
  }

  /** Resolves when everybody that lives serves. */
  async ready(): Promise<void> {
    for (const who of this.roles) await this.#process(who)?.ready();
  }

  /** Resolves when the console is at the broker, and hears what is sent. @throws Error when it does not come */
  async hearing(): Promise<void> {
    const end = performance.now() + hearingPatience;
    while (performance.now() < end) {
      const health = await this.client.getHealth().catch(() => undefined);
      if (health?.broker?.connected) return;
      await sleep(20);
    }
    throw new Error(`the console is not at the broker within ${hearingPatience / 1_000} s`);
  }

  /** Every agent, see {@link Child.ask}. @throws Error when one does not answer in time */
  async ask(question: string, ms: number): Promise<void> {
    await Promise.all(devices.map(async (device) => this.#processes.children.get(device)?.ask(question, ms)));
  }

  /** Ends everything. @param keep leaves the directory, for people to look at */
  async stop(keep: boolean): Promise<void> {
    this.#stopping = true;
    this.hostileBus?.stop();
    for (const who of this.roles) this.thaw(who);
    for (const child of this.#processes.children.values()) await child.end();
    await this.#reader?.close();
    await this.site.leave(keep);
  }

  #process(who: Role): Child | Other | undefined {
    return this.#processes.children.get(who) ?? this.#processes.others.get(who);
  }

  async #enroll(home: Home): Promise<void> {
    this.#tokens = await makeAccounts(home.path, this.#accounts, [operator, administrator]);
    // All this was installed long ago.
    home.settle();
  }

  #died(who: Role): void {
    this.deaths += 1;
    if (!this.#held.has(who)) this.onDeath(who);
  }
}
