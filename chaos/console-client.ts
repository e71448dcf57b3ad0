import { createClient, type Client } from "#api/client";

/** Milliseconds until an answer is given up. */
const patience = 10_000;

/** The console's client, a connection a request: one that breaks is this request's own. */
export function clientOf(port: number, login: () => string): Client {
  return createClient({
    url: `http://127.0.0.1:${port}`,
    login,
    fetch: (url, init) => {
      const headers = new Headers(init?.headers);
      headers.set("connection", "close");
      return fetch(url, { ...init, headers, signal: AbortSignal.timeout(patience) });
    },
  });
}
