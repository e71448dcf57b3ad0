import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { connect } from "node:net";
import { join } from "node:path";
import { hashSecret, rounds } from "#shared/password";
import type { Principal } from "#shared/principal";
import { renderAcl, renderPasswords } from "../broker/mosquitto.ts";
import { eventually, withDeadline, type Scope } from "./suite.ts";

export interface MosquittoOptions {
  /** Who may come in, with their secrets. */
  readonly accounts: readonly (Principal & { readonly secret: string })[];
  /** The first level of the topics, `muster` by default. */
  readonly root?: string;
}

export interface Mosquitto {
  readonly port: number;
  /** Without user and password. */
  readonly url: string;
  readonly pid: number;
  /** Ends it (`SIGTERM` unless said otherwise) and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
}

/** The real mosquitto with the shipped mosquitto.conf; only its port, paths and user are the test's own. */
export async function startMosquitto(
  scope: Scope,
  { accounts, root = "muster" }: MosquittoOptions,
): Promise<Mosquitto> {
  const directory = await scope.directory();
  const port = await freePort();
  const passwords = accounts.map(({ name, role, secret }) => ({
    name,
    role,
    hash: hashSecret(secret, rounds.generated),
  }));
  await writeFile(join(directory, "passwd"), renderPasswords(passwords), { mode: 0o600 });
  await writeFile(join(directory, "acl"), renderAcl(root, accounts), { mode: 0o600 });
  const shipped = await readFile(new URL("../mosquitto.conf", import.meta.url), "utf8");
  const moved = shipped
    .replace(/^listener 1883 /m, `listener ${port} `)
    .replaceAll("data/mosquitto/", `${directory}/`)
    .replace(/^#user root$/m, asRoot);
  return launch(scope, port, directory, moved);
}

/** The real mosquitto as it comes: no settings but the port, and nobody needs a password. */
export async function startDefaultMosquitto(scope: Scope): Promise<Mosquitto> {
  const port = await freePort();
  return launch(scope, port, await scope.directory(), `listener ${port} 127.0.0.1\nallow_anonymous true\n${asRoot}\n`);
}

/** As root it would become the user `mosquitto`, who cannot read the test's files. */
const asRoot = process.getuid?.() === 0 ? "user root" : "";

async function launch(scope: Scope, port: number, directory: string, configuration: string): Promise<Mosquitto> {
  const path = join(directory, "mosquitto.conf");
  await writeFile(path, configuration);
  let child: ChildProcess | undefined;
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill(signal);
    await withDeadline(ended, 5, "mosquitto's end");
  };
  const start = async (): Promise<void> => {
    const begun = (child = spawn("mosquitto", ["-c", path], { stdio: ["ignore", "ignore", "pipe"] }));
    let said = "";
    begun.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const failed = new Promise<never>((_, reject) => {
      begun.once("error", (cause) => reject(new Error("mosquitto cannot be started: is it installed?", { cause })));
      begun.once("exit", (code) => reject(new Error(`mosquitto ended with ${code}: ${said}`)));
    });
    failed.catch(() => {});
    await Promise.race([eventually(`mosquitto on port ${port}`, () => listens(port)), failed]);
  };
  scope.cleanup(() => stop());
  await start();
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    start,
    stop,
    get pid() {
      return child?.pid ?? 0;
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
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
