import { isIP } from "node:net";

/** Names of the machine itself: nobody can point them elsewhere in DNS. */
const loopback: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

/**
 * The names that Muster goes by, against two attacks on who logs in with a browser. DNS rebinding: a foreign page's own name is made to
 * point here, so that the browser takes it for the same site; then `Host` is that name. And a foreign page that opens a WebSocket or
 * posts a form; then `Origin` is that page's.
 */
export class OwnNames {
  readonly #names: ReadonlySet<string>;

  /** @param names what it is called besides loopback and the numbers of its addresses, without ports */
  constructor(names: readonly string[] = []) {
    this.#names = new Set(names.map((name) => name.toLowerCase().replace(/\.$/, "")));
  }

  /** Whether a `Host` header means Muster. An address in numbers always does: no name was looked up, so none was rebound. */
  isHost(header: string | undefined): boolean {
    const host = hostOf(header);
    return host !== undefined && (isIP(host) !== 0 || loopback.has(host) || this.#names.has(host));
  }

  /**
   * Whether an `Origin` header comes from a page of a name of Muster's, on any port.
   * @param host the same request's `Host` header
   */
  isOrigin(header: string, host: string | undefined): boolean {
    const [, authority] = /^https?:\/\/([^/?#@\\]+)$/i.exec(header) ?? [];
    const [from, to] = [hostOf(authority), hostOf(host)];
    if (from === undefined || to === undefined || !this.isHost(host)) return false;
    return from === to || this.#names.has(from) || (loopback.has(from) && loopback.has(to));
  }
}

/** The host of `host[:port]` in small letters, without the brackets of an IPv6 address; undefined where there is none. Never throws. */
export function hostOf(authority: string | undefined): string | undefined {
  if (authority === undefined || authority.length > 261) return undefined;
  const [, six, other] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(authority) ?? [];
  if (six !== undefined) return isIP(six) === 6 ? six.toLowerCase() : undefined;
  return other?.toLowerCase().replace(/\.$/, "");
}
