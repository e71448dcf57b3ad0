import { SettingsError } from "#shared/errors";

export interface InfluxAddress {
  /** Without user, password and database. */
  readonly origin: string;
  readonly protocol: "http" | "https";
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: string;
}

/** `http://user:pass@host:8086/database`. @throws SettingsError naming what is missing, never the password */
export function parseInfluxUrl(text: string): InfluxAddress {
  const wrong = (what: string): SettingsError =>
    new SettingsError([`MUSTER_INFLUX_URL ${what}: expected http://user:password@host:8086/database`]);
  if (!URL.canParse(text)) throw wrong("is no URL");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw wrong(`begins with ${url.protocol}`);
  const parts = [url.username, url.password, ...url.pathname.slice(1).split("/")].map(decoded);
  if (!parts.every((part) => part !== undefined)) throw wrong("has a % that begins no %XX code (write %25 for itself)");
  const [username = "", password = "", database = "", ...rest] = parts;
  if (!database || rest.some(Boolean)) throw wrong("names no database after the host");
  const protocol = url.protocol === "https:" ? "https" : "http";
  return {
    origin: url.origin,
    protocol,
    host: url.hostname,
    // The same as in `origin`, so that writes and queries go to one place: a URL without a port means the scheme's.
    port: Number(url.port) || (protocol === "https" ? 443 : 80),
    username,
    password,
    database,
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
