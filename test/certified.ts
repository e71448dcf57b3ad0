import { join } from "node:path";
import { createClient, type Client } from "#api/client";
import { systemClock, type Clock } from "#shared/clock";
import { Lifetime } from "#shared/lifetime";
import { silentLog } from "#shared/log";
import { settingNames, settings, type Settings } from "#shared/settings";
import { Agent, type AgentOptions } from "../agent/agent.ts";
import { comeIn } from "../agent/join/come-in.ts";
import { IdentityFile } from "../agent/join/identity.ts";
import type { TurnedAway } from "../broker/authenticator.ts";
import { Broker } from "../broker/broker.ts";
import { keepMosquittoFiles, writeTlsOfMosquitto } from "../commands/compose/keep-mosquitto.ts";
import { Console } from "../console/console.ts";
import { openState, type State } from "../console/state/state.ts";
import { DeviceAuthority } from "../tls/device-authority.ts";
import { tlsDirectory } from "../tls/paths.ts";
import { serveApi } from "./api-server.ts";
import type { BrokerKind } from "./fleet.ts";
import { freePort, launchShipped } from "./mosquitto.ts";
import { eventually, type Scope } from "./suite.ts";
import { startTls } from "./tls.ts";

/** A console and a broker that gives and takes devices' certificates, and machines that join by them. */
export interface Certified {
  readonly console: Console;
  readonly state: State;
  readonly client: Client;
  readonly devices: DeviceAuthority;
  readonly tls: Awaited<ReturnType<typeof startTls>>;
  /** Where devices come. */
  readonly port: number;
  /** Where the console is at Mosquitto. */
  readonly url: string | undefined;
  /** Where those come by TLS who have a password: the same port, but at Mosquitto. */
  readonly passwordPort: number;
  /** Has a machine join as `device` by a certificate. @returns its data directory */
  readonly join: (device: string, again?: { readonly data: string }) => Promise<string>;
  /** The agent of a machine that has joined. */
  readonly agent: (device: string, data: string, options?: Partial<AgentOptions>) => Agent;
  /** The same console beside a broker of the other kind, at the same host and ports, in place of the one that there was. @returns that console */
  readonly moveTo: (kind: BrokerKind) => Promise<Console>;
  readonly sees: (device: string, online: boolean) => Promise<void>;
  /** Why somebody was not taken, of late. */
  readonly whys: () => Promise<readonly string[]>;
}

const password = "correct horse";
const common = { clock: systemClock, log: silentLog };

/** @param deadlines by whose time Mosquitto has closed what has said nothing */
export async function startCertified(
  scope: Scope,
  kind: BrokerKind = "embedded",
  deadlines: Clock = systemClock,
): Promise<Certified> {
  const data = await scope.directory();
  const state = openState(data, systemClock);
  scope.cleanup(() => state.close());
  state.accounts.set("admin", "admin", password);
  const tls = await startTls(scope, { data });
  const devices = new DeviceAuthority({ ...common, directory: tlsDirectory(data) });
  await devices.start();
  scope.cleanup(() => devices.stop());
  const ports = { mqttPort: await freePort(), mqttsPort: await freePort(), certificatePort: await freePort() };
  const certificatePorts = { muster: ports.mqttsPort, mosquitto: ports.certificatePort };
  let here = new Lifetime();
  scope.cleanup(() => here.stop());
  const serve = async (of: BrokerKind) => {
    here = new Lifetime();
    const within: Scope = { cleanup: (undo) => here.add(undo), directory: scope.directory };
    const told = { turnedAway: (who: TurnedAway) => made.turnedAway(who) };
    const { port, passwordPort, ...way } = await (of === "embedded"
      ? embedded(within, { state, tls, devices, ports, ...told })
      : mosquitto(within, { state, tls, devices, ports }, deadlines));
    const given = { ...way, deviceAuthority: devices, certificatePorts };
    const made = new Console({ directory: data, state, log: silentLog, ...given });
    await made.start();
    here.add(() => made.stop());
    await eventually("the console's connection", () => made.brokerConnected);
    return { console: made, way, port, passwordPort };
  };
  const { console, way, port, passwordPort } = await serve(kind);
  const url = `mqtts://127.0.0.1:${port}`;
  const authority = () => ({ bundle: tls.authority.caBundle(), fingerprint: tls.authority.fingerprint });
  const api = await serveApi(
    scope,
    { console, state },
    {
      join: { agent: "dist/muster-agent.cjs", broker: () => url, authority },
      tls: { identity: tls.identity, plaintext: true },
    },
  );
  const client = createClient({ url: api.url, login: `admin:${password}` });
  return {
    console,
    state,
    client,
    devices,
    tls,
    port,
    url: "url" in way ? way.url : undefined,
    passwordPort,
    async join(name, again) {
      const { code } = await client.createEnrollment({
        name,
        certificate: true,
        ...(again ? { again: true } : {}),
        origin: api.url.replace("http:", "https:"),
      });
      const own = again?.data ?? (await scope.directory());
      await comeIn({ code, file: new IdentityFile(own), now: Date.now, say: () => {} });
      return own;
    },
    agent(device, own, options = {}) {
      const directory = join(own, "agent");
      const ca = tls.authority.caBundle();
      const agent = new Agent({
        device,
        url,
        ca,
        password: "",
        certified: true,
        directory,
        interval: 1_000,
        ...options,
      });
      scope.cleanup(() => agent.stop());
      agent.start();
      return agent;
    },
    async moveTo(other) {
      await here.stop();
      return (await serve(other)).console;
    },
    sees: (device, online) =>
      eventually(
        `${device} ${online ? "online" : "offline"}`,
        () => console.registry.get(device)?.online === online,
      ).then(() => {}),
    whys: async () => (await client.listRefusals()).refusals.map(({ why }) => why),
  };
}

interface Around {
  readonly state: State;
  readonly tls: Awaited<ReturnType<typeof startTls>>;
  readonly devices: DeviceAuthority;
  readonly ports: { readonly mqttPort: number; readonly mqttsPort: number; readonly certificatePort: number };
}

async function embedded(
  scope: Scope,
  { state, tls, devices, ports, turnedAway }: Around & { readonly turnedAway: (who: TurnedAway) => void },
) {
  const broker = new Broker({
    ...common,
    listen: "127.0.0.1",
    port: 0,
    tls: { listen: "127.0.0.1", port: ports.mqttsPort, identity: tls.identity, clients: devices },
    root: "muster",
    authenticate: (...login) => state.mqttSecrets.verify(...login),
    authenticateCertificate: (shown) => state.certificates.letIn(shown),
    turnedAway,
  });
  const { tlsPort: port = 0 } = await broker.start();
  scope.cleanup(() => broker.stop());
  const end = (name: string): void => {
    const ended = state.brokerCopy.ending([name]);
    broker.disconnect(name);
    ended([name]);
  };
  scope.cleanup(state.accounts.changes.on(({ name, what }) => what === "account" && end(name)));
  return { port, passwordPort: port, bus: broker.local() };
}

/** As `muster mosquitto` and a console beside it have it. */
async function mosquitto(
  scope: Scope,
  { state, tls: { authority, identity }, devices, ports }: Around,
  deadlines: Clock,
) {
  const secret = state.accounts.set("console", "console");
  const { mqttPort, mqttsPort, certificatePort } = ports;
  const url = `mqtt://127.0.0.1:${mqttPort}`;
  const defaults = Object.fromEntries(settingNames.map((name) => [name, settings[name].default]));
  const values = {
    ...(defaults as unknown as Settings),
    ...ports,
    data: state.directory,
    listen: "127.0.0.1",
    logLevel: "silent" as const,
    mqttUrl: url,
  };
  const tls = { identity, authority, devices, isServed: true, host: "127.0.0.1" };
  const lifetime = new Lifetime();
  scope.cleanup(() => lifetime.stop());
  await writeTlsOfMosquitto(values, tls);
  await keepMosquittoFiles(values, state, lifetime, tls, deadlines);
  await launchShipped(scope, { port: mqttPort, directory: join(state.directory, "mosquitto"), isTls: true });
  return { port: certificatePort, passwordPort: mqttsPort, url, username: "console", password: secret };
}
