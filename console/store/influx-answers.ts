/** An answer to a write, as far as it says anything. */
export interface WriteAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Its beginning. */
  readonly body: string;
}

/**
 * What an answer means for the lines that were sent.
 *
 * `rejected`: some of them will never be taken, the others are in, or will be when they come without these. `too large`: nothing is in,
 * but parts will be; a single line is not too large for InfluxDB, so that somebody in between is set up too small. `no database`: it, or its default retention policy, is missing and can be made. `misconfigured`: nothing will be
 * taken until a person has mended something. `deferred`: the server cannot now. `unclear`: it may be the server, or these very lines:
 * only what becomes of others can tell.
 */
export type Meaning =
  | { readonly kind: "stored" }
  | {
      readonly kind: "rejected";
      readonly why: string;
      /** Whether the server has read lines, and refuses what does not go with those that it has. Else it may refuse whatever comes. */
      readonly understood: boolean;
      /** Which, counted from 0, where the answer says it of every one. */
      readonly lines?: readonly { readonly line: number; readonly why: string }[];
    }
  | { readonly kind: "too large"; readonly why: string }
  | { readonly kind: "no database"; readonly why: string }
  | { readonly kind: "misconfigured"; readonly why: string }
  | { readonly kind: "unclear"; readonly why: string }
  | {
      readonly kind: "deferred";
      readonly why: string;
      /** Milliseconds that the server asks for. */
      readonly retryAfter?: number;
    };

/** Milliseconds that a server may make us wait at most: a wrong header must not keep a fleet out for a day. */
export const maxRetryAfter = 300_000;
/** Lines that InfluxDB 3 names at most: with as many there may be more. */
const maxNamedLines = 100;
/** Characters of a reason. */
const maxWhyLength = 300;

/** What says of the lines themselves that they will never be taken, whatever status it comes with. */
const ofLines =
  /partial write|unable to parse|field type conflict|beyond retention policy|outside retention policy|max-series-per-database|max-values-per-tag|parsing failed|parse failed|line protocol/i;
/** What only a server says that has read the lines: it compares them with what it holds, or has taken others of them. */
const ofData =
  /partial write: |field type conflict|column type|retention policy|max-series-per-database|max-values-per-tag|schema/i;
const ofGrammar = /unable to parse|parsing failed|parse failed/i;
/** InfluxDB 1 says so of lines that it does not parse as well: those are not in. */
const nothingDropped = /partial write: .*\bdropped=0\b/is;
/** What says that the request as such is wrong: with other lines it would be answered no better. */
const ofRequest =
  /^(database is required|invalid precision|missing required|bucket .*required|invalid (database|db) name|db name|.*number of databases|.*limit of \d+ databases)/i;

/** What one answer to a write means: the only place that judges it. */
export function meaningOf(answer: WriteAnswer): Meaning {
  const { status, body } = answer;
  const isPage = body.trimStart().startsWith("<");
  const why = isPage ? titleOf(body) : errorOf(body);
  if (status >= 200 && status < 300) return taken(answer, isPage, why);
  if (status === 413) return { kind: "too large", why: why || "the request is too large" };
  if (status === 429 || [408, 502, 503, 504].includes(status)) return deferred(answer, why);
  if (status === 401) return { kind: "misconfigured", why };
  if (isPage) return ofPage(status, why);
  if (status === 403) return { kind: "misconfigured", why };
  // Without a default retention policy even an empty write is answered with 500.
  if (/^retention policy not found/i.test(why)) return { kind: "no database", why };
  if (nothingDropped.test(body) && !ofGrammar.test(body)) return { kind: "stored" };
  if (ofLines.test(why)) return rejected(why, body);
  if (status === 404) return { kind: "no database", why };
  if (ofRequest.test(why)) return { kind: "misconfigured", why };
  if (status === 400 || status === 422) return why === "" ? { kind: "unclear", why } : rejected(why, body);
  return status >= 500 ? { kind: "unclear", why } : { kind: "misconfigured", why };
}

function rejected(why: string, body: string): Meaning {
  return { kind: "rejected", why, understood: isUnderstood(why), ...linesIn(body) };
}

/** Whether a reason is of a server that has read the lines, and not perhaps of one that takes nothing at all. */
export function isUnderstood(why: string): boolean {
  return ofData.test(why);
}

/** InfluxDB answers 204. A page, or an error, is of somebody in between: nothing that was acknowledged may depend on it. */
function taken({ status, body }: WriteAnswer, isPage: boolean, why: string): Meaning {
  if (status === 204 || body.trim() === "") return { kind: "stored" };
  if (isPage) return { kind: "misconfigured", why };
  if (ofLines.test(why)) return rejected(why, body);
  return parsed(body)?.["error"] === undefined ? { kind: "stored" } : { kind: "unclear", why };
}

/** A page of HTML is never InfluxDB's: something in between has answered, for its own reasons. */
function ofPage(status: number, why: string): Meaning {
  // A filter that dislikes what it reads, or a server that has failed over it.
  return { kind: status === 404 || status === 405 || status < 400 ? "misconfigured" : "unclear", why };
}

function deferred({ headers }: WriteAnswer, why: string): Meaning {
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  if (!(seconds > 0)) return { kind: "deferred", why };
  return { kind: "deferred", why, retryAfter: Math.min(seconds * 1_000, maxRetryAfter) };
}

/** InfluxDB 3 names each line that it does not take. */
function linesIn(body: string): Pick<Meaning & { kind: "rejected" }, "lines"> {
  const data = parsed(body)?.["data"];
  if (!Array.isArray(data) || data.length === 0 || data.length >= maxNamedLines) return {};
  const lines = (data as Record<string, unknown>[]).map(({ line_number: line, error_message: why }) => ({
    line: Number(line) - 1,
    why: String(why).slice(0, maxWhyLength),
  }));
  return lines.every(({ line }) => Number.isSafeInteger(line) && line >= 0) ? { lines } : {};
}

/** `error` in 1.x and 3.x, `message` in 2.x; else the text as it is. */
function errorOf(body: string): string {
  const { error, message } = parsed(body) ?? {};
  const told = [error, message].find((one) => typeof one === "string") ?? body;
  return told.trim().slice(0, maxWhyLength);
}

function titleOf(body: string): string {
  const [, title] = /<(?:title|h1)[^>]*>([^<]{1,200})</i.exec(body) ?? [];
  return `a page: ${(title ?? "without a title").trim()}`;
}

function parsed(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
