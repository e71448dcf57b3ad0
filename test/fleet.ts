import { Agent, type AgentOptions } from "../agent/agent.ts";
import { Broker, type BrokerOptions } from "../broker/broker.ts";
import { Console, type ConsoleOptions } from "../console/console.ts";
import { openState, type State } from "../console/state/state.ts";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { generateSecret } from "#shared/password";
import { seatsOf } from "#shared/principal";
import type { IdentitySource } from "#shared/tls-door";
import { startExternal, type Account, type ExternalKind } from "./brokers.ts";
import { startMosquitto } from "./mosquitto.ts";
import { runProgram, Running, type Finished } from "./programs.ts";
import { eventually, type Scope } from "./suite.ts";

export type BrokerKind = "embedded" | ExternalKind;
/** Those over which whole suites run. */
export const brokerKinds: readonly BrokerKind[] = ["embedded", "mosquitto"];

/** A broker and a console, and agents as they are asked for: real ones, over sockets. */
export interface Fleet {
  readonly console: Console;
  readonly state: State;
  readonly port: number;
  readonly url: string;
  /** The same by TLS; where nothing is shown to those who come by it, there is none. */
  readonly tlsUrl: string;
  /** The directory of Mosquitto's files. */
  readonly mosquitto: string | undefined;
  /** An agent that has been seen online; it samples once a second and keeps nothing. */
  agent(device?: string, options?: Partial<AgentOptions>): Promise<Agent>;
  /** An agent that has not been started. */
  newAgent(device?: string, options?: Partial<AgentOptions>): Agent;
  /** Waits until the console sees the device on- or offline. */
  sees(device: string, online: boolean): Promise<void>;
  /** Arguments that log `who` in with mosquitto's programs. */
  login(who?: string): string[];
  pub(...args: string[]): Promise<Finished>;
  sub(scope: Scope, ...args: string[]): Promise<Running>;
  restartBroker(): Promise<void>;
  secretOf(name: string): string;
  /** A name of the operator for one more connection that stays. */
  seat(): string;
}

const devices = ["rpi-7", "rpi-8"];
const people = [
  { name: "ann", role: "operator" },
  { name: "vic", role: "viewer" },
] as const;

export async function startFleet(
  scope: Scope,
  kind: BrokerKind,
  options: Partial<ConsoleOptions> = {},
  tls?: FleetTls,
): Promise<Fleet> {
  const directory = options.state?.directory ?? (await scope.directory());
  const state = options.state ?? openState(directory, systemClock);
  scope.cleanup(() => state.close());
  const accounts = [
    { name: "console", role: "console" as const },
    ...devices.map((name) => ({ name, role: "device" as const })),
    ...people,
  ].map((account) => ({ ...account, secret: generateSecret() }));
  for (const { name, role, secret } of accounts) state.accounts.set(name, role, secret);
  const secretOf = (name: string): string =>
    accounts.find((account) => seatsOf(account.name).includes(name))?.secret ?? "nobody's secret";
  // At Mosquitto a name has one connection: the first is for programs that come and go, the others for those that stay.
  const free = seatsOf("ann").slice(1);
  const seat = (): string => {
    const next = kind === "embedded" ? "ann" : free.shift();
    if (next === undefined) throw new Error("all of ann's connections are taken");
    return next;
  };
  const turnedAway: NonNullable<BrokerOptions["turnedAway"]> = (who) => console.turnedAway(who);
  const letIn: NonNullable<BrokerOptions["letIn"]> = (who, address) => console.letIn(who, address);
  const broker =
    kind === "embedded"
      ? await embedded(scope, state, { turnedAway, letIn }, tls)
      : await external(scope, kind, accounts, tls);
  const way = broker.bus
    ? { bus: broker.bus }
    : { url: broker.url, password: secretOf("console"), mqttVersion: broker.version };
  const console = new Console({ directory, state, log: silentLog, ...way, ...options });
  await console.start();
  scope.cleanup(() => console.stop());
  await eventually("the console's connection", () => console.brokerConnected);

  const newAgent = (device = "rpi-7", own: Partial<AgentOptions> = {}): Agent => {
    const agent = new Agent({
      device,
      url: broker.url,
      password: secretOf(device),
      interval: 1_000,
      mqttVersion: broker.version,
      ...own,
    });
    scope.cleanup(() => agent.stop());
    return agent;
  };
  const sees = async (device: string, online: boolean): Promise<void> => {
    await eventually(
      `${device} ${online ? "online" : "offline"}`,
      () => console.registry.get(device)?.online === online,
    );
  };
  const login = (who = "ann"): string[] => {
    const id = devices.includes(who) ? ["-i", who] : [];
    return ["-h", "127.0.0.1", "-p", String(broker.port), "-u", who, "-P", secretOf(who), ...id];
  };
  return {
    console,
    state,
    port: broker.port,
    url: broker.url,
    tlsUrl: `mqtts://127.0.0.1:${broker.tlsPort}`,
    mosquitto: broker.directory,
    newAgent,
    sees,
    login,
    async agent(device = "rpi-7", own = {}) {
      const agent = newAgent(device, own);
      agent.start();
      await sees(device, true);
      return agent;
    },
    pub: (...args) => runProgram("mosquitto_pub", [...login(), ...args]),
    async sub(inner, ...args) {
      const program = new Running(inner, "stdbuf", ["-oL", "mosquitto_sub", ...login(seat()), "-d", "-v", ...args]);
      await program.line(/Subscribed \(mid/);
      return program;
    },
    restartBroker: broker.restart,
    secretOf,
    seat,
  };
}

/** What the broker shows to those who come by TLS. */
export interface FleetTls {
  readonly identity: IdentitySource;
  readonly bundle: string;
}

async function embedded(
  scope: Scope,
  { accounts, groups }: State,
  heard: Pick<BrokerOptions, "turnedAway" | "letIn">,
  tls?: FleetTls,
) {
  const broker = new Broker({
    ...heard,
    listen: "127.0.0.1",
    port: 0,
    tls: tls && { listen: "127.0.0.1", port: 0, identity: tls.identity },
    root: "muster",
    authenticate: (name, secret, source) => accounts.verify(name, secret, source),
    groupsOf: (device) => groups.of(device),
    clock: systemClock,
    log: silentLog,
  });
  const { port, tlsPort } = await broker.start();
  scope.cleanup(() => broker.stop());
  accounts.changes.on(({ name, what }) => what === "account" && broker.disconnect(name));
  // The embedded broker lives and dies with the console's process: its restart is that of everything.
  const restart = (): Promise<void> => Promise.reject(new Error("the embedded broker is not restarted alone"));
  const url = `mqtt://127.0.0.1:${port}`;
  return { port, tlsPort, directory: undefined, url, bus: broker.local(), version: 4 as const, restart };
}

async function external(scope: Scope, kind: ExternalKind, accounts: readonly Account[], tls?: FleetTls) {
  const shown = tls && { identity: tls.identity.current(), bundle: tls.bundle };
  const mosquitto = kind === "mosquitto" ? await startMosquitto(scope, { accounts, tls: shown }) : undefined;
  const broker = mosquitto ?? (await startExternal(scope, kind, accounts));
  const restart = async (): Promise<void> => {
    await broker.stop("SIGKILL");
    await broker.start();
  };
  const { port, url } = broker;
  const { tlsPort, directory } = mosquitto ?? {};
  return { port, tlsPort, directory, url, bus: undefined, version: "auto" as const, restart };
}
