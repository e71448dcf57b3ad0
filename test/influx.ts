import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually, type Scope } from "./suite.ts";

export interface InfluxOptions {
  /** Turns authentication on and makes this administrator. */
  readonly auth?: { readonly user: string; readonly password: string };
  /** Makes the server but leaves it stopped. */
  readonly stopped?: boolean;
}

/** A real influxd with a configuration, a directory and ports of its own. */
export class InfluxServer {
  #process: ChildProcess | undefined;
  #output = "";

  constructor(
    readonly port: number,
    readonly config: string,
    readonly auth: InfluxOptions["auth"],
  ) {}

  /** Without user, password and database. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it (again, on the same data) and resolves once it answers. */
  async start(): Promise<void> {
    const child = spawn("influxd", ["run", "-config", this.config], { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    child.stderr.on("data", (text: Buffer) => (this.#output = (this.#output + text.toString()).slice(-4_000)));
    await eventually(`influxd on ${this.url}`, () => this.#answers(child), 20);
  }

  /** Ends it and waits until it is gone. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  /** Holds the process in place, so that its sockets stay open and say nothing, until `SIGCONT`. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(signal);
  }

  /** What the real `influx` command prints for `query`. */
  async shell(query: string, { database = "muster", format = "column" } = {}): Promise<string> {
    const login = this.auth ? ["-username", this.auth.user, "-password", this.auth.password] : [];
    const where = [
      "-host",
      "127.0.0.1",
      "-port",
      String(this.port),
      "-database",
      database,
      "-precision",
      "ms",
      "-format",
      format,
    ];
    const { stdout } = await promisify(execFile)("influx", [...where, ...login, "-execute", query]);
    return stdout;
  }

  /** Runs one statement over HTTP, without the shell's login: the first administrator is made so. */
  async makeAdmin(user: string, password: string): Promise<void> {
    const q = `CREATE USER "${user}" WITH PASSWORD '${password}' WITH ALL PRIVILEGES`;
    const response = await fetch(`${this.url}/query`, { method: "POST", body: new URLSearchParams({ q }) });
    if (!response.ok) throw new Error(`influxd made no administrator: ${response.status} ${await response.text()}`);
  }

  async #answers(child: ChildProcess): Promise<boolean> {
    if (child.exitCode !== null) throw new Error(`influxd ended with ${child.exitCode}: ${this.#output}`);
    const response = await fetch(`${this.url}/ping`);
    return response.status === 204;
  }
}

/** Starts a real influxd that ends with `scope`. */
export async function startInflux(scope: Scope, options: InfluxOptions = {}): Promise<InfluxServer> {
  const directory = await scope.directory();
  const [port, backup] = await freePorts(2);
  const config = join(directory, "influxdb.conf");
  await writeFile(config, configuration(directory, Number(port), Number(backup), options.auth !== undefined));
  const server = new InfluxServer(Number(port), config, options.auth);
  scope.cleanup(() => server.stop("SIGKILL"));
  if (options.stopped) return server;
  await server.start();
  if (options.auth) await server.makeAdmin(options.auth.user, options.auth.password);
  return server;
}

function configuration(directory: string, port: number, backup: number, auth: boolean): string {
  return `
reporting-disabled = true
bind-address = "127.0.0.1:${backup}"
[meta]
dir = "${directory}/meta"
[data]
dir = "${directory}/data"
wal-dir = "${directory}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
auth-enabled = ${auth}
log-enabled = false
[subscriber]
enabled = false
[continuous_queries]
enabled = false
`;
}

/** Ports that are free now, below those which the system gives to outgoing connections. */
async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const taken = server.address() as AddressInfo;
    return taken.port === port;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
