import { mkdirSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#shared/clock";
import { generateSecret } from "#shared/password";
import { openState } from "../../console/state.ts";
import { startInflux, type InfluxServer } from "../../test/influx.ts";
import type { BrokerProcess } from "../../test/broker-process.ts";
import { freePort, startMosquitto } from "../../test/mosquitto.ts";
import { fillDisk, smallDisk } from "../../test/small-disk.ts";
import type { Programs } from "../build.ts";
import { Child } from "../child.ts";
import { Journal } from "../journal.ts";
import { Cut } from "./cut.ts";
import { devices, type Arm, type Blow, type Role, type Setting } from "./faults.ts";

/** KiB of the small file systems: room for what a run keeps, and soon filled. */
const diskSizes = { agent: 4_096, server: 65_536, influx: 262_144 };

/** The processes of one run and the lines between them, each of which can be struck and comes back as itself. */
export class Fleet {
  readonly setting: Setting;
  readonly directory: string;
  readonly token: string;
  readonly httpPort: number;
  readonly influx: InfluxServer | undefined;
  readonly #children: ReadonlyMap<Role, Child>;
  readonly #mosquitto: BrokerProcess | undefined;
  readonly #cuts: ReadonlyMap<Role, Cut>;
  readonly #disks: ReadonlyMap<Role, string>;
  readonly #incidents: Journal;
  readonly #undo: (() => unknown)[];
  /** Of the small file systems, which stay while their files are to be looked at. */
  readonly #unmount: (() => unknown)[];
  /** Servers of other makers that are down. */
  readonly #down = new Set<Role>();
  /** Fillers by the disk they fill. */
  readonly #fillers = new Map<Role, string>();
  deaths = 0;

  private constructor(parts: Parts) {
    this.setting = parts.setting;
    this.directory = parts.directory;
    this.token = parts.token;
    this.httpPort = parts.httpPort;
    this.influx = parts.influx;
    this.#children = parts.children;
    this.#mosquitto = parts.mosquitto;
    this.#cuts = parts.cuts;
    this.#disks = parts.disks;
    this.#undo = parts.undo;
    this.#unmount = parts.unmount;
    this.#incidents = new Journal(`${parts.directory}/incidents.jsonl`);
  }

  static async start(setting: Setting, programs: Programs): Promise<Fleet> {
    const directory = await mkdtemp(join(tmpdir(), "muster-chaos-"));
    const undo: (() => unknown)[] = [];
    const unmount: (() => unknown)[] = [];
    const place = (name: string) => ({
      cleanup: (one: () => unknown) => void undo.push(one),
      directory: async () => made(`${directory}/${name}`),
    });
    const disks = new Map<Role, string>();
    const home = async (role: Role, size: number): Promise<string> => {
      if (!setting.disks) return made(`${directory}/${role}`);
      const path = await smallDisk({ ...place(role), cleanup: (one) => void unmount.push(one) }, size);
      disks.set(role, path);
      return path;
    };
    const serverHome = await home("server", diskSizes.server);
    const accounts = [
      { name: "console", role: "console" as const },
      { name: "ann", role: "operator" as const },
      ...devices.map((name) => ({ name, role: "device" as const })),
    ].map((account) => ({ ...account, secret: generateSecret() }));
    const state = openState(serverHome, systemClock);
    for (const { name, role, secret } of accounts) state.accounts.set(name, role, secret);
    const token = state.accounts.issueToken("ann", "token", 86_400_000);
    state.close();

    const mosquitto = setting.broker === "mosquitto" ? await startMosquitto(place("broker"), { accounts }) : undefined;
    const mqttPort = mosquitto?.port ?? (await freePort());
    const httpPort = await freePort();
    const influxHome = setting.store === "influx" ? await home("influx", diskSizes.influx) : undefined;
    const influx =
      influxHome === undefined
        ? undefined
        : await startInflux({ ...place("influx"), directory: async () => influxHome });
    const cuts = new Map<Role, Cut>();
    const through = async (role: Role, port: number): Promise<number> => {
      const cut = new Cut(port);
      cuts.set(role, cut);
      undo.push(() => cut.stop());
      return cut.start();
    };
    const fleet: { current?: Fleet } = {};
    const child = async (who: Role, program: string, port: number, own: string, more: object): Promise<Child> => {
      const password = accounts.find(({ name }) => name === (who === "server" ? "console" : who))?.secret ?? "";
      const embedded = setting.broker === "embedded";
      const settings = { who, directory, home: own, mqttPort: port, embedded, password, ...more };
      return new Child(program, settings, () => fleet.current?.died());
    };
    const serverPort = mosquitto ? await through("server", mqttPort) : mqttPort;
    const influxUrl = influx ? `http://127.0.0.1:${await through("influx", influx.port)}/muster` : undefined;
    const children = new Map<Role, Child>();
    const more = { httpPort, ...(influxUrl === undefined ? {} : { influxUrl }) };
    children.set("server", await child("server", programs.metricsServer, serverPort, serverHome, more));
    for (const device of devices) {
      const port = await through(device, mqttPort);
      const own = await home(device, diskSizes.agent);
      children.set(device, await child(device, programs.metricsAgent, port, own, {}));
    }
    for (const one of children.values()) one.start();
    const parts = { setting, directory, token, httpPort, influx, children, mosquitto, cuts, disks, undo, unmount };
    return (fleet.current = new Fleet(parts));
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

  /** Begins a blow; {@link heal} ends it. */
  async strike({ what, who }: Blow): Promise<void> {
    this.note(who, what);
    if (what === "kill") return this.#kill(who);
    if (what === "freeze") return this.#signal(who, "SIGSTOP");
    if (what === "break") return this.#cuts.get(who)?.break();
    if (what === "hold") return this.#cuts.get(who)?.hold();
    const disk = this.#disks.get(who);
    if (disk !== undefined) this.#fillers.set(who, fillDisk(disk));
  }

  /** Ends what was done to `who`, and starts it where it is dead. */
  async heal(who: Role): Promise<void> {
    this.note(who, "healed");
    await this.#signal(who, "SIGCONT");
    const filler = this.#fillers.get(who);
    if (filler !== undefined) rmSync(filler, { force: true });
    if (this.#fillers.delete(who) && who === "influx") await this.#restartTwice(who);
    this.#cuts.get(who)?.mend();
    await this.revive(who);
  }

  /**
   * What the operator of an InfluxDB 1.x is told to do after a full disk. Until it is started anew it refuses every write. At that
   * start it cuts its log where the full disk tore it, but goes on writing behind the old end: what it takes then is lost
   * at the start after that, unless nothing was written in between.
   */
  async #restartTwice(who: Role): Promise<void> {
    this.#cuts.get(who)?.break();
    for (let turn = 0; turn < 2; turn++) {
      await this.#kill(who);
      await this.revive(who);
    }
  }

  async revive(who: Role): Promise<void> {
    const child = this.#children.get(who);
    if (child && !child.alive) child.start();
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

  /** Nothing is armed, everybody lives and serves. */
  async whole(): Promise<void> {
    for (const child of this.#children.values()) child.arm({ point: null, nth: 0 });
    for (const who of this.roles) await this.heal(who);
    for (const child of this.#children.values()) await child.ready();
  }

  get allAlive(): boolean {
    return this.#down.size === 0 && [...this.#children.values()].every(({ alive }) => alive);
  }

  /** Every agent: `rest` is answered when its outbox is empty and nothing more is measured, `work` at once. @throws Error */
  async ask(question: "rest" | "work", ms: number): Promise<void> {
    await Promise.all(devices.map(async (device) => this.#children.get(device)?.ask(question, ms)));
  }

  async stop(keep: boolean): Promise<void> {
    for (const who of this.roles) await this.#signal(who, "SIGCONT");
    for (const child of this.#children.values()) await child.end();
    this.#incidents.close();
    for (const undo of this.#undo.toReversed()) await undo();
    if (keep) return;
    for (const undo of this.#unmount) await undo();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #kill(who: Role): Promise<void> {
    const child = this.#children.get(who);
    if (child) return child.kill();
    if (this.#down.has(who)) return;
    this.#down.add(who);
    this.deaths += 1;
    if (who === "broker") await this.#mosquitto?.stop("SIGKILL");
    if (who === "influx") await this.influx?.stop("SIGKILL");
  }

  async #signal(who: Role, signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
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
  readonly httpPort: number;
  readonly influx: InfluxServer | undefined;
  readonly children: ReadonlyMap<Role, Child>;
  readonly mosquitto: BrokerProcess | undefined;
  readonly cuts: ReadonlyMap<Role, Cut>;
  readonly disks: ReadonlyMap<Role, string>;
  readonly undo: (() => unknown)[];
  readonly unmount: (() => unknown)[];
}

function made(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
