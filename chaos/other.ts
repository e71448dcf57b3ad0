/** A server that others wrote, as the tests start it. */
export interface OtherServer {
  readonly pid: number;
  start(): Promise<void>;
  stop(signal: "SIGKILL"): Promise<void>;
}

/** The broker or InfluxDB, as one of the fleet's processes: it can be killed, frozen and started again, and has no kill points. */
export class Other {
  readonly #server: OtherServer;
  readonly #onDeath: () => void;
  readonly #onReady: () => void;
  #ready: Promise<void> = Promise.resolve();
  alive = true;
  serves = true;

  /** @param server started already */
  constructor(server: OtherServer, onDeath: () => void, onReady: () => void) {
    this.#server = server;
    this.#onDeath = onDeath;
    this.#onReady = onReady;
  }

  start(): void {
    if (this.alive) return;
    this.alive = true;
    this.#ready = this.#server.start().then(() => {
      this.serves = true;
      this.#onReady();
    });
    // Whoever waits for it is told.
    this.#ready.catch(() => {});
  }

  /** Resolves once it serves. @throws Error when it does not come up */
  async ready(): Promise<void> {
    await this.#ready;
  }

  async killed(): Promise<void> {
    if (!this.alive) return;
    this.alive = this.serves = false;
    this.#onDeath();
    await this.#server.stop("SIGKILL");
  }

  freeze(): void {
    if (this.alive) process.kill(this.#server.pid, "SIGSTOP");
  }

  thaw(): void {
    if (this.alive) process.kill(this.#server.pid, "SIGCONT");
  }
}
