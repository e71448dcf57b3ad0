import { isIP, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";

/** A broker's URL taken apart: MQTT sends user and password beside the address, and no log shall show them. */
export interface BrokerAddress {
  /** Without user and password: what may be shown, and what this function gives the same answer for. */
  readonly url: string;
  readonly protocol: "mqtt" | "mqtts" | "ws" | "wss";
  /** A name or an address, as a socket takes it: without brackets. */
  readonly host: string;
  /** Undefined where the URL leaves it to the protocol. */
  readonly port: number | undefined;
  /** Of a WebSocket; empty otherwise. */
  readonly path: string;
  /** Empty where the URL has none. */
  readonly username: string;
  readonly password: string;
}

/** Where Muster's broker has its WebSocket, as most brokers do; others take any path. */
const usualPath = "/mqtt";

/**
 * Takes a broker's URL apart, such as `mqtt://user:password@host:1883` or `wss://[2001:db8::1]/mqtt`. A WebSocket's without a path
 * means the usual one.
 * @throws Error whose message says what was expected, and never repeats the password
 */
export function parseBrokerUrl(text: string): BrokerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const protocol = url?.protocol.slice(0, -1);
  if (!url || !isBrokerProtocol(protocol) || url.hostname === "")
    throw new Error("expected a URL such as mqtt://user:password@host:1883");
  if (url.port === "0") throw new Error("expected a port from 1 to 65535 in the URL");
  const host = hostOf(url);
  const port = url.port === "" ? undefined : Number(url.port);
  const web = protocol === "ws" || protocol === "wss";
  const path = web ? (url.pathname === "/" ? usualPath : url.pathname) + url.search : "";
  return {
    url: `${protocol}://${inUrl(host)}${port === undefined ? "" : `:${port}`}${path}`,
    protocol,
    host,
    port,
    path,
    username: decoded(url.username, "user name"),
    password: decoded(url.password, "password"),
  };
}

/** An address to listen on, as a socket takes it. @throws Error whose message says what was expected */
export function parseListenAddress(text: string): string {
  const address = text.trim().replace(/^\[(.*)\]$/, "$1");
  if (isIP(address) > 0 || /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(address)) return address;
  throw new Error("expected an address or a name of this machine without a port, such as 127.0.0.1, 0.0.0.0 or ::1");
}

/** A console's URL, without what stands behind its path. @throws Error whose message says what was expected */
export function parseConsoleUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol))
    throw new Error("expected a URL such as http://127.0.0.1:3000");
  if (url.username || url.password)
    throw new Error("expected no login in the URL: it goes into MUSTER_TOKEN as NAME:PASSWORD");
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** A host as URLs have it: an address of IPv6 in brackets. */
export function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** Where this machine reaches what it listens on: "any address" is none to connect to on every system. */
export function reachable(listen: string): string {
  if (listen === "0.0.0.0") return "127.0.0.1";
  return listen === "::" ? "::1" : listen;
}

/** Whether such an address to listen on is this machine's alone. */
export function isLoopbackHost(address: string): boolean {
  return /^(localhost|127(\.\d+){3}|::1)$/.test(address);
}

/**
 * The broker that a program of this machine means when none was named: Muster's own. Where that is open to others by TLS alone, it
 * takes plain MQTT on loopback.
 */
export function brokerHere({ listen, mqttPort, insecurePlaintext = false }: BrokerPlace): string {
  const plain = isLoopbackHost(listen) || insecurePlaintext ? reachable(listen) : "127.0.0.1";
  return `mqtt://${inUrl(plain)}:${mqttPort}`;
}

interface BrokerPlace {
  readonly listen: string;
  readonly mqttPort: number;
  readonly insecurePlaintext?: boolean;
}

/** The same for the console: from another address than loopback's it takes TLS alone, unless it was told otherwise. */
export function consoleHere({ listen, httpPort, insecurePlaintext = false }: ConsolePlace): string {
  const host = reachable(listen);
  return `${isLoopbackHost(host) || insecurePlaintext ? "http" : "https"}://${inUrl(host)}:${httpPort}`;
}

interface ConsolePlace {
  readonly listen: string;
  readonly httpPort: number;
  readonly insecurePlaintext?: boolean;
}

function isBrokerProtocol(name: string | undefined): name is BrokerAddress["protocol"] {
  return name === "mqtt" || name === "mqtts" || name === "ws" || name === "wss";
}

/** For protocols that it does not know, URL keeps a name's other letters as %XX, which no resolver takes. */
function hostOf(url: URL): string {
  if (url.hostname.startsWith("[")) return url.hostname.slice(1, -1);
  return url.hostname.includes("%") ? domainToASCII(decoded(url.hostname, "host")) : url.hostname;
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`its ${what} has a % that begins no %XX code (write %25 for the sign itself)`);
  }
}
