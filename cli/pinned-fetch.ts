import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { Readable } from "node:stream";
import { rootCertificates } from "node:tls";

/**
 * `fetch` over HTTPS that trusts certain authorities: Node's own takes them from a variable of the environment alone, which is read before
 * a program begins. It follows no redirects, and sends text.
 * @param ca as PEM
 * @param alone whether those of the system are not trusted
 */
export function pinnedFetch(ca: string, alone: boolean): typeof fetch {
  const trusted = alone ? ca : [...rootCertificates, ca];
  return (input, { method = "GET", headers = {}, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const failed = (cause: Error): void =>
        reject(signal?.aborted ? signal.reason : new TypeError("fetch failed", { cause }));
      const options = {
        method,
        headers: Object.fromEntries(new Headers(headers)),
        ca: trusted,
        // One console, asked once or twice by a program that ends then.
        agent: false as const,
        ...(signal ? { signal } : {}),
      };
      const sent = request(input instanceof Request ? input.url : input, options, (answer) =>
        resolve(responseOf(answer)),
      );
      sent.on("error", failed);
      sent.end(typeof body === "string" ? body : undefined);
    });
}

/** Statuses that have no body (Fetch, "null body status"). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

function responseOf(answer: IncomingMessage): Response {
  const { statusCode: status = 500, statusMessage: statusText = "", headersDistinct } = answer;
  const headers = new Headers();
  for (const [name, values] of Object.entries(headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  if (bodiless.has(status)) answer.resume();
  const body = bodiless.has(status) ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText, headers });
}
