import { request, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Milliseconds from the request to the answer's last byte. */
  readonly ms: number;
}

export interface Ask {
  readonly method?: string;
  /** NAME:PASSWORD; nobody by default. */
  readonly as?: string | undefined;
  /** Sent as JSON; a string or bytes as they are. */
  readonly body?: unknown;
  readonly headers?: OutgoingHttpHeaders;
  /** The address that it comes from: any of 127.0.0.0/8. */
  readonly from?: string | undefined;
  readonly ms?: number;
}

/**
 * Asks the console one thing over a connection of its own, with headers as given and none of a browser's rules. Not by the client: an
 * attacker has no manners, comes from any address, and what it sends need not be JSON.
 */
export function ask(
  port: number,
  path: string,
  { method = "GET", as, body, headers, from, ms = 30_000 }: Ask = {},
): Promise<Answer> {
  const bytes = body === undefined ? undefined : encoded(body);
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request({
      host: "127.0.0.1",
      port,
      path,
      method,
      agent: false,
      ...(from === undefined ? {} : { localAddress: from }),
      headers: {
        accept: "application/json",
        ...(as === undefined ? {} : { authorization: `Basic ${Buffer.from(as).toString("base64")}` }),
        ...(bytes === undefined ? {} : { "content-type": "application/json", "content-length": bytes.length }),
        ...headers,
      },
    });
    asked.setTimeout(ms, () => asked.destroy(new Error(`no answer to ${method} ${path.slice(0, 80)} in ${ms} ms`)));
    asked.once("error", reject);
    asked.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
          ms: performance.now() - began,
        }),
      );
    });
    asked.end(bytes);
  });
}

function encoded(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}
