import type { Client } from "#api/client";
import type { SessionDocument } from "#api/session-routes";
import { formatDuration } from "#shared/duration";
import { forTerminal } from "#shared/printable";
import { ago, table } from "./text-table.ts";

export interface SessionFlags {
  readonly end?: string;
  readonly json?: boolean;
}

/** Who is logged in, as a table; or one less. */
export async function showSessions(client: Client, { end, json }: SessionFlags, now: number): Promise<string> {
  if (end !== undefined) {
    await client.endSession(end);
    return `${forTerminal(end)} has ended`;
  }
  const { sessions } = await client.listSessions();
  return json ? JSON.stringify(sessions, null, 2) : sessionTable(sessions, now);
}

function sessionTable(sessions: readonly SessionDocument[], now: number): string {
  const rows = sessions.map(({ id, account, kind, created, used, expires, address, agent, current }) => [
    id,
    account,
    kind,
    ago(created, now),
    ago(used, now),
    formatDuration(Math.max(0, expires - now)),
    address || "\u2013",
    current ? "this one" : agent,
  ]);
  return table(["ID", "ACCOUNT", "KIND", "MADE", "USED", "ENDS IN", "ADDRESS", "AGENT"], rows);
}
