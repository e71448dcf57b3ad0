import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import type { SyslogAddress } from "#shared/syslog-address";

/** A way to somebody who takes lines of syslog. */
export interface SyslogConnection {
  /** Resolves once the system has taken all of them. @throws what the system says */
  send(lines: readonly string[]): Promise<void>;
  close(): void;
}

/** Milliseconds without a word from the other machine until the system asks whether it is there. */
const keepAlive = 30_000;

/**
 * Connects.
 * @param lost called once, when it has broken or was closed by the other side
 * @throws what the system says
 */
export function openSyslog(address: SyslogAddress, lost: (why: Error) => void): Promise<SyslogConnection> {
  return address.protocol === "tcp" ? openTcp(address, lost) : openUdp(address, lost);
}

/** RFC 6587, 3.4.1: each message behind the number of its octets, so that none can pass for two. */
async function openTcp({ host, port }: SyslogAddress, lost: (why: Error) => void): Promise<SyslogConnection> {
  const socket = connect({ host, port });
  await once(socket, "connect");
  socket.setKeepAlive(true, keepAlive);
  socket.on("error", lost);
  socket.on("close", () => lost(new Error("it has closed the connection")));
  // What it says is nothing to us, and its end has to be read.
  socket.resume();
  return {
    send: (lines) =>
      new Promise((resolve, reject) => {
        const text = lines.map((line) => `${Buffer.byteLength(line)} ${line}`).join("");
        socket.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => void socket.destroy(),
  };
}

/** RFC 5426: a datagram each. That nobody takes them is known where the other machine says so. */
async function openUdp({ host, port }: SyslogAddress, lost: (why: Error) => void): Promise<SyslogConnection> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const connected = once(socket, "connect");
  socket.connect(port, host);
  await connected;
  socket.on("error", lost);
  const one = (line: string): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(line, (error) => (error ? reject(error) : resolve()));
    });
  return {
    send: async (lines) => {
      for (const line of lines) await one(line);
    },
    close: () => void socket.close(),
  };
}
