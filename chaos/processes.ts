import { startExternal } from "../test/brokers.ts";
import { startInflux } from "../test/influx.ts";
import { freePort } from "../test/mosquitto.ts";
import type { Account } from "./accounts.ts";
import { Child, type ProcessSettings } from "./child.ts";
import { Other, type OtherServer } from "./other.ts";
import { devices, versionOf, type Device, type Role, type Setting } from "./setting.ts";
import type { Site } from "./site.ts";

/** The programs of a fleet. */
export interface FleetPrograms {
  readonly server: string;
  readonly agent: string;
  /** Whether the console waits no longer than others do. */
  readonly hastyConsole: boolean;
}

export interface ProcessesOptions {
  readonly setting: Setting;
  readonly programs: FleetPrograms;
  readonly site: Site;
  readonly accounts: readonly Account[];
  readonly httpPort: number;
  readonly died: (who: Role) => void;
  readonly serves: (who: Role) => void;
}

/** The processes of a fleet: its own, which are not started yet, and those of other makers, which are. */
export interface Processes {
  readonly children: ReadonlyMap<Role, Child>;
  readonly others: ReadonlyMap<Role, Other>;
  readonly mqttPort: number;
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

  let mqttPort = await freePort();
  let consolePort = mqttPort;
  if (setting.broker !== "embedded") {
    const broker = await startExternal(site.scope("broker"), setting.broker, accounts);
    other("broker", broker);
    mqttPort = broker.port;
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
    children.set(device, child(device, { mqttPort: await site.through(device, mqttPort) }));
  }
  const clone = (device: Device, home: string): Child =>
    child(device, { mqttPort: site.cut(device)?.port ?? 0, home, copied: true });
  return { children, others, mqttPort, ...(influxUrl === undefined ? {} : { influxUrl }), clone };
}
