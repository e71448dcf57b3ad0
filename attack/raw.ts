import { connect, type Socket } from "node:net";

/** A connection that says `bytes` and hears what comes. */
export interface Said {
  /** Everything that was heard. */
  readonly heard: string;
  /** Whether the other side has ended it within the time. */
  readonly ended: boolean;
}

export interface RawOptions {
  /** The address that it comes from: any of 127.0.0.0/8. */
  readonly from?: string | undefined;
  /** How long to listen, in milliseconds. */
  readonly ms?: number;
  /** Whether enough was heard. */
  readonly enough?: (heard: string) => boolean;
}

/** Says `bytes` to a port and listens until it is hung up on, has heard enough, or the time is over; then it hangs up. */
export function say(
  port: number,
  bytes: Buffer | string,
  { from, ms = 2_000, enough = () => false }: RawOptions = {},
): Promise<Said> {
  return new Promise((resolve) => {
    const socket = open(port, from);
    let heard = "";
    const done = (ended: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ heard, ended });
    };
    const timer = setTimeout(() => done(false), ms);
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString("latin1");
      if (enough(heard)) done(false);
    });
    socket.once("close", () => done(true));
    socket.write(bytes);
  });
}

/** A connection that nothing is done with; its errors are nobody's concern. */
export function open(port: number, from?: string): Socket {
  const socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    ...(from === undefined ? {} : { localAddress: from }),
  });
  socket.on("error", () => {});
  return socket;
}

/** An address of its own for the nth attacker. */
export function address(nth: number): string {
  return `127.0.${1 + Math.floor(nth / 250)}.${1 + (nth % 250)}`;
}
