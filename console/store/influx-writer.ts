import * as http from "node:http";
import * as https from "node:https";
import { asError, errorCode, messageWithCauses } from "#shared/errors";
import { meaningOf, type Meaning, type WriteAnswer } from "./influx-answers.ts";
import type { InfluxAddress } from "./influx-url.ts";
import type { BadLines, LineBatch } from "./line-batch.ts";
import { StoreUnavailableError } from "./store.ts";

/** Milliseconds that one request may take from its beginning to its answer's end. */
const requestTimeout = 10_000;
/** Requests spent on finding the bad lines of one batch at most. */
export const searchBudget = 100;
/** Portions of a batch that are refused for no clear reason, and none taken, before it is the server's fault and not the lines'. */
export const mostUnclear = 8;
/** Bytes of a line that is kept to be written once more. */
const longestKnown = 16_384;
/** Characters of an answer that are read: InfluxDB 1 repeats every line that it cannot parse, InfluxDB 3 names a hundred. */
const longestAnswer = 65_536;

/** What becomes of lines whose answer does not end the matter. */
export type Answer = Extract<Meaning, { kind: "stored" | "rejected" | "too large" | "no database" | "unclear" }>;

/** What the search for bad lines has left, and seen. */
interface Search {
  left: number;
  /** Portions that were refused for no clear reason while none was taken. */
  unclear: number;
  /** Whether the server has taken a portion meanwhile. */
  alive: boolean;
  readonly bad: BadLines[];
}

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
  /** The last line that was taken. */
  #known: Buffer | undefined;

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

  /** @returns the lines that InfluxDB has not taken @throws StoreUnavailableError when all of them may be tried again */
  async write(batch: LineBatch): Promise<BadLines[]> {
    const search: Search = { left: searchBudget, unclear: 0, alive: false, bad: [] };
    await this.#writePart(batch, 0, batch.lines, search);
    return search.bad;
  }

  /** One request; with no lines, a probe that tells whether writing would be allowed. @throws StoreUnavailableError */
  async post(lines: Buffer): Promise<Answer> {
    const meaning = await this.#ask(lines);
    const { origin, username } = this.#address;
    if (meaning.kind === "deferred") {
      const { why, retryAfter } = meaning;
      throw new StoreUnavailableError(`InfluxDB at ${origin} answers ${why}`, { retryAfter });
    }
    if (meaning.kind === "misconfigured") {
      const isUser = /^40[13]/.test(meaning.why);
      const refuses = isUser ? `refuses the user "${username}"` : "takes no writes as it is set up";
      throw new StoreUnavailableError(`InfluxDB at ${origin} ${refuses}: ${meaning.why}`);
    }
    return meaning;
  }

  /** Lets go of the connections that wait for the next request. */
  stop(): void {
    this.#agent.destroy();
  }

  #send(body: Buffer): Promise<WriteAnswer> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(requestTimeout);
      const headers = { "content-type": "text/plain; charset=utf-8", "content-length": body.length };
      const request = this.#request({ ...this.#options, headers, signal }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text = (text + chunk).slice(0, longestAnswer)));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      });
      request.on("error", (error) => {
        const stale = request.reusedSocket && errorCode(error) === "ECONNRESET";
        if (stale) reject(new StaleConnection("the server closed a kept connection", { cause: error }));
        else reject(signal.aborted ? new Error(`no answer within ${requestTimeout / 1_000} s`) : error);
      });
      request.end(body);
    });
  }

  async #ask(lines: Buffer): Promise<Meaning> {
    try {
      const answer = await this.#send(lines).catch((error: unknown) => {
        if (error instanceof StaleConnection) return this.#send(lines);
        throw error;
      });
      return withStatus(meaningOf(answer), answer.status);
    } catch (cause) {
      throw new StoreUnavailableError(`InfluxDB at ${this.#address.origin} does not answer`, {
        cause: firstCause(cause),
      });
    }
  }

  /** Writes lines, and by halves where some of them, or the server, are in the way. Good halves that come twice only overwrite themselves. */
  async #writePart(batch: LineBatch, from: number, to: number, search: Search): Promise<void> {
    const answer = await this.post(batch.slice(from, to));
    if (answer.kind === "no database") throw this.#noDatabase();
    if (answer.kind === "stored") {
      search.alive = true;
      return this.#remember(batch.slice(to - 1, to));
    }
    if (answer.kind === "rejected" && answer.lines) return this.#named(answer.lines, from, to, search);
    if (answer.kind === "unclear") await this.#doubt(answer.why, search);
    const again = answer.kind === "unclear";
    if (to - from === 1 || search.left <= 0) {
      // What nobody has refused for good is kept by its sender, alone: the server takes others.
      if (again && !search.alive) throw this.#unclear(answer.why);
      const count = again ? to - from : droppedOf(answer.why, to - from);
      search.bad.push({ line: from, count, end: to, why: answer.why, again });
      return;
    }
    const middle = Math.ceil((from + to) / 2);
    search.left -= 2;
    await this.#writePart(batch, from, middle, search);
    await this.#writePart(batch, middle, to, search);
  }

  /** Lines that the answer names; the others of it are in. */
  #named(lines: readonly { line: number; why: string }[], from: number, to: number, search: Search): void {
    for (const { line, why } of lines) if (from + line < to) search.bad.push({ line: from + line, count: 1, why });
  }

  /**
   * Whether it is the server, or these lines: a line that it took before it takes again, and that changes nothing. Without such a
   * one the search goes on for a while, and where nothing at all is taken it is the server.
   */
  async #doubt(why: string, search: Search): Promise<void> {
    if (search.alive) return;
    search.unclear += 1;
    const known = this.#known;
    if (known) search.alive = (await this.post(known)).kind === "stored";
    if (!search.alive && (known || search.unclear >= mostUnclear)) throw this.#unclear(why);
  }

  #remember(line: Buffer): void {
    if (line.length > longestKnown) return;
    this.#known = Buffer.from(line);
  }

  #unclear(why: string): StoreUnavailableError {
    return new StoreUnavailableError(`InfluxDB at ${this.#address.origin} answers ${why}${afterFullDisk(why)}`);
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

/** With the status before a reason that does not say what was refused. */
function withStatus(meaning: Meaning, status: number): Meaning {
  return "why" in meaning && meaning.kind !== "rejected" ? { ...meaning, why: `${status}: ${meaning.why}` } : meaning;
}

/**
 * InfluxDB 1.x goes on refusing every write after its disk was full, even when there is room again, until it is started anew. By
 * all that can be seen from outside, it cuts its log at that start where the full disk has torn it, but appends behind the old end;
 * at the next start it drops what comes after the hole. So it has to be started twice with nothing written in between
 * (seen with 1.6.7).
 */
function afterFullDisk(why: string): string {
  return why.startsWith("500") && /engine|no space|timeout/i.test(why)
    ? "; if its disk was full: stop the console, make room, start InfluxDB twice, start the console. A write between the two would be lost at the next start"
    : "";
}
