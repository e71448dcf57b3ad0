import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brokerHere, consoleHere, parseBrokerUrl } from "#shared/address";
import type { Bus } from "#shared/bus";
import { systemClock as clock } from "#shared/clock";
import { readBundle } from "#shared/pinned-ca";
import { createLog, setLogLevel, type Log } from "#shared/log";
import type { Settings } from "#shared/settings";
import type { GivenSettings } from "#shared/settings/load-settings";
import { version } from "#shared/version";
import type { AccountChange } from "../../console/accounts/accounts.ts";
import type { Console } from "../../console/console.ts";
import type { RunningSettings } from "../../console/settings/running-settings.ts";
import type { State } from "../../console/state/state.ts";
import { isMosquittoByTls, isTakingCertificates } from "./keep-mosquitto.ts";
import { providerFor } from "./provider-for.ts";
import type { Tls } from "./tls.ts";
import { agentFile, brokerFor, reachableFrom } from "./join-places.ts";
import { ownNames, type Around } from "./ports.ts";

/** Milliseconds that a start waits for a broker of somebody else's before it says that it is not there: it goes on trying. */
export const patienceAtStart = 1_000;

/** A console that takes what devices say. */
export interface RunningConsole {
  readonly console: Console;
  /** Opens it to people. @returns where, and at which port */
  readonly serve: () => Promise<{ http: string; port: number }>;
}

/** @param bus the embedded broker's; without it, a connection to the broker at `mqttUrl` */
export async function runConsole(
  values: Settings,
  given: GivenSettings,
  state: State,
  around: Around,
  bus?: Bus,
): Promise<RunningConsole> {
  const { Console } = await import("../../console/console.ts");
  const { localSecret } = await import("../../console/accounts/secrets.ts");
  const { RunningSettings: Running } = await import("../../console/settings/running-settings.ts");
  const { lifetime, net, tls } = around;
  const { data: directory, influxUrl, influxRetention, root, mqttVersion } = values;
  const { fieldTypes, mqttsPort, certificatePort } = values;
  const log = createLog("console", values.logLevel);
  const settings = new Running({
    database: state.database,
    values,
    given,
    log,
    changed: (name) => {
      if (name === "logLevel") setLogLevel(settings.value("logLevel"));
    },
  });
  settings.start();
  lifetime.add(() => setLogLevel(undefined));
  const console = new Console({
    directory,
    state,
    root,
    log,
    clock,
    net,
    ...(values.ca === undefined ? {} : { ca: readBundle(values.ca) }),
    // Another broker than Muster's, and a Mosquitto without a listener for them, would let in who was revoked.
    deviceAuthority: tls && (values.mqttUrl === undefined || isTakingCertificates(directory)) ? tls.devices : undefined,
    // Where it is any port it is known to nobody before.
    certificatePorts: mqttsPort === 0 ? undefined : { muster: mqttsPort, mosquitto: certificatePort },
    mqttVersion,
    // What can change while it runs is asked for each time.
    get certificateLife() {
      return settings.value("certificateLife");
    },
    history: {
      get maxAge() {
        return settings.value("historyAge");
      },
      get maxAgeOfMinutes() {
        return settings.value("historyMinutes");
      },
      get maxAgeOfQuarters() {
        return settings.value("historyQuarters");
      },
      get maxBytes() {
        return settings.value("historySize");
      },
    },
    reportsSent: () => ({
      weekly: settings.value("reportWeekly"),
      monthly: settings.value("reportMonthly"),
      zone: settings.value("reportZone"),
    }),
    get seriesBudget() {
      return settings.value("seriesBudget");
    },
    get spoolBytes() {
      return settings.value("spoolSize");
    },
    fieldTypes,
    ...(influxUrl === undefined ? {} : { influxUrl }),
    auditSyslog: values.auditSyslog,
    ownCertificate: values.tlsCert,
    pageUrl: values.publicUrl ?? values.oidcOrigin,
    ...(influxRetention === undefined ? {} : { influxRetention }),
    authority: tls?.authority,
    ...(bus ? { bus } : await consoleLogin(values, () => localSecret(state, "console", "console"))),
  });
  await console.start();
  lifetime.add(() => console.stop());
  const itself = { who: "console", from: "console", on: version } as const;
  lifetime.add(() => state.audit.note({ ...itself, what: "console.stopped" }));
  state.audit.note({ ...itself, what: "console.started" });
  return { console, serve: () => serveConsole(values, { console, settings, log }, state, around) };
}

async function serveConsole(
  values: Settings,
  { console, settings, log }: { console: Console; settings: RunningSettings; log: Log },
  state: State,
  { lifetime, ports, tls, tlsPort }: Around,
): Promise<{ http: string; port: number }> {
  const { HttpServer } = await import("../../console/http/server.ts");
  const { noteBroker, writeCliToken } = await import("../../console/accounts/secrets.ts");
  const { data: directory, root, listen } = values;
  const authority = tls?.authority;
  // Beside the built program or above its parts, or where the build puts it when this file runs as it is.
  const page = ["web", "../web", "../../dist/web"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find(existsSync);
  const server = new HttpServer({
    console,
    accounts: state.accounts,
    listen,
    port: values.httpPort,
    page,
    bounds: { connections: ports.http },
    tls: tls?.isServed ? { identity: tls.identity, plaintext: values.insecurePlaintext } : undefined,
    names: ownNames(values),
    proxies: values.trustedProxies,
    join: {
      agent: agentFile(),
      authority: authority && (() => ({ bundle: authority.caBundle(), fingerprint: authority.fingerprint })),
      broker: (host, isCertified) =>
        brokerFor(values, { host, isCertified, tlsPort: tlsPortFor(values, tls, isCertified, tlsPort?.()) }),
      origin: () => reachableFrom(values, port),
      root,
      release: join(directory, "release"),
    },
    provider: await providerFor(values, () => port, log),
    settings,
    log,
    clock: console.clock,
  });
  const port = await server.start();
  lifetime.add(() => server.stop());
  const http = consoleHere({ ...values, httpPort: port });
  let admin = state.accounts.mainAdmin() ?? "admin";
  // On a full disk those of before stand until there is room.
  state.persist.write("the command line's token", () => writeCliToken(state, admin, http));
  const { mqttUrl } = values;
  if (mqttUrl !== undefined) state.persist.write("the broker's port", () => noteBroker(directory, mqttUrl));
  // A new password ends all tokens of its account; this machine's command line gets another one.
  const renew = ({ name, what }: AccountChange): void => {
    if (what !== "account" || name !== admin) return;
    admin = state.accounts.mainAdmin() ?? admin;
    state.persist.write("the command line's token", () => writeCliToken(state, admin, http));
  };
  lifetime.add(state.accounts.changes.on(renew));
  return { http, port };
}

/** Where devices come by TLS. @param own where the embedded broker listens for it */
function tlsPortFor(values: Settings, tls: Tls | undefined, isCertified: boolean, own?: number): number | undefined {
  const { mqttUrl, mqttsPort, certificatePort, data } = values;
  if (mqttUrl === undefined) return tls && (own ?? mqttsPort);
  if (!isMosquittoByTls(data)) return undefined;
  return isCertified ? certificatePort : mqttsPort;
}

async function consoleLogin(
  values: Settings,
  ownSecret: () => Promise<string>,
): Promise<{ url: string; username: string; password: string }> {
  const login = parseBrokerUrl(values.mqttUrl ?? brokerHere(values));
  if (login.username) return login;
  return { url: login.url, username: "console", password: await ownSecret() };
}
