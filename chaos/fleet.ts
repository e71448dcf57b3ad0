import { mkdirSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateSecret } from "#shared/password";
import type { BrokerProcess } from "../test/broker-process.ts";
import { startExternal } from "../test/brokers.ts";
import { freePort } from "../test/mosquitto.ts";
import { makeAccounts } from "./accounts.ts";
import type { Programs } from "./build.ts";
import { Child, type StartSettings } from "./child.ts";
import { History } from "./history.ts";
import { Home } from "./home.ts";
import { Journal } from "./journal.ts";
import { devices, versionOf, type Device, type Role, type Setting } from "./setting.ts";
import type { ArmMessage } from "./points.ts";

/** The operator who sends the commands. */
const operator = "ann";
/** Who looks at what the broker has kept: at Mosquitto a name has one connection, and the operator's is taken. */
export const onlooker = "vic";

/** KiB of the disks: room for what a run keeps, and soon filled. */
const diskSizes = { agent: 4_096, server: 32_768 };

/** The processes of one run, on one data directory and fixed ports, so that what died comes back as itself. */
export class Fleet {
  readonly setting: Setting;
  readonly directory: string;
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly secrets: Readonly<Record<string, string>>;
  token: string;
  readonly #enroll: () => Promise<string>;
  readonly history: History;
  readonly #incidents: Journal;
  readonly #children: ReadonlyMap<Role, Child>;
  readonly #homes: ReadonlyMap<Role, Home>;
  readonly #mosquitto: BrokerProcess | undefined;
  /** What is dead, and is to stay so for now. */
  readonly #held = new Set<Role>();
  #mosquittoUp = true;
  #stopping = false;
  #onDeath: (who: Role) => void = () => {};
  readonly #undo: (() => unknown)[];

  private constructor(parts: FleetParts) {
    this.setting = parts.setting;
    this.directory = parts.directory;
    this.mqttPort = parts.mqttPort;
    this.httpPort = parts.httpPort;
    this.secrets = parts.secrets;
    this.token = parts.token;
    this.#enroll = parts.enroll;
    this.#mosquitto = parts.mosquitto;
    this.#homes = parts.homes;
    this.#undo = parts.undo;
    this.history = new History(`${this.directory}/server`);
    this.#incidents = new Journal(`${this.directory}/incidents.jsonl`);
    const { agent, server } = parts.programs;
    this.#children = new Map([
      ["server", this.#child("server", server)],
      ...devices.map((device): [Role, Child] => [device, this.#child(device, agent)]),
    ]);
  }

  /** Makes accounts and starts everything. */
  static async start(setting: Setting, programs: Programs): Promise<Fleet> {
    const directory = await mkdtemp(join(tmpdir(), "muster-chaos-"));
    const undo: (() => unknown)[] = [];
    const scope = {
      cleanup: (one: () => unknown) => void undo.push(one),
      directory: () => made(`${directory}/broker`),
    };
    const accounts = [
      { name: "console", role: "console" as const },
      { name: operator, role: "operator" as const },
      { name: onlooker, role: "viewer" as const },
      ...devices.map((name) => ({ name, role: "device" as const })),
    ].map((account) => ({ ...account, secret: generateSecret() }));
    const homes = new Map<Role, Home>(
      (["server", ...devices] as const).map((role) => {
        const size = role === "server" ? diskSizes.server : diskSizes.agent;
        return [role, new Home(`${directory}/${role}`, `${directory}/aside`, setting.disks, size)];
      }),
    );
    const enroll = (): Promise<string> => makeAccounts(`${directory}/server`, accounts, operator);
    const token = await enroll();
    // All this was installed long ago.
    homes.get("server")?.settle();
    const mosquitto = setting.kind === "embedded" ? undefined : await startExternal(scope, setting.kind, accounts);
    const mqttPort = mosquitto?.port ?? (await freePort());
    const httpPort = await freePort();
    const secrets = Object.fromEntries(accounts.map(({ name, secret }) => [name, secret]));
    const fleet = new Fleet({
      setting,
      homes,
      directory,
      programs,
      mosquitto,
      mqttPort,
      httpPort,
      secrets,
      token,
      enroll,
      undo,
    });
    fleet.history.open();
    for (const child of fleet.#children.values()) child.start();
    return fleet;
  }

  /** Who is called when a process has died. */
  set onDeath(listener: (who: Role) => void) {
    this.#onDeath = listener;
  }

  note(who: string, what: string): void {
    this.#incidents.add({ at: Date.now(), who, what });
  }

  /** Its accounts may be damaged: they are made again, as its operator would. */
  async readmit(who: Role): Promise<void> {
    if (who !== "server") return;
    this.token = await this.#enroll();
    this.#homes.get(who)?.settle();
  }

  home(who: Role): Home | undefined {
    return this.#homes.get(who);
  }

  isHeld(who: Role): boolean {
    return this.#held.has(who);
  }

  /** Kills it, and leaves it dead until it is revived. */
  async kill(who: Role): Promise<void> {
    this.#held.add(who);
    await this.#child_(who).killed();
  }

  async release(who: Role): Promise<void> {
    if (who === "server") await this.history.close();
  }

  /** Looks at the history by its name again. */
  async reread(): Promise<void> {
    await this.history.close();
    this.history.open();
  }

  async signal(who: Role, signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
    if (signal === "SIGSTOP") this.#child_(who).freeze();
    else this.#child_(who).thaw();
  }

  step(who: Role, ms: number): void {
    this.#child_(who).step(ms);
  }

  /** SIGKILL, as something that passes. */
  async strike(who: Role): Promise<void> {
    this.note(who, "killed");
    if (who !== "broker") return this.#child_(who).kill();
    if (!this.#mosquittoUp) return;
    this.#mosquittoUp = false;
    await this.#mosquitto?.stop("SIGKILL");
    this.#onDeath(who);
  }

  freeze(who: Role): void {
    this.note(who, "frozen");
    if (who !== "broker") this.#child_(who).freeze();
    else if (this.#mosquittoUp && this.#mosquitto) process.kill(this.#mosquitto.pid, "SIGSTOP");
  }

  thaw(who: Role): void {
    if (who !== "broker") this.#child_(who).thaw();
    else if (this.#mosquittoUp && this.#mosquitto) process.kill(this.#mosquitto.pid, "SIGCONT");
    this.note(who, "thawed");
  }

  arm(who: Role, message: ArmMessage): void {
    if (who !== "broker") this.#child_(who).arm(message);
  }

  disarm(): void {
    for (const child of this.#children.values()) child.arm({ point: null, nth: 0 });
  }

  /** Starts what is dead. */
  async revive(who: Role, only: StartSettings = {}): Promise<void> {
    if (this.isAlive(who) || this.#stopping) return;
    if (who === "server") this.history.open();
    this.#held.delete(who);
    this.note(who, only.arm ? `started again, to die at ${only.arm.point}` : "started again");
    if (who !== "broker") return this.#child_(who).start(only);
    await this.#mosquitto?.start();
    this.#mosquittoUp = true;
    this.note(who, "serves");
  }

  isAlive(who: Role): boolean {
    return who === "broker" ? this.#mosquittoUp : this.#child_(who).alive;
  }

  get allAlive(): boolean {
    return this.#mosquittoUp && [...this.#children.values()].every(({ alive }) => alive);
  }

  /** Whether all of them have come up. */
  get allServe(): boolean {
    return this.#mosquittoUp && [...this.#children.values()].every(({ serves }) => serves);
  }

  /** What the device's agent calls its present run; empty while it starts. */
  bootOf(device: Device): string {
    return this.#child_(device).said;
  }

  async ready(): Promise<void> {
    for (const child of this.#children.values()) await child.ready();
  }

  /** Ends everything. @param keep leaves the directory, for people to look at */
  async stop(keep: boolean): Promise<void> {
    this.#stopping = true;
    for (const child of this.#children.values()) await child.end();
    await this.history.close();
    this.#incidents.close();
    for (const undo of this.#undo.toReversed()) await undo();
    if (keep) return;
    for (const home of this.#homes.values()) home.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #child(who: "server" | Device, program: string): Child {
    const { directory, mqttPort, httpPort, secrets, setting } = this;
    const password = secrets[who === "server" ? "console" : who] ?? "";
    const embedded = setting.kind === "embedded";
    const settings = { who, directory, mqttPort, httpPort, embedded, mqtt: versionOf(setting), password };
    return new Child(
      program,
      settings,
      () => this.#onDeath(who),
      () => this.note(who, "serves"),
    );
  }

  #child_(who: Role): Child {
    const child = this.#children.get(who);
    if (!child) throw new Error(`there is no process "${who}"`);
    return child;
  }
}

interface FleetParts {
  readonly setting: Setting;
  readonly homes: ReadonlyMap<Role, Home>;
  readonly directory: string;
  readonly programs: Programs;
  readonly mosquitto: BrokerProcess | undefined;
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly secrets: Readonly<Record<string, string>>;
  readonly token: string;
  readonly enroll: () => Promise<string>;
  readonly undo: (() => unknown)[];
}

async function made(path: string): Promise<string> {
  mkdirSync(path, { recursive: true });
  return path;
}
