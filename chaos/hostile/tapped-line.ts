import type { Socket } from "node:net";
import { connect, TLSSocket } from "node:tls";
import type { ServerIdentity } from "#shared/tls-door";
import type { Tap } from "../cut.ts";
import { Frames, kindOf, kinds, levelOf, publishOf, readPublish, withPayload, type Publish } from "./mqtt-frames.ts";

export interface TapOptions {
  /** A message comes down to the device. @param pass gives it on, whenever that is, with its own payload or another */
  readonly down: (message: Publish, pass: (payload?: Buffer) => void) => void;
  /** Where all of it is by TLS: whoever has the broker's place has the broker's key as well. */
  readonly tls?: StolenKey | undefined;
}

/** The broker's own key and certificate, and the authority by which the broker itself is known. */
export interface StolenKey {
  readonly identity: ServerIdentity;
  readonly bundle: string;
}

/** The line of one device as the broker's holder has it: each message to the device passes by hand, and others can be put beside. */
export class TappedLine implements Tap {
  readonly #options: TapOptions;
  #open: { readonly near: Socket; readonly level: () => number } | undefined;

  constructor(options: TapOptions) {
    this.#options = options;
  }

  join(nearest: Socket, farthest: Socket): readonly [Socket, Socket] {
    const [near, far] = this.#opened(nearest, farthest);
    const [up, down] = [new Frames(), new Frames()];
    let level: number | undefined;
    const write = (frame: Buffer): void => void (near.destroyed || near.write(frame));
    near.on("data", (chunk: Buffer) => {
      far.write(chunk);
      if (level !== undefined) return;
      const connect = up.take(chunk).find((frame) => kindOf(frame) === kinds.connect);
      if (connect) level = levelOf(connect);
    });
    far.on("data", (chunk: Buffer) => {
      for (const frame of down.take(chunk)) {
        if (kindOf(frame) === kinds.publish) this.#passes(readPublish(frame, level ?? 4), frame, write);
        else write(frame);
        // From here on it hears what it has subscribed to.
        if (kindOf(frame) === kinds.suback) this.#open = { near, level: () => level ?? 4 };
      }
    });
    return [near, far];
  }

  /** What passes in clear text between both ends. */
  #opened(near: Socket, far: Socket): readonly [Socket, Socket] {
    const { tls } = this.#options;
    if (!tls) return [near, far];
    const { key, cert } = tls.identity;
    const pair = [
      new TLSSocket(near, { isServer: true, key, cert }),
      connect({ socket: far, host: "127.0.0.1", ca: tls.bundle }),
    ] as const;
    // An end that breaks off takes the other with it.
    for (const socket of pair) socket.on("error", () => socket.destroy());
    return pair;
  }

  #passes(message: Publish, frame: Buffer, write: (frame: Buffer) => void): void {
    this.#options.down(message, (payload) => write(payload ? withPayload(message, payload) : frame));
  }

  /** Gives the device a message that nobody has sent. @returns whether there was a connection to give it on */
  deliver(topic: string, payload: Buffer): boolean {
    const { near, level } = this.#open ?? {};
    if (!near || !level || near.destroyed || near.isPaused()) return false;
    near.write(publishOf(topic, payload, level()));
    return true;
  }
}
