import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import type { BenchScope } from "./children.ts";

/** Bytes that have come by, both ways, and where to connect to instead. */
export interface CountingRelay {
  readonly port: number;
  readonly bytes: () => number;
}

/** Passes connections on to a port of this machine, and counts what they carry: what TCP is given, without its own headers. */
export async function countingRelay(scope: BenchScope, to: number): Promise<CountingRelay> {
  let bytes = 0;
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: to, host: "127.0.0.1", noDelay: true });
    for (const [from, into] of [[near, far] as const, [far, near] as const]) {
      from.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        into.write(chunk);
      });
      from.on("error", () => into.destroy());
      from.on("close", () => into.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  scope.cleanup(() => server.close());
  return { port: (server.address() as AddressInfo).port, bytes: () => bytes };
}
