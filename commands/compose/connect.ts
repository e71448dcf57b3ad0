import { existsSync } from "node:fs";
import type { Client } from "#api/client";
import { consoleHere } from "#shared/address";
import { BadInputError } from "#shared/errors";
import { isLoopback } from "#shared/loopback";
import { readBundle } from "#shared/pinned-ca";
import { forTerminalBlock } from "#shared/printable";
import type { Settings } from "#shared/settings";
import { clientAt } from "../../cli/client-at.ts";
import type { Terminal } from "../../cli/live-command.ts";
import { bundlePath } from "../../tls/paths.ts";
import { cliTokenName, cliUrlName, readSecret } from "../../console/accounts/secrets.ts";

/** Where what the commands say goes. */
export const terminal: Terminal = {
  // Each cell and line has been made safe already; this is for what somebody forgets.
  out: (text) => process.stdout.write(`${forTerminalBlock(text, "", Infinity)}\n`),
  err: (text) => process.stderr.write(text),
  live: process.stderr.isTTY,
  piped: !process.stdout.isTTY,
};

/** The option of all commands about one command. */
export const ofDevice = [
  "--device <id>",
  "whose command it is, where several devices have had one of this id",
] as const;

/** A client of the running console that the settings name. @throws BadInputError where there is no login for it */
export function connect(values: Settings): Client {
  const { url, token, data } = values;
  const address = url ?? hereBeyondLoopback(data) ?? consoleHere(values);
  const access = token ?? readSecret(data, cliTokenName);
  if (access === undefined) {
    throw new BadInputError(
      `no login for the console: there is no ${cliTokenName} under ${data}/secrets; set MUSTER_TOKEN to NAME:PASSWORD or a token, or MUSTER_DATA to the console's data directory`,
    );
  }
  if (token === undefined && !isLoopback(address) && !isSameOrigin(address, readSecret(data, cliUrlName)))
    throw new BadInputError(
      `the login of ${data} is for the console on this machine, and is not sent to ${address}: set MUSTER_TOKEN to a login for that one`,
    );
  // This machine's own token is made anew at each start of the console, over which some verbs go on.
  const login = token ?? ((): string => readSecret(data, cliTokenName) ?? access);
  return clientAt(address, login, {
    refused: `${address} does not let us in: ${whyNotLetIn(token, data)}`,
    ca: trustedBy(values),
  });
}

/** Where the console of this directory is, if it listens at one address that is not loopback's, as with `start --listen ADDRESS`. */
function hereBeyondLoopback(data: string): string | undefined {
  const kept = readSecret(data, cliUrlName);
  return kept === undefined || !URL.canParse(kept) || isLoopback(kept) ? undefined : kept;
}

/** Whom the command line trusts: those that it was given alone; else the data directory's besides the system's. */
export function trustedBy({ ca, data }: Settings): { pem: string; alone: boolean } | undefined {
  if (ca !== undefined) return { pem: readBundle(ca), alone: true };
  const own = bundlePath(data);
  return existsSync(own) ? { pem: readBundle(own), alone: false } : undefined;
}

function whyNotLetIn(token: string | undefined, data: string): string {
  if (token === undefined)
    return `the token in ${data}/secrets/${cliTokenName} was ended, is old, or is for another Muster; the next start makes a new one`;
  if (token.includes(":")) return "the name or the password in MUSTER_TOKEN is wrong";
  return "the token in MUSTER_TOKEN is not known or has ended; a name and password are written NAME:PASSWORD";
}

function isSameOrigin(one: string, other: string | undefined): boolean {
  return other !== undefined && URL.canParse(other) && new URL(one).origin === new URL(other).origin;
}
