import { lookup } from "node:dns";
import { request as plainRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as tlsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Clock } from "#shared/clock";
import { asError, messageWithCauses } from "#shared/errors";
import { formatDuration } from "#shared/duration";
import type { HttpRequest } from "./kinds/http-kind.ts";
import type { HttpAnswer } from "./try-outcome.ts";

/** Milliseconds for a request from its beginning to the end of its answer, names looked up and all. */
export const outgoingTime = 20_000;
/** Bytes of an answer that are read: what is more says no more to anybody, and may have no end. */
export const maxOutgoingAnswer = 16 * 1024;

export interface OutgoingOptions {
  readonly clock: Clock;
  /** Aborts what is on its way. */
  readonly signal: AbortSignal;
  readonly time?: number;
  /** Whether an address may be spoken to, for a URL that no administrator has given; every one may unless given. */
  readonly mayReach?: (address: string) => boolean;
}

/**
 * Asks once. By node's own client and no pool: no proxy of the environment's, no cookies, no redirects, no connection that lives on.
 * @throws Error saying why there is no answer
 */
export async function askOnce(
  { method, url, headers, body, ca }: HttpRequest,
  { clock, signal, time = outgoingTime, mayReach }: OutgoingOptions,
): Promise<HttpAnswer> {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const own = new AbortController();
  const stop = (): void => own.abort();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  let isLate = false;
  const cancel = clock.after(time, () => {
    isLate = true;
    stop();
  });
  try {
    if (mayReach) assertReachable(url, mayReach);
    return await asked(url, bytes, {
      method,
      headers: { "user-agent": "muster", ...headers, "content-length": String(bytes.length) },
      agent: false,
      signal: own.signal,
      ...(ca ? { ca } : {}),
      ...(mayReach ? { lookup: lookupWithin(mayReach) } : {}),
    });
  } catch (thrown) {
    if (isLate) throw new Error(`no answer within ${formatDuration(time)}`);
    throw new Error(messageWithCauses(asError(thrown)) || "no connection");
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
}

/** An address that stands in the URL itself is never looked up. @throws Error where it may not be spoken to */
function assertReachable(url: string, mayReach: (address: string) => boolean): void {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) && !mayReach(host)) throw new Error(`${host} may not be spoken to: it is no address on the internet`);
}

/**
 * Looks a name up as node does, and lets the connection have the address that it has judged: a second look-up could give another. Of several
 * none is taken where one may not be spoken to.
 */
function lookupWithin(mayReach: (address: string) => boolean): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const wrong = error ? undefined : found.find(({ address }) => !mayReach(address));
      const [first] = found ?? [];
      if (error) done(error, []);
      else if (wrong || !first)
        done(new Error(`${hostname} may not be spoken to: it leads to no address on the internet`), []);
      else if (options.all) done(null, found);
      else done(null, first.address, first.family);
    });
  };
}

function asked(url: string, body: Buffer, options: RequestOptions): Promise<HttpAnswer> {
  const begin = new URL(url).protocol === "https:" ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const request = begin(url, options, (response) => {
      const { statusCode: status = 0, headers } = response;
      void readBody(response).then((text) => resolve({ status, headers, body: text }));
    });
    request.once("error", reject);
    request.end(body);
  });
}

/** As much of it as comes in time, and is read: the status counts, and whoever has taken a notice must not be told it again for want of words. */
async function readBody(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      // Leaving the loop destroys the response, and its connection.
      if (bytes >= maxOutgoingAnswer) break;
    }
  } catch {
    // Cut off, or out of time.
  }
  return Buffer.concat(parts).subarray(0, maxOutgoingAnswer).toString("utf8");
}
