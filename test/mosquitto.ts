import { readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { hashSecret, rounds } from "#shared/password";
import type { Principal } from "#shared/principal";
import { writeMosquittoTls, type MosquittoTls } from "../broker/mosquitto-tls.ts";
import { renderAcl, renderPasswords } from "../broker/mosquitto-access.ts";
import { startBrokerProcess, type BrokerProcess } from "./broker-process.ts";
import type { Scope } from "./suite.ts";

export interface MosquittoOptions {
  /** Who may come in, with their secrets. */
  readonly accounts: readonly (Principal & { readonly secret: string })[];
  /** The first level of the topics, `muster` by default. */
  readonly root?: string;
  /** What it shows on a second port, to those who come by TLS. */
  readonly tls?: Pick<MosquittoTls, "identity" | "bundle"> | undefined;
  /** Lines behind the shipped ones. */
  readonly settings?: string;
}

/** The real mosquitto with the shipped mosquitto.conf; only its port, paths and user are the test's own. */
export async function startMosquitto(
  scope: Scope,
  { accounts, root = "muster", tls, settings = "" }: MosquittoOptions,
): Promise<BrokerProcess & { readonly tlsPort: number; readonly directory: string }> {
  const directory = await scope.directory();
  const port = await freePort();
  const passwords = accounts.map(({ name, role, secret }) => ({
    name,
    role,
    hash: hashSecret(secret, rounds.generated),
  }));
  await writeFile(join(directory, "passwd"), renderPasswords(passwords), { mode: 0o600 });
  await writeFile(join(directory, "acl"), renderAcl(root, accounts), { mode: 0o600 });
  const tlsPort = await freePort();
  if (tls) writeMosquittoTls({ directory, ...tls, listen: "127.0.0.1", port: tlsPort });
  return Object.assign(await launchShipped(scope, { port, directory, settings, isTls: tls !== undefined }), {
    tlsPort,
    directory,
  });
}

/** The same with the files that stand in `directory` already. */
export async function launchShipped(
  scope: Scope,
  { port, directory, settings = "", isTls }: { port: number; directory: string; settings?: string; isTls: boolean },
): Promise<BrokerProcess> {
  const shipped = await readFile(new URL("../mosquitto.conf", import.meta.url), "utf8");
  const moved = shipped
    .replace(/^listener 1883 /m, `listener ${port} `)
    .replaceAll("data/mosquitto/", `${directory}/`)
    .replace(/^#user root$/m, asRoot);
  const behind = isTls ? await readFile(join(directory, "tls.conf"), "utf8") : "";
  return launch(scope, port, directory, `${moved}\n${settings}\n${behind}`);
}

/** The real mosquitto as it comes: no settings but the port, and nobody needs a password. */
export async function startDefaultMosquitto(scope: Scope): Promise<BrokerProcess> {
  const port = await freePort();
  return launch(scope, port, await scope.directory(), `listener ${port} 127.0.0.1\nallow_anonymous true\n${asRoot}\n`);
}

/** As root it would become the user `mosquitto`, who cannot read the test's files. */
const asRoot = process.getuid?.() === 0 ? "user root" : "";

async function launch(scope: Scope, port: number, directory: string, configuration: string): Promise<BrokerProcess> {
  const path = join(directory, "mosquitto.conf");
  await writeFile(path, configuration);
  return startBrokerProcess(scope, { name: "mosquitto", command: "mosquitto", args: ["-c", path], port });
}

/** A port below the range from which the system takes its own: a server that is told a number needs one that stays free. */
export async function freePort(): Promise<number> {
  for (let turn = 0; turn < 100; turn++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const free = await new Promise<number | undefined>((resolve) => {
      server.once("error", () => resolve(undefined));
      server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
    if (free === undefined) continue;
    await new Promise((resolve) => server.close(resolve));
    return free;
  }
  throw new Error("no free port between 20000 and 32000");
}
