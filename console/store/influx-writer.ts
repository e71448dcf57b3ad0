import * as http from "node:http";
import * as https from "node:https";
import { asError, errorCode, messageWithCauses } from "#shared/errors";
import type { InfluxAddress } from "./influx-url.ts";
import type { BadLines, LineBatch } from "./line-batch.ts";
import { StoreUnavailableError } from "./store.ts";

/** Milliseconds that one request may take from its beginning to its answer's end. */
const requestTimeout = 10_000;
/** Requests spent on finding the bad lines of one batch at most. */
const searchBudget = 100;
/** Characters of an answer that are read; InfluxDB repeats every line that it cannot parse. */
const longestAnswer = 4_096;

/** What InfluxDB answered to lines: taken, some of them not, or no such database (or no default policy in it). */
export type Answer =
  | { readonly status: "taken" }
  | { readonly status: "no database" }
  | { readonly status: "partly"; readonly why: string };

/** A kept connection that the server closed just then. It is worth another try at once: lines may come twice. */
class StaleConnection extends Error {}

/**
 * Writes lines by HTTP. A batch ends in accept (the lines are in), reject (some never will be), or keep (try again).
 * By node:http, because the bytes go to the socket as they are; `fetch` takes several times the CPU for the same.
 */
export class InfluxWriter {
  readonly #address: InfluxAddress;
  readonly #options: http.RequestOptions;
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;

  constructor(address: InfluxAddress) {
    this.#address = address;
    const { origin, database, username, password } = address;
    const { hostname, port, protocol } = new URL(origin);
    const secure = protocol === "https:";
    this.#request = secure ? https.request : http.request;
    this.#agent = new (secure ? https.Agent : http.Agent)({ keepAlive: true });
    this.#options = {
      // A URL has brackets around an address of IPv6, a socket has none.
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port,
      method: "POST",
      path: `/write?${new URLSearchParams({ db: database, precision: "ms" })}`,
      agent: this.#agent,
      ...(username ? { auth: `${username}:${password}` } : {}),
    };
  }

  /** @returns the lines that InfluxDB will never take @throws StoreUnavailableError when the same lines may be tried again */
  async write(batch: LineBatch): Promise<BadLines[]> {
    const answer = await this.post(batch.slice(0, batch.lines));
    if (answer.status === "partly") return this.#findBad(batch, 0, batch.lines, answer.why, { left: searchBudget });
    if (answer.status === "no database") throw this.#noDatabase();
    return [];
  }

  /** One request; with no lines, a probe that tells whether writing would be allowed. @throws StoreUnavailableError */
  async post(lines: Buffer): Promise<Answer> {
    try {
      const { status, text } = await this.#send(lines).catch((error: unknown) => {
        if (error instanceof StaleConnection) return this.#send(lines);
        throw error;
      });
      return this.#judge(status, errorOf(text));
    } catch (cause) {
      if (cause instanceof StoreUnavailableError) throw cause;
      throw new StoreUnavailableError(`InfluxDB at ${this.#address.origin} does not answer`, {
        cause: firstCause(cause),
      });
    }
  }

  /** Lets go of the connections that wait for the next request. */
  stop(): void {
    this.#agent.destroy();
  }

  #send(body: Buffer): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(requestTimeout);
      const headers = { "content-type": "text/plain; charset=utf-8", "content-length": body.length };
      const request = this.#request({ ...this.#options, headers, signal }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text = (text + chunk).slice(0, longestAnswer)));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      request.on("error", (error) => {
        const stale = request.reusedSocket && errorCode(error) === "ECONNRESET";
        if (stale) reject(new StaleConnection("the server closed a kept connection", { cause: error }));
        else reject(signal.aborted ? new Error(`no answer within ${requestTimeout / 1_000} s`) : error);
      });
      request.end(body);
    });
  }

  #judge(status: number, error: string): Answer {
    const { origin, username } = this.#address;
    if (status < 300) return { status: "taken" };
    // 413: nothing is in, but halves will be. To call the store away for it would let one sender's lines stop all others.
    if (status === 400 || status === 413) return { status: "partly", why: error };
    // Without a default retention policy even an empty write is answered with 500.
    if (status === 404 || error.startsWith("retention policy not found")) return { status: "no database" };
    if (status === 401 || status === 403)
      throw new StoreUnavailableError(`InfluxDB at ${origin} refuses the user "${username}": ${error}`);
    throw new StoreUnavailableError(`InfluxDB at ${origin} answers ${status}: ${error}${afterFullDisk(status, error)}`);
  }

  /** After a 400 the good lines are in. Halving finds the bad ones; the good halves only overwrite themselves. */
  async #findBad(
    batch: LineBatch,
    from: number,
    to: number,
    why: string,
    budget: { left: number },
  ): Promise<BadLines[]> {
    if (to - from === 1 || budget.left <= 0) return [{ line: from, count: droppedOf(why, to - from), why }];
    const middle = Math.ceil((from + to) / 2);
    const bad: BadLines[] = [];
    for (const [first, end] of [
      [from, middle],
      [middle, to],
    ] as const) {
      budget.left -= 1;
      const answer = await this.post(batch.slice(first, end));
      if (answer.status === "no database") throw this.#noDatabase();
      if (answer.status === "partly") bad.push(...(await this.#findBad(batch, first, end, answer.why, budget)));
    }
    return bad;
  }

  #noDatabase(): StoreUnavailableError {
    return new StoreUnavailableError(
      `InfluxDB has no database ${this.#address.database}, or no default retention policy in it`,
    );
  }
}

/** When the search has cost enough, InfluxDB's own count says how many of the lines were refused. */
function droppedOf(why: string, lines: number): number {
  return Math.min(lines, Number(/dropped=(\d+)/.exec(why)?.[1] ?? 0) || lines);
}

/** Where a name has several addresses, each has its own error, and the one around them says nothing. */
function firstCause(thrown: unknown): Error {
  const error = asError(thrown);
  const [first] = error instanceof AggregateError ? error.errors : [];
  return first instanceof Error ? first : new Error(messageWithCauses(error));
}

function errorOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: string };
    return error ?? body.slice(0, 300);
  } catch {
    return body.slice(0, 300);
  }
}

/**
 * InfluxDB 1.x goes on refusing every write after its disk was full, even when there is room again, until it is started anew. By
 * all that can be seen from outside, it cuts its log at that start where the full disk has torn it, but appends behind the old end;
 * at the next start it drops what comes after the hole. So it has to be started twice with nothing written in between
 * (seen with 1.6.7).
 */
function afterFullDisk(status: number, error: string): string {
  return status === 500 && /engine|no space|timeout/i.test(error)
    ? "; if its disk was full: stop the console, make room, start InfluxDB twice, start the console. A write between the two would be lost at the next start"
    : "";
}
