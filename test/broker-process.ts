import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { eventually, withDeadline, type Scope } from "./suite.ts";

/** A broker of somebody else's, as a process that can be killed. */
export interface BrokerProcess {
  readonly port: number;
  /** Without user and password. */
  readonly url: string;
  readonly pid: number;
  /** Ends it (`SIGTERM` unless said otherwise) and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
}

export interface BrokerProgram {
  /** What it is called in errors. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where it listens for MQTT. */
  readonly port: number;
}

/** Starts it and waits until it listens; it ends with the scope. */
export async function startBrokerProcess(
  scope: Scope,
  { name, command, args, port }: BrokerProgram,
): Promise<BrokerProcess> {
  let child: ChildProcess | undefined;
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill(signal);
    await withDeadline(ended, 5, `${name}'s end`);
  };
  const start = async (): Promise<void> => {
    const begun = (child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] }));
    let said = "";
    begun.stderr?.on("data", (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4_000)));
    const failed = new Promise<never>((_, reject) => {
      begun.once("error", (cause) => reject(new Error(`${name} cannot be started: is it installed?`, { cause })));
      begun.once("exit", (code) => reject(new Error(`${name} ended with ${code}: ${said}`)));
    });
    failed.catch(() => {});
    await Promise.race([eventually(`${name} on port ${port}`, () => listens(port)), failed]);
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
