import { isAbsolute } from "node:path";
import { isLoopbackHost, parseBrokerUrl, parseConsoleUrl } from "#shared/address";
import { hostOf } from "#shared/origins";
import { listOf } from "#shared/settings/kinds";
import { parsePublicKeys } from "#shared/signing/public-key";

export function brokerUrl(given: string): string {
  parseBrokerUrl(given);
  return given;
}

/** What the store makes of it, it says itself. */
export function influxUrl(given: string): string {
  if (!URL.canParse(given) || !["http:", "https:"].includes(new URL(given).protocol))
    throw new Error("expected a URL such as http://user:password@host:8086/database");
  return given;
}

export function issuerUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopbackHost(url.hostname))) return given;
  throw new Error("expected an https:// URL, or http:// on this machine");
}

export function pageOrigin(given: string): string {
  const url = parseConsoleUrl(given);
  if (new URL(url).origin !== url) throw new Error("expected a URL without a path, such as https://muster.example.org");
  return url;
}

export function hostNames(given: string): readonly string[] {
  const names = listOf(given);
  if (names.some((name) => hostOf(name) !== name.toLowerCase()))
    throw new Error("expected names of hosts with commas between, without ports, such as muster.example.org");
  return names;
}

export function signerLines(given: string): readonly string[] {
  return parsePublicKeys(listOf(given)).map(({ line }) => line);
}

/** Names of channels of notifications, by a pattern of their own: agents read settings too, and have no room for channels. */
export function channelNames(given: string): readonly string[] {
  const names = listOf(given);
  if (!names.every((name) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)))
    throw new Error("expected names of channels with commas between, such as mail");
  return names;
}

export function timeZone(given: string): string {
  try {
    Intl.DateTimeFormat("en", { timeZone: given });
  } catch {
    throw new Error("expected a time zone such as Europe/Berlin or UTC");
  }
  return given;
}

export function topicRoot(given: string): string {
  if (!/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(given))
    throw new Error("expected topic levels of letters, digits, dots, _ and -");
  return given;
}

export function absoluteDirectories(given: string): readonly string[] {
  const paths = listOf(given);
  if (!paths.every((path) => isAbsolute(path))) throw new Error("expected absolute paths with commas between");
  return paths;
}
