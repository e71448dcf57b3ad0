import { lstatSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Clock } from "#shared/clock";
import { listenAlone } from "#disk/listen-alone";
import { asError, EnvironmentError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import type { SafetyNet } from "#shared/safety-net";
import { ProgramConnection } from "./program-connection.ts";
import type { Intake } from "./intake.ts";

export interface MetricsSocketOptions {
  /** A path, or on Windows the name of a pipe. */
  readonly path: string;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly log: Log;
  readonly net: SafetyNet;
}

/** Programs that are connected at the same time, at most. */
const maxConnections = 64;
/** What others do not get: for the agent's user and group alone. Who may write here, may put numbers into the store. */
const umask = 0o117;
/** Bytes that the system has for a socket's path; a longer one would be cut without a word and lie elsewhere. */
const maxPathBytes = process.platform === "linux" ? 107 : 103;

/** The local socket where programs beside the agent leave their samples, a line each. */
export class MetricsSocket {
  readonly #options: MetricsSocketOptions;
  readonly #connections = new Set<ProgramConnection>();
  #server: Server | undefined;
  #refused = 0;
  #complained = false;

  constructor(options: MetricsSocketOptions) {
    this.#options = options;
  }

  /** Lines that were no sample, since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Listens, where that can be; an agent without its socket is still an agent, and the log says why. */
  start(): void {
    const { path, net } = this.#options;
    if (!isPipe(path) && Buffer.byteLength(path) > maxPathBytes)
      return this.#fail(new EnvironmentError(`its path has more than the ${maxPathBytes} bytes that the system takes`));
    const server = (this.#server = createServer(
      { allowHalfOpen: true },
      net.guard(
        "agent: a program's connection",
        (socket: Socket) => this.#accept(socket),
        (socket) => socket.destroy(),
      ),
    ));
    server.on(
      "error",
      net.guard("agent: the metrics socket", (error: Error) => this.#taken(server, error)),
    );
    this.#listen(server);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const connection of this.#connections) connection.stop();
    this.#connections.clear();
    // Closing removes whatever stands at the path by now, which need not be the socket that was put there.
    if (server?.listening && !isPipe(this.#options.path) && !isSocket(this.#options.path)) return void server.unref();
    if (server?.listening) await new Promise((resolve) => server.close(resolve));
  }

  #listen(server: Server): void {
    const { path } = this.#options;
    if (isPipe(path)) return void server.listen(path);
    // The file is there, with its mode, as soon as this returns. A chmod afterwards would follow whatever link somebody puts in its place.
    const before = process.umask(umask);
    try {
      listenAlone(server, path);
    } finally {
      process.umask(before);
    }
  }

  /** The file of an agent that was killed is in the way; that of one that lives is not ours to remove. */
  #taken(server: Server, error: Error): void {
    const { path } = this.#options;
    if (errorCode(error) !== "EADDRINUSE" || isPipe(path)) return this.#fail(error);
    if (!isSocket(path))
      return this.#fail(new EnvironmentError("something that is no socket stands there, and is left as it is"));
    const probe = connect(path, () => {
      probe.destroy();
      this.#fail(new EnvironmentError("another program, or another agent, listens there already"));
    });
    probe.on("error", (refused) => {
      if (this.#server !== server) return;
      server.removeAllListeners("error").on("error", (again) => this.#fail(again));
      try {
        // Only what nobody answers at: of one that may not be asked (EACCES) nothing is known.
        if (errorCode(refused) !== "ECONNREFUSED" || !isSocket(path)) throw error;
        unlinkSync(path);
        this.#listen(server);
      } catch (thrown) {
        this.#fail(asError(thrown));
      }
    });
  }

  #fail(err: Error): void {
    const { path, log } = this.#options;
    log.warn(
      { path, err },
      "there is no socket for the metrics of other programs; set MUSTER_METRICS_SOCKET to another path",
    );
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= maxConnections) {
      socket.on("error", () => {});
      socket.end(`error: ${maxConnections} programs are connected already; keep one connection and use it again\n`);
      socket.resume();
      return;
    }
    const { intake, clock, net } = this.#options;
    const refused = (why: string): void => this.#complain(why);
    const ended = (): void => void this.#connections.delete(connection);
    const connection = new ProgramConnection(socket, { intake, clock, net, refused, ended });
    this.#connections.add(connection);
    connection.start();
  }

  /** Its sender is told each time; the log, which may be the only reader there is, the first time. */
  #complain(why: string): void {
    this.#refused += 1;
    if (this.#complained) return;
    this.#complained = true;
    const { path, log } = this.#options;
    log.warn({ path, err: asError(why) }, "a line at the metrics socket was refused; the next ones are counted");
  }
}

/** Whether a socket's file itself stands there: not a link to one, which is somebody else's to remove. */
function isSocket(path: string): boolean {
  try {
    return lstatSync(path).isSocket();
  } catch {
    return false;
  }
}

function isPipe(path: string): boolean {
  return path.startsWith("\\\\");
}
