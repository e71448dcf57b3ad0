import * as http from "node:http";
import * as https from "node:https";
import { counted } from "#shared/counted";
import { asError, errorCode, messageWithCauses } from "#shared/errors";
import { isUnderstood, meaningOf, type Meaning, type WriteAnswer } from "./influx-answers.ts";
import type { InfluxAddress } from "./influx-url.ts";
import type { BadLines, LineBatch } from "./line-batch.ts";
import { StoreUnavailableError } from "./store.ts";

/** Milliseconds that one request may take from its beginning to its answer's end. */
const requestTimeout = 10_000;
/** Requests spent on finding the bad lines of one batch at most. */
export const searchBudget = 100;
/** Portions of a batch that are refused for no clear reason, and none taken, before it is the server's fault and not the lines'. */
export const maxUnclear = 8;
/**
 * Bytes of a single line up to which only the set-up of something in between can find it too large, and refuses everybody: 64 KiB are
 * below what any proxy takes unless it was told otherwise. A larger line is kept by its sender alone where others are taken.
 */
export const smallLine = 65_536;
/** Bytes of a line that is kept to be written once more. */
const maxKnownBytes = 16_384;
/** Characters of an answer that are read: InfluxDB 1 repeats every line that it cannot parse, InfluxDB 3 names a hundred. */
const maxAnswerLength = 65_536;

/** What becomes of lines whose answer does not end the matter. */
export type Answer = Extract<Meaning, { kind: "stored" | "rejected" | "too large" | "no database" | "unclear" }>;

type Rejection = Extract<Meaning, { kind: "rejected" }>;
type Refusal = Extract<Meaning, { kind: "rejected" | "too large" | "unclear" }>;

/** What the search for bad lines has left, and seen. */
interface Search {
  left: number;
  /** Portions that were refused for no clear reason while none was taken. */
  unclear: number;
  /** Whether the server has taken a portion meanwhile, or shown that it would. */
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
    const [first] = search.bad;
    if (first && !search.alive) throw this.#unavailable(first.why);
    return search.bad;
  }

  /** One request; with no lines, a probe that tells whether writing would be allowed. @throws StoreUnavailableError */
  async post(lines: Buffer): Promise<Answer> {
    const meaning = await this.#ask(lines);
    if (meaning.kind === "deferred") {
      const { origin } = this.#address;
      const { why, retryAfter } = meaning;
      throw new StoreUnavailableError(`InfluxDB at ${origin} answers ${why}`, { retryAfter });
    }
    if (meaning.kind === "misconfigured") throw this.#misconfigured(meaning.why);
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
        response.on("data", (chunk: string) => (text = (text + chunk).slice(0, maxAnswerLength)));
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
    if (answer.kind === "rejected") {
      await this.#judge(answer, to - from, search);
      if (answer.lines) return this.#named(answer.lines, from, to, search);
    }
    if (answer.kind === "unclear") await this.#doubt(answer.why, search);
    if (to - from === 1 || search.left <= 0) return this.#leave(answer, batch, from, to, search);
    const middle = Math.ceil((from + to) / 2);
    search.left -= 2;
    await this.#writePart(batch, from, middle, search);
    await this.#writePart(batch, middle, to, search);
  }

  /** Lines that cannot be parted further. What nobody has refused for good is kept by its sender, alone: the server takes others. */
  async #leave(answer: Refusal, batch: LineBatch, from: number, to: number, search: Search): Promise<void> {
    let { why } = answer;
    if (answer.kind === "too large") {
      const { length } = batch.slice(from, to);
      why = `${why}, to ${counted(length, "byte")}: raise the limit of what stands between Muster and InfluxDB to 25 MB (nginx: client_max_body_size 25m; InfluxDB: max-body-size)`;
      if (to - from > 1 || length <= smallLine) throw this.#misconfigured(why);
      await this.#doubt(why, search);
    }
    const again = answer.kind !== "rejected";
    if (again && !search.alive) throw this.#unavailable(why);
    const count = again ? to - from : droppedOf(why, to - from);
    search.bad.push({ line: from, count, end: to, why, again });
  }

  /** Lines that the answer names; the others of it are in. */
  #named(lines: readonly { line: number; why: string }[], from: number, to: number, search: Search): void {
    for (const { line, why } of lines) if (from + line < to) search.bad.push({ line: from + line, count: 1, why });
  }

  /**
   * Whether lines are refused by a server that takes others. One that takes nothing, be it of InfluxDB or in between, may call each line wrong:
   * what was acknowledged on its word would be lost. Without a line that was taken before, the end of the search tells.
   */
  async #judge({ why, understood, lines }: Rejection, sent: number, search: Search): Promise<void> {
    if (search.alive) return;
    search.alive =
      understood || (lines !== undefined && (lines.length < sent || lines.some((one) => isUnderstood(one.why))));
    if (search.alive || !this.#known) return;
    search.alive = await this.#takesKnown(this.#known);
    if (!search.alive) throw this.#unavailable(why);
  }

  /**
   * Whether it is the server, or these lines: a line that it took before it takes again, and that changes nothing. Without such a
   * one the search goes on for a while, and where nothing at all is taken it is the server.
   */
  async #doubt(why: string, search: Search): Promise<void> {
    if (search.alive) return;
    search.unclear += 1;
    const known = this.#known;
    if (known) search.alive = await this.#takesKnown(known);
    if (!search.alive && (known || search.unclear >= maxUnclear)) throw this.#unavailable(why);
  }

  /** By now it may be too old for the server, or of another type than what is there: that says as well that lines are read. */
  async #takesKnown(known: Buffer): Promise<boolean> {
    const answer = await this.post(known);
    return answer.kind === "stored" || (answer.kind === "rejected" && answer.understood);
  }

  #remember(line: Buffer): void {
    if (line.length > maxKnownBytes) return;
    this.#known = Buffer.from(line);
  }

  #misconfigured(why: string): StoreUnavailableError {
    const isUser = /^40[13]/.test(why);
    const refuses = isUser ? `refuses the user "${this.#address.username}"` : "takes no writes as it is set up";
    return new StoreUnavailableError(`InfluxDB at ${this.#address.origin} ${refuses}: ${why}`);
  }

  #unavailable(why: string): StoreUnavailableError {
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
