import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { fileURLToPath } from "node:url";
import { consoleHere, inUrl, isLoopbackHost, parseBrokerUrl } from "#shared/address";
import type { Settings } from "#shared/settings";
import { brokersPort } from "../../console/accounts/secrets.ts";

/** The agent in one file, as the build has put it beside the program; undefined where it was not built. */
export function agentFile(): string | undefined {
  return ["muster-agent.cjs", "../muster-agent.cjs", "../../dist/muster-agent.cjs"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find(existsSync);
}

export interface BrokerAsked {
  /** By which a machine reaches this one. */
  readonly host: string;
  /** Of the embedded broker, or of a Mosquitto whose settings Muster has written, where it speaks TLS. */
  readonly tlsPort: number | undefined;
  /** Whether it has a certificate, for which such a Mosquitto has a port of its own. */
  readonly isCertified: boolean;
}

/** The broker, for a machine that is to connect to it. */
export function brokerFor(values: Settings, { host, tlsPort, isCertified }: BrokerAsked): string {
  const { mqttUrl } = values;
  const own = mqttUrl === undefined ? undefined : parseBrokerUrl(mqttUrl);
  // A broker beside the console is where the console is.
  if (own && !isLoopbackHost(own.host))
    return isCertified && tlsPort !== undefined ? `mqtts://${inUrl(own.host)}:${tlsPort}` : own.url;
  if (tlsPort !== undefined) return `mqtts://${inUrl(host)}:${tlsPort}`;
  if (!own) return `mqtt://${inUrl(host)}:${brokersPort(values)}`;
  return `${own.protocol}://${inUrl(host)}${own.port === undefined ? "" : `:${own.port}`}${own.path}`;
}

/** Where other machines reach the console, as far as that can be known here: by a name that it was given, or by its first address. */
export function reachableFrom({ listen, hosts }: Settings, httpPort: number): string {
  const [named] = hosts;
  if (isLoopbackHost(listen)) return consoleHere({ listen, httpPort });
  const any = listen === "0.0.0.0" || listen === "::";
  const host = named ?? (any ? ownAddress() : undefined) ?? listen;
  return `https://${host.includes(":") && named !== undefined ? host : `${inUrl(host)}:${httpPort}`}`;
}

function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address;
}
