import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BadInputError, EnvironmentError, errorCode } from "#shared/errors";
import { parseBrokerUrl } from "#shared/address";
import { generateSecret, verifySecret } from "#shared/password";
import type { Role } from "#shared/principal";
import type { Disk } from "#disk/calls";
import { replaceFile, syncDirectory } from "#disk/durable-file";
import { secretDirectory, secretFile } from "#disk/private-files";
import { writingAdvice } from "#disk/full-disk";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { settings, type Settings } from "#shared/settings";
import type { Accounts } from "./accounts.ts";

/** Whose secrets, and the data directory that keeps them. */
interface SecretsPlace {
  readonly directory: string;
  readonly accounts: Accounts;
}

/** Milliseconds that the command line's token is good for; it is made anew at every start. */
const tokenLength = 365 * 86_400_000;

/**
 * The secret of one of this machine's own programs, the console or the local agent: kept in a file that only this
 * user can read, and made, with its account, where there is none.
 */
export async function localSecret({ directory, accounts }: SecretsPlace, name: string, role: Role): Promise<string> {
  const path = join(directory, "secrets", name);
  const kept = read(path);
  if (kept !== undefined && (await accounts.verify(name, kept))?.role === role) return kept;
  const secret = accounts.set(name, role);
  await accounts.synced();
  write(path, secret);
  return secret;
}

/**
 * The secret of all simulated devices, with an account for each of `names`: made where there is none.
 * @throws BadInputError when one of the names has an account with another secret: a real device keeps its own
 */
export async function simulatedSecret(
  { directory, accounts }: SecretsPlace,
  names: readonly string[],
): Promise<string> {
  const path = join(directory, "secrets", simulatedName);
  const secret = read(path) ?? generateSecret();
  const missing: string[] = [];
  const sound = new Set<string>();
  for (const name of names) {
    const hash = accounts.find(name)?.hash;
    if (hash === undefined) missing.push(name);
    else if (!sound.has(hash) && !(await verifySecret(secret, hash)))
      throw new BadInputError(`"${name}" is enrolled already, and not as a simulated device: choose another --prefix`);
    else sound.add(hash);
  }
  write(path, secret);
  if (missing.length > 0) accounts.addDevices(missing, secret);
  return secret;
}

/** No device can have this id, so that no device's own secret is in this file. */
const simulatedName = "simulated@all";

/** The secret kept in a data directory by {@link localSecret} or {@link writeSecret}; undefined where there is none. */
export function readSecret(directory: string, name: string): string | undefined {
  return read(join(directory, "secrets", name));
}

export function writeSecret(directory: string, name: string, secret: string, disk?: Disk): void {
  write(join(directory, "secrets", name), secret, disk);
}

export function removeSecret(directory: string, name: string): void {
  const path = join(directory, "secrets", name);
  if (!existsSync(path)) return;
  rmSync(path, { force: true });
  syncDirectory(dirname(path));
}

/** Notes where the broker that the console works with takes MQTT, for commands that are run with other settings than the start's. */
export function noteBroker(directory: string, url: string): void {
  const { protocol, port = usualPort } = parseBrokerUrl(url);
  if (protocol === "mqtt") writeSecret(directory, portNote, String(port));
  else removeSecret(directory, portNote);
}

/** The MQTT port as the settings say; where they leave it as it is, the one of the last start. */
export function brokersPort({ data, mqttPort }: Pick<Settings, "data" | "mqttPort">): number {
  return mqttPort === usualPort || mqttPort === 0 ? Number(readSecret(data, portNote) ?? usualPort) : mqttPort;
}

const usualPort = settings.mqttPort.default;
const portNote = "mqtt@port";

/**
 * Lets the command line in on this machine, without a login: a token of the operator `admin` in a file, and beside it the
 * only address besides loopback that it may be sent to.
 */
export function writeCliToken({ directory, accounts }: SecretsPlace, admin: string, url: string): void {
  const path = join(directory, "secrets", cliTokenName);
  const before = read(path);
  if (before !== undefined) accounts.tokens.endSecret(before);
  write(join(directory, "secrets", cliUrlName), url);
  write(
    path,
    accounts.tokens.issue({
      account: admin,
      kind: "token",
      ttl: tokenLength,
      agent: "this machine's command line",
      local: true,
    }).secret,
  );
}

export const cliTokenName = "cli.token";
export const cliUrlName = "cli.url";

function read(path: string): string | undefined {
  try {
    secretFile(path);
    return readRegularFile(path, maxSmallFileBytes).toString("utf8").trim() || undefined;
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    if (cause instanceof EnvironmentError) throw cause;
    throw new EnvironmentError(`cannot read ${path}: it belongs to the user that runs Muster`, { cause });
  }
}

function write(path: string, secret: string, disk?: Disk): void {
  try {
    secretDirectory(join(path, ".."));
    replaceFile(path, `${secret}\n`, disk);
  } catch (cause) {
    if (cause instanceof EnvironmentError) throw cause;
    throw new EnvironmentError(`cannot write ${path}: ${writingAdvice(cause)}`, { cause });
  }
}
