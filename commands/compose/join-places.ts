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

/** The broker, for a machine that reaches this one at `host`. @param tlsPort of the embedded broker, where it speaks TLS */
export function brokerFor(values: Settings, host: string, tlsPort?: number): string {
  const { mqttUrl } = values;
  if (mqttUrl === undefined && tlsPort !== undefined) return `mqtts://${inUrl(host)}:${tlsPort}`;
  if (mqttUrl === undefined) return `mqtt://${inUrl(host)}:${brokersPort(values)}`;
  const { url, host: own, protocol, port, path } = parseBrokerUrl(mqttUrl);
  // A broker beside the console is where the console is.
  if (!isLoopbackHost(own)) return url;
  return `${protocol}://${inUrl(host)}${port === undefined ? "" : `:${port}`}${path}`;
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
