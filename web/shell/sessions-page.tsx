import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { SessionDocument } from "#api/session-routes";
import { client } from "../state/page-client.ts";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { formatAgo } from "../format/format-duration.ts";
import { formatMoment } from "../format/moment.ts";
import { now } from "../state/now.ts";
import { logOut, session } from "../state/session-state.ts";
import { AccountsSection } from "./accounts-section.tsx";
import { useTitle } from "./title.ts";

/** Who is logged in: one's own sessions, or for an administrator everybody's; each can be ended. */
export function SessionsPage(): JSX.Element {
  useTitle("Sessions");
  const sessions = useSignal<readonly SessionDocument[] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
      sessions.value = (await client.listSessions()).sessions;
      problem.value = undefined;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  useEffect(() => void attempt(async () => {}), []);
  const asking = useSignal<SessionDocument | undefined>(undefined);
  const end = (one: SessionDocument): void => void (one.current ? logOut() : attempt(() => client.endSession(one.id)));
  /** A person logs in again; a program does not. */
  const ask = (one: SessionDocument): void => {
    if (one.kind === "token") asking.value = one;
    else end(one);
  };
  const answer = (yes: boolean): void => {
    const one = asking.value;
    asking.value = undefined;
    if (yes && one) end(one);
  };
  return (
    <main class="page">
      <div class="page-head">
        <h1>Sessions</h1>
      </div>
      <p class="hint">
        {session.value?.role === "admin" ? "Everybody who is logged in" : "Where you are logged in"}: on the page, and
        with tokens of programs.
      </p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {sessions.value && <SessionTable sessions={sessions.value} end={ask} />}
      {session.value?.role === "admin" && <AccountsSection changed={() => void attempt(async () => {})} />}
      {asking.value && (
        <Confirm
          question={`End the token of ${programOf(asking.value)}?`}
          consequence="Whatever uses it is refused from now on. The command line on Muster's machine gets a new one at the next start."
          action="End the token"
          onAnswer={answer}
        />
      )}
    </main>
  );
}

function programOf({ agent }: SessionDocument): string {
  return agent || "a program";
}

interface TableProps {
  readonly sessions: readonly SessionDocument[];
  readonly end: (one: SessionDocument) => void;
}

function SessionTable({ sessions, end }: TableProps): JSX.Element {
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label="Sessions and tokens">
      <table class="matrix" data-testid="sessions">
        <thead>
          <tr>
            {["Account", "Used", "Made", "Ends", "Address", "Browser", ""].map((name) => (
              <th key={name} scope="col" class={name === "Browser" ? "wrap" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sessions.map((one) => (
            <tr key={one.id} data-testid={`session-${one.id}`} data-account={one.account} data-current={one.current}>
              <th scope="row">{one.account}</th>
              <td>{formatAgo(one.used, now.value)}</td>
              <td>{formatMoment(one.created, now.value)}</td>
              <td>{formatMoment(one.expires, now.value)}</td>
              <td>{one.address || "\u2013"}</td>
              <td class="wrap">{one.current ? "this page" : one.kind === "token" ? programOf(one) : one.agent}</td>
              <td>
                <button
                  type="button"
                  class="button small"
                  aria-label={`End this session of ${one.account}`}
                  onClick={() => end(one)}
                >
                  End
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
