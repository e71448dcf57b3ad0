import { createClient, type Client } from "#api/client";
import { ApiError, type UnreachableError } from "#api/api-errors";
import { pages } from "#api/pages";
import { certificateTrouble } from "#shared/certificate-troubles";
import { asError, EnvironmentError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { pinnedFetch } from "./pinned-fetch.ts";

export interface ClientAccess {
  /** What to tell where the console does not take the login. */
  readonly refused: string;
  /** Authorities that are trusted with https, as PEM: alone, or besides the system's. */
  readonly ca?: { readonly pem: string; readonly alone: boolean } | undefined;
}

/**
 * The console's client, whose errors are told to who types commands.
 * @param login a token, or `NAME:PASSWORD`; a function where it changes
 */
export function clientAt(url: string, login: string | (() => string), { refused, ca }: ClientAccess): Client {
  const pinned = ca && url.startsWith("https:") ? { fetch: pinnedFetch(ca.pem, ca.alone) } : {};
  return createClient({ url, login, ...pinned, explain: (error) => explain(error, refused) });
}

function explain(error: ApiError | UnreachableError, refused: string): Error {
  if (!(error instanceof ApiError)) {
    const trouble =
      error.cause instanceof TypeError ? certificateTrouble(asError(error.cause.cause), Date.now()) : undefined;
    // Without its causes, which say the same in OpenSSL's words, and that nobody answers.
    if (trouble !== undefined) return new EnvironmentError(trouble);
    return new EnvironmentError(`${error.message}: start it with npm start, or set MUSTER_URL`, { cause: error });
  }
  const { status, problem } = error;
  // The password was right: only then is anything said of a second factor.
  if (status === 401 && problem?.secondFactor) return error;
  if (status === 401) return new ApiError(status, refused, problem);
  if (status >= 300 && status < 400)
    return new ApiError(status, `${forTerminal(error.message, 300)}: set MUSTER_URL to the console itself`);
  const detail = inVerbs(error.message);
  const unlisted = problem?.reason === "unknown-device" && !detail.includes("muster devices");
  return new ApiError(status, unlisted ? `${detail}; muster devices lists them` : detail, problem);
}

/** The console speaks to programs of its API; who types commands is told of the verbs that do the same. */
function inVerbs(detail: string): string {
  return detail
    .replace(/GET \/api\/(devices|commands|jobs|sessions|quarantine)\b(?!\/)/g, "muster $1")
    .replace(/GET \/api\/fields\b/g, "muster field");
}

/** All items of a list that comes in pages, or so many. */
export async function listed<P extends { readonly next?: string | null }, T>(
  get: (place: string | undefined, left: number) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
  most = Infinity,
): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const page of pages((place) => get(place, most - items.length))) {
    items.push(...itemsOf(page));
    if (items.length >= most) break;
  }
  return items;
}
