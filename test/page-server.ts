import { serveApi } from "./api-server.ts";
import type { startFleet } from "./fleet.ts";
import type { Scope } from "./suite.ts";

type Fleet = Awaited<ReturnType<typeof startFleet>>;

/** The built page over a fleet's console, on a free port. @returns its URL */
export async function servePage(scope: Scope, fleet: Pick<Fleet, "console" | "state">): Promise<string> {
  const page = new URL("../dist/web", import.meta.url).pathname;
  return (await serveApi(scope, fleet, { page })).url;
}
