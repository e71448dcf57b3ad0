import { createServer } from "node:https";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import type { Scope } from "./suite.ts";
import { startTls } from "./tls.ts";

/** What somebody in between changes of what the console sends: the path, and what becomes of the body. */
export type Change = (path: string, body: Buffer, own: { readonly ca: string }) => Buffer;

export interface Between {
  readonly origin: string;
  /** Everything that was sent to it, with headers. */
  readonly heard: () => string;
  /** Changes from now on. */
  change: Change;
}

/** Somebody between a machine and its console, with a certificate of an authority of his own: he reads what comes, and changes what goes back. */
export async function startBetween(scope: Scope, console: () => string): Promise<Between> {
  const { identity, authority } = await startTls(scope);
  let heard = "";
  const own = { ca: authority.caBundle() };
  const between: Between = { origin: "", heard: () => heard, change: (_, body) => body };
  const server = createServer({ ...identity.current() }, (asked, answer) => {
    heard += `${asked.method} ${asked.url} ${JSON.stringify(asked.rawHeaders)}\n`;
    asked.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")));
    const { method, url: path = "", headers } = asked;
    const onward = request(`${console()}${path}`, { method, headers, rejectUnauthorized: false }, (real) => {
      const parts: Buffer[] = [];
      real.on("data", (part: Buffer) => parts.push(part));
      real.on("end", () => {
        const body = between.change(path, Buffer.concat(parts), own);
        const { "content-length": _, "transfer-encoding": __, ...kept } = real.headers;
        answer.writeHead(real.statusCode ?? 500, { ...kept, "content-length": body.length }).end(body);
      });
    });
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return Object.assign(between, { origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
