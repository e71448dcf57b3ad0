import type { Client, ConsoleEvent } from "#api/client";
import type { EventQuery } from "#api/event-routes";
import { silentLog } from "#shared/log";
import { HttpServer, type HttpOptions } from "../console/http/server.ts";
import { checkedClient } from "./checked-client.ts";
import type { Fleet } from "./fleet.ts";
import { eventually, type Scope } from "./suite.ts";

/** A console's HTTP side on a free port of loopback. */
export interface ApiServer {
  readonly server: HttpServer;
  readonly port: number;
  readonly url: string;
  /**
   * A client, each of whose answers is checked against the contract.
   * @param login `NAME:PASSWORD`, or a token; none for a stranger
   * @param headers what a browser or a proxy adds
   */
  readonly as: (login?: string, headers?: Readonly<Record<string, string>>) => Client;
}

export async function serveApi(
  scope: Scope,
  { console, state }: Pick<Fleet, "console" | "state">,
  more: Partial<HttpOptions> = {},
): Promise<ApiServer> {
  const { accounts } = state;
  const server = new HttpServer({ console, accounts, listen: "127.0.0.1", port: 0, log: silentLog, ...more });
  const port = await server.start();
  scope.cleanup(() => server.stop());
  const url = `http://127.0.0.1:${port}`;
  return { server, port, url, as: (login, headers) => checkedClient(url, login, { headers }).client };
}

/** What an event stream tells, from its beginning on and until the test is over. */
export interface Heard {
  readonly told: readonly ConsoleEvent[];
  readonly hear: (what: string, isIt: (event: ConsoleEvent) => boolean) => Promise<unknown>;
}

/** Resolves once the stream is there: what happens from now on is heard. */
export async function hearEvents(scope: Scope, client: Client, query: EventQuery = {}): Promise<Heard> {
  const stop = new AbortController();
  const told: ConsoleEvent[] = [];
  const reading = (async () => {
    for await (const event of client.events(query, stop.signal)) told.push(event);
  })().catch(() => {});
  scope.cleanup(() => {
    stop.abort();
    return reading;
  });
  const hear: Heard["hear"] = (what, isIt) => eventually(what, () => told.some(isIt));
  await hear("the stream", ({ event }) => event === "store");
  return { told, hear };
}
