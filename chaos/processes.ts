import { startExternal, type ExternalKind } from "../test/brokers.ts";
import { startInflux } from "../test/influx.ts";
import { freePort, startMosquitto } from "../test/mosquitto.ts";
import { startTls } from "../test/tls.ts";
import type { Account } from "./accounts.ts";
import type { HostileBus } from "./hostile/hostile-bus.ts";
import { person } from "./person.ts";
import { Child, type ProcessSettings } from "./child.ts";
import { Other, type OtherServer } from "./other.ts";
import { devices, versionOf, type Device, type Role, type Setting } from "./setting.ts";
import type { Site } from "./site.ts";

/** The programs of a fleet. */
export interface FleetPrograms {
  readonly server: string;
  readonly agent: string;
  readonly keeper: string;
  /** Whether the console waits no longer than others do. */
  readonly hastyConsole: boolean;
}

export interface ProcessesOptions {
  readonly setting: Setting;
  readonly programs: FleetPrograms;
  readonly site: Site;
  readonly accounts: readonly Account[];
  readonly httpPort: number;
  /** Through whose hands goes what devices hear, where somebody's are. */
  readonly hostileBus: HostileBus | undefined;
  readonly died: (who: Role) => void;
  readonly serves: (who: Role) => void;
}

/** The processes of a fleet: its own, which are not started yet, and those of other makers, which are. */
export interface Processes {
  readonly children: ReadonlyMap<Role, Child>;
  readonly others: ReadonlyMap<Role, Other>;
  readonly mqttPort: number;
  /** With TLS: the authority that is trusted there, as PEM. */
  readonly ca?: string | undefined;
  readonly influxUrl?: string;
  /** A second agent of that name, on a copy of the first one's directory. */
  readonly clone: (device: Device, home: string) => Child | undefined;
}

/** Everybody connects to the others through lines that can be cut; the console has its home already. */
export async function makeProcesses(options: ProcessesOptions): Promise<Processes> {
  const { setting, programs, site, accounts, httpPort, died, serves } = options;
  const others = new Map<Role, Other>();
  const other = (who: Role, server: OtherServer): void =>
    void others.set(
      who,
      new Other(
        server,
        () => died(who),
        () => serves(who),
      ),
    );

  const shown = setting.tls ? await certificates(site) : undefined;
  const ca = shown?.bundle;
  let mqttPort = await freePort();
  let consolePort = mqttPort;
  if (setting.broker !== "embedded") {
    const { broker, port } = await startBroker(options, setting.broker, shown);
    other("broker", broker);
    mqttPort = port;
    consolePort = await site.through("server", mqttPort);
  }
  let influxUrl: string | undefined;
  const store: { influxUrl?: string } = {};
  if (setting.store === "influx") {
    const { path } = site.addHome("influx");
    const influx = await startInflux({ ...site.scope("influx"), directory: async () => path });
    other("influx", influx);
    influxUrl = influx.url;
    store.influxUrl = `http://127.0.0.1:${await site.through("influx", influx.port)}/muster`;
  }

  const child = (who: Device | "server", more: Partial<ProcessSettings> & { readonly mqttPort: number }): Child => {
    const account = accounts.find(({ name }) => name === (who === "server" ? "console" : who));
    const settings: ProcessSettings = {
      who,
      directory: site.directory,
      home: site.home(who)?.path ?? "",
      embedded: setting.broker === "embedded",
      mqtt: versionOf(setting),
      ca,
      ...(who === "server" ? { identity: shown?.identity } : pinned(setting)),
      password: account?.secret ?? "",
      ...more,
    };
    return new Child(
      who === "server" ? programs.server : programs.agent,
      settings,
      () => died(who),
      () => serves(who),
    );
  };
  const hasty = programs.hastyConsole;
  const children = new Map([["server" as Role, child("server", { mqttPort: consolePort, httpPort, hasty, ...store })]]);
  for (const device of devices) {
    site.addHome(device);
    const port = await site.through(device, mqttPort, options.hostileBus?.tap(device, shown));
    children.set(device, child(device, { mqttPort: port }));
  }
  const clone = (device: Device, home: string): Child =>
    child(device, { mqttPort: site.cut(device)?.port ?? 0, home, copied: true });
  return { children, others, mqttPort, ca, ...(influxUrl === undefined ? {} : { influxUrl }), clone };
}

function pinned({ signed }: Setting): Pick<ProcessSettings, "signers" | "unchecked"> {
  return signed ? { signers: [person.public.line], unchecked: signed === "unchecked" } : {};
}

/** The authority and the broker's certificate of it: on no disk that anything is done to, as if they had been brought. */
async function certificates(site: Site) {
  const { authority, identity } = await startTls(site.scope("tls"));
  return { identity: identity.current(), bundle: authority.caBundle() };
}

type Shown = Awaited<ReturnType<typeof certificates>>;

/** @returns it, and the port at which everybody is to come */
async function startBroker(
  { site, accounts }: ProcessesOptions,
  kind: ExternalKind,
  tls: Shown | undefined,
): Promise<{ readonly broker: OtherServer; readonly port: number }> {
  const scope = site.scope("broker");
  if (tls) {
    const broker = await startMosquitto(scope, { accounts, tls });
    return { broker, port: broker.tlsPort };
  }
  const broker = await startExternal(scope, kind, accounts);
  return { broker, port: broker.port };
}
