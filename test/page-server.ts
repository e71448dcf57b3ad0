import { silentLog } from "#shared/log";
import { HttpServer } from "../console/http/server.ts";
import type { startFleet } from "./fleet.ts";
import type { Scope } from "./suite.ts";

type Fleet = Awaited<ReturnType<typeof startFleet>>;

/** The built page over a fleet's console, on a free port. @returns its URL */
export async function servePage(scope: Scope, { console, state }: Pick<Fleet, "console" | "state">): Promise<string> {
  const page = new URL("../dist/web", import.meta.url).pathname;
  const { accounts } = state;
  const server = new HttpServer({ console, accounts, listen: "127.0.0.1", port: 0, page, log: silentLog });
  const url = `http://127.0.0.1:${await server.start()}`;
  scope.cleanup(() => server.stop());
  return url;
}
