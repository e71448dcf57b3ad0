import { mkdirSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#shared/clock";
import { generateSecret } from "#shared/password";
import { openState } from "../console/state.ts";
import type { BrokerProcess } from "../test/broker-process.ts";
import { startExternal } from "../test/brokers.ts";
import { freePort } from "../test/mosquitto.ts";
import type { Programs } from "./build.ts";
import { Child } from "./child.ts";
import { History } from "./history.ts";
import { Journal } from "./journal.ts";
import { devices, type BrokerKind, type Device, type Role } from "./plan.ts";
import type { ArmMessage } from "./points.ts";

/** The operator who sends the commands. */
const operator = "ann";
/** Who looks at what the broker has kept: at Mosquitto a name has one connection, and the operator's is taken. */
export const onlooker = "vic";

/** The processes of one run, on one data directory and fixed ports, so that what died comes back as itself. */
export class Fleet {
  readonly kind: BrokerKind;
  readonly directory: string;
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly secrets: Readonly<Record<string, string>>;
  readonly token: string;
  readonly history: History;
  readonly #incidents: Journal;
  readonly #children: ReadonlyMap<Role, Child>;
  readonly #mosquitto: BrokerProcess | undefined;
  #mosquittoUp = true;
  #onDeath: (who: Role) => void = () => {};
  readonly #undo: (() => unknown)[];

  private constructor(parts: FleetParts) {
    this.kind = parts.kind;
    this.directory = parts.directory;
    this.mqttPort = parts.mqttPort;
    this.httpPort = parts.httpPort;
    this.secrets = parts.secrets;
    this.token = parts.token;
    this.#mosquitto = parts.mosquitto;
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
  static async start(kind: BrokerKind, programs: Programs): Promise<Fleet> {
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
    const state = openState(`${directory}/server`, systemClock);
    for (const { name, role, secret } of accounts) state.accounts.set(name, role, secret);
    const token = state.accounts.issueToken(operator, "token", 86_400_000);
    state.close();
    const mosquitto = kind === "embedded" ? undefined : await startExternal(scope, kind, accounts);
    const mqttPort = mosquitto?.port ?? (await freePort());
    const httpPort = await freePort();
    const secrets = Object.fromEntries(accounts.map(({ name, secret }) => [name, secret]));
    const fleet = new Fleet({ kind, directory, programs, mosquitto, mqttPort, httpPort, secrets, token, undo });
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

  async kill(who: Role): Promise<void> {
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
  async revive(who: Role, arm?: ArmMessage): Promise<void> {
    if (this.isAlive(who)) return;
    this.note(who, arm ? `started again, to die at ${arm.point}` : "started again");
    if (who !== "broker") return this.#child_(who).start(arm);
    await this.#mosquitto?.start();
    this.#mosquittoUp = true;
  }

  isAlive(who: Role): boolean {
    return who === "broker" ? this.#mosquittoUp : this.#child_(who).alive;
  }

  get allAlive(): boolean {
    return this.#mosquittoUp && [...this.#children.values()].every(({ alive }) => alive);
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
    for (const child of this.#children.values()) await child.end();
    this.history.close();
    this.#incidents.close();
    for (const undo of this.#undo.toReversed()) await undo();
    if (!keep) rmSync(this.directory, { recursive: true, force: true });
  }

  #child(who: "server" | Device, program: string): Child {
    const { directory, mqttPort, httpPort, secrets, kind } = this;
    const password = secrets[who === "server" ? "console" : who] ?? "";
    const settings = { who, directory, mqttPort, httpPort, embedded: kind === "embedded", password };
    return new Child(program, settings, () => this.#onDeath(who));
  }

  #child_(who: Role): Child {
    const child = this.#children.get(who);
    if (!child) throw new Error(`there is no process "${who}"`);
    return child;
  }
}

interface FleetParts {
  readonly kind: BrokerKind;
  readonly directory: string;
  readonly programs: Programs;
  readonly mosquitto: BrokerProcess | undefined;
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly secrets: Readonly<Record<string, string>>;
  readonly token: string;
  readonly undo: (() => unknown)[];
}

async function made(path: string): Promise<string> {
  mkdirSync(path, { recursive: true });
  return path;
}
