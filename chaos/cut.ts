import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Stands on a line, and moves what passes there. */
export interface Tap {
  /**
   * @param near the end of who connects, `far` the other
   * @returns what is read of them, which is held where the line is
   */
  join(near: Socket, far: Socket): readonly [near: Socket, far: Socket];
}

const straight: Tap = {
  join(near, far) {
    near.on("data", (chunk: Buffer) => void far.write(chunk));
    far.on("data", (chunk: Buffer) => void near.write(chunk));
    return [near, far];
  },
};

/**
 * A line between two processes that can be cut: connections go through here. Broken, they end and no new one comes
 * about; held, they stay open and nothing passes, as on a network that swallows packets.
 */
export class Cut {
  readonly #target: number;
  readonly #tap: Tap;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #server: Server;
  #state: "whole" | "broken" | "held" = "whole";
  #port = 0;

  /** @param target the port that connections are passed on to */
  constructor(target: number, tap: Tap = straight) {
    this.#target = target;
    this.#tap = tap;
    this.#server = createServer((near) => this.#join(near));
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** The port to connect to instead. */
  get port(): number {
    return this.#port;
  }

  break(): void {
    this.#state = "broken";
    this.#end();
  }

  hold(): void {
    this.#state = "held";
    for (const [near, far] of this.#pairs) {
      near.pause();
      far.pause();
    }
  }

  mend(): void {
    this.#state = "whole";
    for (const [near, far] of this.#pairs) {
      near.resume();
      far.resume();
    }
  }

  async stop(): Promise<void> {
    this.#end();
    this.#server.close();
    await once(this.#server, "close");
  }

  #end(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  #join(near: Socket): void {
    near.on("error", () => {});
    if (this.#state === "broken") return void near.destroy();
    const far = connect({ port: this.#target, host: "127.0.0.1", noDelay: true });
    near.setNoDelay(true);
    far.on("error", () => near.destroy());
    const pair = this.#tap.join(near, far);
    this.#pairs.add(pair);
    for (const socket of [near, far]) {
      socket.on("close", () => {
        for (const other of [near, far, ...pair]) other.destroy();
        this.#pairs.delete(pair);
      });
    }
    if (this.#state === "held") this.hold();
  }
}
