import type { Socket } from "node:net";
import type { Tap } from "../cut.ts";
import { Frames, kindOf, kinds, levelOf, publishOf, readPublish, withPayload, type Publish } from "./mqtt-frames.ts";

export interface TapOptions {
  /** A message comes down to the device. @param pass gives it on, whenever that is, with its own payload or another */
  readonly down: (message: Publish, pass: (payload?: Buffer) => void) => void;
}

/** The line of one device as the broker's holder has it: each message to the device passes by hand, and others can be put beside. */
export class TappedLine implements Tap {
  readonly #options: TapOptions;
  #open: { readonly near: Socket; readonly level: () => number } | undefined;

  constructor(options: TapOptions) {
    this.#options = options;
  }

  join(near: Socket, far: Socket): void {
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
