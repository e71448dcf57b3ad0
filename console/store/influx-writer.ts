import { asError, messageWithCauses } from "#shared/errors";
import type { Line, Rejected } from "./influx-lines.ts";
import type { InfluxAddress } from "./influx-url.ts";
import { StoreUnavailableError } from "./store.ts";

/** Milliseconds that one request may take from its beginning to its answer's end. */
const requestTimeout = 10_000;
/** Requests spent on finding the bad lines of one batch at most. */
const searchBudget = 100;

/** What InfluxDB answered to lines: taken, some of them not, or no such database (or no default policy in it). */
export type Answer =
  | { readonly status: "taken" }
  | { readonly status: "no database" }
  | { readonly status: "partly"; readonly why: string };

/** Writes lines by HTTP. A batch ends in accept (the lines are in), reject (some never will be), or keep (try again). */
export class InfluxWriter {
  readonly #address: InfluxAddress;

  constructor(address: InfluxAddress) {
    this.#address = address;
  }

  /** @returns the lines that InfluxDB will never take @throws StoreUnavailableError when the same lines may be tried again */
  async write(lines: readonly Line[]): Promise<Rejected[]> {
    const answer = await this.post(lines);
    if (answer.status === "partly") return this.#findBad(lines, answer.why, { left: searchBudget });
    if (answer.status === "no database") throw this.#noDatabase();
    return [];
  }

  /** One request; with no lines, a probe that tells whether writing would be allowed. @throws StoreUnavailableError */
  async post(lines: readonly Line[]): Promise<Answer> {
    const { origin, database, username, password } = this.#address;
    const headers: Record<string, string> = { "content-type": "text/plain; charset=utf-8" };
    if (username) headers["authorization"] = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const url = `${origin}/write?${new URLSearchParams({ db: database, precision: "ms" })}`;
    let status: number;
    let body: string;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers,
        body: lines.map(({ text }) => text).join("\n"),
        signal: AbortSignal.timeout(requestTimeout),
      });
      status = response.status;
      body = await response.text();
    } catch (cause) {
      throw new StoreUnavailableError(`InfluxDB at ${origin} does not answer`, { cause: firstCause(cause) });
    }
    return this.#judge(status, errorOf(body));
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
  async #findBad(lines: readonly Line[], why: string, budget: { left: number }): Promise<Rejected[]> {
    if (lines.length === 1 || budget.left <= 0) return this.#reject(lines, why);
    const middle = Math.ceil(lines.length / 2);
    const bad: Rejected[] = [];
    for (const half of [lines.slice(0, middle), lines.slice(middle)]) {
      budget.left -= 1;
      const answer = await this.post(half);
      if (answer.status === "no database") throw this.#noDatabase();
      if (answer.status === "partly") bad.push(...(await this.#findBad(half, answer.why, budget)));
    }
    return bad;
  }

  #noDatabase(): StoreUnavailableError {
    return new StoreUnavailableError(
      `InfluxDB has no database ${this.#address.database}, or no default retention policy in it`,
    );
  }

  /** When the search has cost enough, InfluxDB's own count says how many of the lines were refused. */
  #reject(lines: readonly Line[], why: string): Rejected[] {
    const [first] = lines;
    if (!first) return [];
    const { device, measurement } = first.series;
    const dropped = Number(/dropped=(\d+)/.exec(why)?.[1]);
    return [
      { device, measurement, why, count: lines.length === 1 ? 1 : Math.min(lines.length, dropped || lines.length) },
    ];
  }
}

/** A fetch that failed says "fetch failed", and in its cause why. */
function firstCause(thrown: unknown): Error {
  const error = asError(thrown);
  return error.cause instanceof Error ? error.cause : new Error(messageWithCauses(error));
}

function errorOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: string };
    return error ?? body.slice(0, 300);
  } catch {
    return body.slice(0, 300);
  }
}

/** InfluxDB 1.x goes on refusing every write after its disk was full, even when there is room again. */
function afterFullDisk(status: number, error: string): string {
  return status === 500 && /engine|no space|timeout/i.test(error)
    ? "; if its disk was full, make room and restart InfluxDB"
    : "";
}
