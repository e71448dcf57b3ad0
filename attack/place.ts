import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#shared/clock";
import { Lifetime } from "#shared/lifetime";
import { generateSecret } from "#shared/password";
import { openState } from "../console/state/state.ts";
import { freePort } from "../test/mosquitto.ts";
import { musterProgram, runProgram, type Finished } from "../test/programs.ts";
import { eventually } from "../test/suite.ts";
import { Peer, type PeerLogin } from "./peer.ts";
import { Server } from "./server.ts";
import { ask, type Answer, type Ask } from "./web.ts";

export type BrokerKind = "embedded" | "mosquitto";

/** People of the installation, with their roles; `Vera` has a name that no device can have. */
const people = { admin: "admin", olaf: "operator", vera: "viewer", Vera: "viewer" } as const;
export type Person = keyof typeof people;

/** Devices that nobody attacks from: the healthy one is an agent in a process of its own, `victim` is played by the cases. */
export const healthy = "healthy";
export const victim = "victim";

/** One installation under attack: the server, its broker, a healthy agent, and secrets for everybody. */
export class Place {
  readonly kind: BrokerKind;
  readonly directory: string;
  readonly data: string;
  readonly http: number;
  readonly mqtt: number;
  readonly server: Server;
  readonly #secrets = new Map<string, string>();
  readonly #mqttSecrets = new Map<string, string>();
  readonly #lifetime = new Lifetime();
  readonly #env: NodeJS.ProcessEnv;
  #agent: ChildProcess | undefined;
  mosquittoPid = 0;

  private constructor(kind: BrokerKind, directory: string, http: number, mqtt: number) {
    this.kind = kind;
    this.directory = directory;
    this.data = join(directory, "data");
    this.http = http;
    this.mqtt = mqtt;
    for (const name of Object.keys(people)) this.#secrets.set(name, generateSecret());
    this.#env = {
      MUSTER_DATA: this.data,
      MUSTER_HTTP_PORT: String(http),
      MUSTER_MQTT_PORT: String(mqtt),
      MUSTER_DEVICE: "server",
      MUSTER_ADMIN_PASSWORD: this.secretOf("admin"),
      ...(kind === "mosquitto" ? { MUSTER_MQTT_URL: `mqtt://127.0.0.1:${mqtt}` } : {}),
    };
    this.server = new Server(this.#env, join(directory, "server.log"));
  }

  /** @param attackers devices that the cases play */
  static async open(kind: BrokerKind, attackers: readonly string[]): Promise<Place> {
    const directory = await mkdtemp(join(tmpdir(), "muster-attack-"));
    const place = new Place(kind, directory, await freePort(), await freePort());
    try {
      place.#enroll([healthy, victim, ...attackers]);
      if (kind === "mosquitto") await place.#startMosquitto();
      await place.server.start();
      place.#lifetime.add(() => place.server.stop("SIGKILL"));
      await place.#startAgent();
      return place;
    } catch (error) {
      await place.close();
      throw error;
    }
  }

  secretOf(name: string): string {
    const secret = this.#secrets.get(name);
    if (secret === undefined) throw new Error(`nobody is called ${name}`);
    return secret;
  }

  ask(path: string, { as, ...rest }: Omit<Ask, "as"> & { readonly as?: Person | undefined } = {}): Promise<Answer> {
    return ask(this.http, path, { ...rest, as: as && `${as}:${this.secretOf(as)}` });
  }

  /** A document. @throws Error for another status than 200 */
  async read<T>(path: string, as: Person = "vera"): Promise<T> {
    const { status, text } = await this.ask(path, { as });
    if (status !== 200) throw new Error(`GET ${path} answers ${status}: ${text.slice(0, 300)}`);
    return JSON.parse(text) as T;
  }

  /** Somebody who is logged in at the broker. */
  enter(name: string, options: Partial<PeerLogin> = {}): Promise<Peer> {
    const secret = this.#mqttSecrets.get(name) ?? this.secretOf(name);
    return new Peer({ port: this.mqtt, name, secret, ...options }).enter();
  }

  /** The command line, on this installation. */
  muster(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    return runProgram(...musterProgram(args), { env: { ...this.#env, ...env } });
  }

  /** Milliseconds that the healthy device takes to answer a command over HTTP. @throws Error when it does not */
  async roundTrip(): Promise<number> {
    const { status, text, ms } = await this.ask(`/api/devices/${healthy}/commands`, {
      as: "olaf",
      method: "POST",
      body: { key: "ping", timeout: 10_000 },
    });
    const { state } = JSON.parse(text) as { state?: string };
    if (status === 200 && state === "succeeded") return ms;
    throw new Error(`a ping of the healthy device answers ${status}: ${text.slice(0, 300)}`);
  }

  /** Waits until the console sees the healthy device, and it answers. */
  async healthyAnswers(seconds = 40): Promise<void> {
    await eventually("the healthy device's answer", () => this.roundTrip(), seconds);
  }

  close(): Promise<void> {
    return this.#lifetime.stop();
  }

  #enroll(devices: readonly string[]): void {
    const state = openState(this.data, systemClock);
    try {
      for (const [name, role] of Object.entries(people)) {
        state.accounts.set(name, role, this.secretOf(name));
        this.#mqttSecrets.set(name, state.mqttSecrets.issue(name));
      }
      const secret = generateSecret();
      state.accounts.addDevices(devices, secret);
      for (const name of devices) this.#secrets.set(name, secret);
    } finally {
      state.close();
    }
  }

  /** The shipped file and the ones that Muster renders; only ports, paths and user are changed. */
  async #startMosquitto(): Promise<void> {
    const rendered = await this.muster(["mosquitto"]);
    if (rendered.code !== 0) throw new Error(`muster mosquitto: ${rendered.err}`);
    const shipped = readFileSync("mosquitto.conf", "utf8")
      .replace(/^listener 1883 /m, `listener ${this.mqtt} `)
      .replaceAll(/(?<=\s)data\/mosquitto\//g, `${this.data}/mosquitto/`)
      .replace(/^#user root$/m, process.getuid?.() === 0 ? "user root" : "");
    const path = join(this.directory, "mosquitto.conf");
    writeFileSync(path, shipped);
    this.mosquittoPid = this.#spawn("mosquitto", ["-c", path], {}).pid ?? 0;
    const login = [
      "-h",
      "127.0.0.1",
      "-p",
      String(this.mqtt),
      "-u",
      healthy,
      "-P",
      this.secretOf(healthy),
      "-i",
      healthy,
    ];
    await eventually("Mosquitto", async () => {
      const { code } = await runProgram("mosquitto_pub", [...login, "-t", `muster/${healthy}/reply/1`, "-n"]);
      return code === 0;
    });
  }

  /** Starts the server and the healthy agent where they have ended. */
  async revive(): Promise<void> {
    if (!this.server.alive) await this.server.start();
    if (!this.agentAlive) await this.#startAgent();
    await this.healthyAnswers();
  }

  get agentAlive(): boolean {
    return this.#agent !== undefined && this.#agent.exitCode === null && this.#agent.signalCode === null;
  }

  async #startAgent(): Promise<void> {
    this.#agent = this.#spawnAgent(healthy);
    await this.healthyAnswers();
  }

  /** A real agent as a case's device, until the place is closed; resolves when the console sees it. */
  async startAgent(device: string, env: NodeJS.ProcessEnv): Promise<void> {
    this.#spawnAgent(device, env);
    await eventually(`${device} at the console`, async () => {
      const { status, text } = await this.ask(`/api/devices/${device}`, { as: "vera" });
      return status === 200 && (JSON.parse(text) as { online: boolean }).online;
    });
  }

  #spawnAgent(device: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
    const [command, args] = musterProgram(["agent"]);
    return this.#spawn(command, args, {
      MUSTER_DATA: join(this.directory, device),
      MUSTER_DEVICE: device,
      MUSTER_INTERVAL: "1s",
      MUSTER_MQTT_URL: `mqtt://${device}:${this.secretOf(device)}@127.0.0.1:${this.mqtt}`,
      ...env,
    });
  }

  #spawn(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const log = openSync(join(this.directory, `${args.at(-1)?.split("/").pop() ?? command}.log`), "a");
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", log, log] });
    closeSync(log);
    this.#lifetime.add(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    });
    return child;
  }
}
