import { request as plainRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as tlsRequest } from "node:https";
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
}

/**
 * Asks once. By node's own client and no pool: no proxy of the environment's, no cookies, no redirects, no connection that lives on.
 * @throws Error saying why there is no answer
 */
export async function askOnce(
  { method, url, headers, body, ca }: HttpRequest,
  { clock, signal, time = outgoingTime }: OutgoingOptions,
): Promise<HttpAnswer> {
  const bytes = Buffer.from(body);
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
    return await asked(url, bytes, {
      method,
      headers: { "user-agent": "muster", ...headers, "content-length": String(bytes.length) },
      agent: false,
      signal: own.signal,
      ...(ca ? { ca } : {}),
    });
  } catch (thrown) {
    if (isLate) throw new Error(`no answer within ${formatDuration(time)}`);
    throw new Error(messageWithCauses(asError(thrown)) || "no connection");
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
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
