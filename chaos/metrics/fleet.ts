import { mkdirSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generateSecret } from "#shared/password";
import { startInflux, type InfluxServer } from "../../test/influx.ts";
import type { BrokerProcess } from "../../test/broker-process.ts";
import { freePort, startMosquitto } from "../../test/mosquitto.ts";
import { makeAccounts } from "../accounts.ts";
import type { Programs } from "../build.ts";
import { Child, type StartSettings } from "../child.ts";
import { Home } from "../home.ts";
import { Journal } from "../journal.ts";
import { Cut } from "./cut.ts";
import { devices, simpleDevice, type Arm, type Device, type Role, type Setting } from "./faults.ts";

/** KiB of the small file systems: room for what a run keeps, and soon filled. */
const diskSizes = { agent: 4_096, server: 65_536, influx: 262_144 };

/** Milliseconds that the console has to come back to the broker. */
const hearingPatience = 30_000;

/** The processes of one run and the lines between them, each of which can be struck and comes back as itself. */
export class Fleet {
  readonly setting: Setting;
  readonly directory: string;
  token: string;
  readonly #enroll: () => Promise<string>;
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly secrets: Readonly<Record<string, string>>;
  readonly influx: InfluxServer | undefined;
  readonly #children: ReadonlyMap<Role, Child>;
  readonly #mosquitto: BrokerProcess | undefined;
  readonly #cuts: ReadonlyMap<Role, Cut>;
  readonly #homes: ReadonlyMap<Role, Home>;
  readonly #clone: (device: Device, home: string) => Child;
  readonly #incidents: Journal;
  readonly #undo: (() => unknown)[];
  /** Servers of other makers that are down. */
  readonly #down = new Set<Role>();
  #stopping = false;
  deaths = 0;

  private constructor(parts: Parts) {
    this.setting = parts.setting;
    this.directory = parts.directory;
    this.token = parts.token;
    this.#enroll = parts.enroll;
    this.httpPort = parts.httpPort;
    this.influx = parts.influx;
    this.#children = parts.children;
    this.#mosquitto = parts.mosquitto;
    this.#cuts = parts.cuts;
    this.#homes = parts.homes;
    this.#clone = parts.clone;
    this.#undo = parts.undo;
    this.mqttPort = parts.mqttPort;
    this.secrets = parts.secrets;
    this.#incidents = new Journal(`${parts.directory}/incidents.jsonl`);
  }

  static async start(setting: Setting, programs: Programs): Promise<Fleet> {
    const directory = await mkdtemp(join(tmpdir(), "muster-chaos-"));
    const undo: (() => unknown)[] = [];
    const place = (name: string) => ({
      cleanup: (one: () => unknown) => void undo.push(one),
      directory: async () => made(`${directory}/${name}`),
    });
    const homes = new Map<Role, Home>();
    const home = (role: Role, size: number): string => {
      const disks = role === "influx" && setting.disks === "images" ? "small" : setting.disks;
      const made = new Home(`${directory}/${role}`, `${directory}/aside`, disks, size);
      homes.set(role, made);
      return made.path;
    };
    const serverHome = home("server", diskSizes.server);
    const accounts = [
      { name: "console", role: "console" as const },
      { name: "ann", role: "operator" as const },
      ...[...devices, simpleDevice].map((name) => ({ name, role: "device" as const })),
    ].map((account) => ({ ...account, secret: generateSecret() }));
    const enroll = (): Promise<string> => makeAccounts(serverHome, accounts, "ann");
    const token = await enroll();

    const mosquitto = setting.broker === "mosquitto" ? await startMosquitto(place("broker"), { accounts }) : undefined;
    const mqttPort = mosquitto?.port ?? (await freePort());
    const httpPort = await freePort();
    const influxHome = setting.store === "influx" ? home("influx", diskSizes.influx) : undefined;
    const influx =
      influxHome === undefined
        ? undefined
        : await startInflux({ ...place("influx"), directory: async () => influxHome });
    // All this was installed long ago.
    homes.get("server")?.settle();
    const cuts = new Map<Role, Cut>();
    const through = async (role: Role, port: number): Promise<number> => {
      const cut = new Cut(port);
      cuts.set(role, cut);
      undo.push(() => cut.stop());
      return cut.start();
    };
    const fleet: { current?: Fleet } = {};
    const secrets = Object.fromEntries(accounts.map(({ name, secret }) => [name, secret]));
    const child = (who: Role, program: string, port: number, own: string, more: object): Child => {
      const password = secrets[who === "server" ? "console" : who] ?? "";
      const embedded = setting.broker === "embedded";
      const mqtt = embedded ? 4 : "auto";
      const settings = { who, directory, home: own, mqttPort: port, embedded, mqtt, password, ...more } as const;
      return new Child(program, settings, () => fleet.current?.died());
    };
    const serverPort = mosquitto ? await through("server", mqttPort) : mqttPort;
    const influxUrl = influx ? `http://127.0.0.1:${await through("influx", influx.port)}/muster` : undefined;
    const children = new Map<Role, Child>();
    const more = { httpPort, ...(influxUrl === undefined ? {} : { influxUrl }) };
    children.set("server", child("server", programs.metricsServer, serverPort, serverHome, more));
    const ports = new Map<Device, number>();
    for (const device of devices) {
      const port = await through(device, mqttPort);
      ports.set(device, port);
      children.set(device, child(device, programs.metricsAgent, port, home(device, diskSizes.agent), {}));
    }
    const clone = (device: Device, own: string): Child =>
      child(device, programs.metricsAgent, ports.get(device) ?? 0, own, { copied: true });
    for (const one of children.values()) one.start();
    const parts = {
      setting,
      directory,
      token,
      enroll,
      httpPort,
      mqttPort,
      secrets,
      influx,
      children,
      mosquitto,
      cuts,
      homes,
    };
    return (fleet.current = new Fleet({ ...parts, clone, undo }));
  }

  note(who: string, what: string): void {
    this.#incidents.add({ at: Date.now(), who, what });
  }

  died(): void {
    this.deaths += 1;
  }

  arm({ who, point, nth }: Arm): void {
    this.#children.get(who)?.arm({ point, nth });
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

  /** Nobody else has a file of theirs open: the stores are asked through those who keep them. */
  async release(): Promise<void> {}

  cut(who: Role): Cut | undefined {
    return this.#cuts.get(who);
  }

  /** A second agent of that name, on a copy of the first one's directory. */
  clone(device: Device, home: string): Child {
    const clone = this.#clone(device, home);
    this.#undo.push(() => clone.end());
    return clone;
  }

  step(who: Role, ms: number): void {
    this.#children.get(who)?.step(ms);
  }

  async revive(who: Role, only: StartSettings = {}): Promise<void> {
    if (this.#stopping) return;
    this.#children.get(who)?.start(only);
    if (!this.#down.delete(who)) return;
    if (who === "broker") await this.#mosquitto?.start();
    if (who === "influx") await this.influx?.start();
  }

  get roles(): readonly Role[] {
    const others: Role[] = [];
    if (this.#mosquitto) others.push("broker");
    if (this.influx) others.push("influx");
    return [...this.#children.keys(), ...others];
  }

  /** Resolves when nobody dies of a point any more, and who has died of one is known to have. */
  async disarm(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => child.disarm()));
  }

  /** Resolves when everybody that lives serves. */
  async ready(): Promise<void> {
    for (const child of this.#children.values()) await child.ready();
  }

  /** Resolves when the console is at the broker, and hears what is sent. @throws Error when it does not come */
  async hearing(): Promise<void> {
    const end = performance.now() + hearingPatience;
    while (performance.now() < end) {
      if (await this.#isHearing().catch(() => false)) return;
      await sleep(20);
    }
    throw new Error(`the console is not at the broker within ${hearingPatience / 1_000} s`);
  }

  async #isHearing(): Promise<boolean> {
    const response = await fetch(`http://127.0.0.1:${this.httpPort}/healthz`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    return ((await response.json()) as { broker?: { connected: boolean } }).broker?.connected === true;
  }

  /** Every agent: `rest` is answered when its outbox is empty and nothing more is measured, `work` at once. @throws Error */
  async ask(question: "rest" | "work", ms: number): Promise<void> {
    await Promise.all(devices.map(async (device) => this.#children.get(device)?.ask(question, ms)));
  }

  async stop(keep: boolean): Promise<void> {
    this.#stopping = true;
    for (const who of this.roles) await this.signal(who, "SIGCONT");
    for (const child of this.#children.values()) await child.end();
    this.#incidents.close();
    for (const undo of this.#undo.toReversed()) await undo();
    if (keep) return;
    for (const home of this.#homes.values()) home.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Resolves when it is dead. */
  async kill(who: Role): Promise<void> {
    const child = this.#children.get(who);
    if (child) return child.killed();
    if (this.#down.has(who)) return;
    this.#down.add(who);
    this.deaths += 1;
    if (who === "broker") await this.#mosquitto?.stop("SIGKILL");
    if (who === "influx") await this.influx?.stop("SIGKILL");
  }

  async signal(who: Role, signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
    const child = this.#children.get(who);
    if (child) return signal === "SIGSTOP" ? child.freeze() : child.thaw();
    if (this.#down.has(who)) return;
    if (who === "influx") this.influx?.signal(signal);
    else if (this.#mosquitto) process.kill(this.#mosquitto.pid, signal);
  }
}

interface Parts {
  readonly setting: Setting;
  readonly directory: string;
  readonly token: string;
  readonly enroll: () => Promise<string>;
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly secrets: Readonly<Record<string, string>>;
  readonly influx: InfluxServer | undefined;
  readonly children: ReadonlyMap<Role, Child>;
  readonly mosquitto: BrokerProcess | undefined;
  readonly cuts: ReadonlyMap<Role, Cut>;
  readonly homes: ReadonlyMap<Role, Home>;
  readonly clone: (device: Device, home: string) => Child;
  readonly undo: (() => unknown)[];
}

function made(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
