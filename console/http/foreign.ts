import type { FastifyRequest } from "fastify";
import type { OwnNames } from "#shared/origins";
import { HttpError } from "./problem.ts";

/** What of a request tells whether a foreign page has made a browser send it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** `https` only where Muster knows it. */
  readonly protocol: string;
  readonly host: string | undefined;
  /** `Sec-Fetch-Site`: browsers set it themselves, on HTTPS and on loopback. */
  readonly site: string | undefined;
  readonly origin: string | undefined;
  /** `basic` or `bearer`, in small letters. */
  readonly scheme: string | undefined;
  readonly cookie: boolean;
}

const reading: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Why a request is not carried out because of the page that it comes from; undefined where nothing speaks against it. A browser adds
 * cookies and the passwords that it keeps to whatever a page of another site, or of another port of this machine, asks for; a
 * bearer token it does not. Links from elsewhere to the page itself are welcome.
 */
export function objection(asked: Asked): string | undefined {
  const { method, path, site, origin, scheme, cookie } = asked;
  if (scheme === "bearer") return undefined;
  const reads = reading.has(method);
  if (reads && scheme === undefined && !isData(path)) return undefined;
  if (site !== undefined)
    return site === "same-origin" || site === "none" ? undefined : `its browser says that it is ${site}`;
  if (origin !== undefined) return isSameOrigin(asked, origin) ? undefined : `its origin is ${origin.slice(0, 100)}`;
  // Browsers send one of the two with every change; who sends neither and brings its own password is a program.
  if (!reads && cookie && scheme === undefined) return "with a cookie alone it needs Sec-Fetch-Site or Origin";
  return undefined;
}

function isData(path: string): boolean {
  return path.startsWith("/api/") || path === "/metrics" || path === "/healthz";
}

function isSameOrigin({ host, protocol }: Asked, origin: string): boolean {
  // A proxy that speaks TLS before us is not known to us unless it is trusted; an origin of plain HTTP is none of its pages.
  const candidates = protocol === "https" ? ["https"] : ["http", "https"];
  return candidates.some((scheme) => {
    const own = `${scheme}://${host ?? ""}`;
    return URL.canParse(own) && new URL(own).origin === origin;
  });
}

/** Whether a browser asks, as far as its headers tell. Node's own fetch sends Sec-Fetch-Mode, but no Sec-Fetch-Site. */
export function isBrowser({ headers }: FastifyRequest): boolean {
  return (
    headers["sec-fetch-site"] !== undefined ||
    headers.origin !== undefined ||
    headers.accept?.includes("text/html") === true ||
    headers["user-agent"]?.startsWith("Mozilla/") === true
  );
}

/**
 * A hook before everything else: refuses what is addressed to a name that is not Muster's (a foreign site's name can be made to
 * point here, and its page is then of the same origin), and what a foreign page has made a browser send.
 */
export function refuseForeign(names: OwnNames) {
  return async (request: FastifyRequest): Promise<void> => {
    const { method, headers, protocol, host, url } = request;
    // Only HTTP/1.0 has none, which no browser speaks.
    if (headers.host !== undefined && !names.isHost(host)) {
      throw new HttpError(
        421,
        `this Muster is not called ${JSON.stringify(host.slice(0, 100))}: if it should be, put the name into MUSTER_HOSTS`,
      );
    }
    const why = objection({
      method,
      path: url.split("?", 1)[0] ?? "",
      protocol,
      host,
      site: single(headers["sec-fetch-site"]),
      origin: headers.origin,
      scheme: headers.authorization?.split(" ", 1)[0]?.toLowerCase(),
      cookie: headers.cookie !== undefined,
    });
    if (why === undefined) return;
    throw new HttpError(403, `this request comes from another page than Muster's own, and nothing was done: ${why}`);
  };
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(", ") : value;
}
