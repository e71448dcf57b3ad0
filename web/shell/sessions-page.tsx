import type { JSX } from "preact";
import type { SessionDocument } from "#api/session-routes";
import { useAnswer } from "../state/use-answer.ts";
import { managesPeople, PeopleNav } from "../people/people-nav.tsx";
import { SecondFactorSection } from "../people/second-factor.tsx";
import { client } from "../state/page-client.ts";
import { logOut } from "../state/session-state.ts";
import { useTitle } from "./title.ts";
import { MatrixTable } from "./matrix-table.tsx";
import { Ago, Until } from "../format/when.tsx";
import { t } from "../language/text.ts";

/** Who is logged in on the page: one's own sessions, or for an administrator everybody's; each can be ended. */
export function SessionsPage(): JSX.Element {
  useTitle(t("Sessions"));
  const {
    answer: items,
    problem,
    attempt,
  } = useAnswer(async () => (await client.listSessions()).sessions.filter(isSession));
  const end = (one: SessionDocument): void => void (one.current ? logOut() : attempt(() => client.endSession(one.id)));
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Sessions")}</h1>
        <PeopleNav />
      </div>
      <p class="hint">
        {managesPeople() ? t("Everybody who is logged in on the page.") : t("Where you are logged in on the page.")}
      </p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {items.value && <SessionTable sessions={items.value} end={end} />}
      <SecondFactorSection />
    </main>
  );
}

function isSession({ kind }: SessionDocument): boolean {
  return kind === "session";
}

interface TableProps {
  readonly sessions: readonly SessionDocument[];
  readonly end: (one: SessionDocument) => void;
}

function SessionTable({ sessions, end }: TableProps): JSX.Element {
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Sessions")}>
      <MatrixTable data-testid="sessions">
        <thead>
          <tr>
            {(["Account", "Used", "Made", "Ends", "Address", "Browser", ""] as const).map((name) => (
              <th key={name} scope="col" class={name === "Browser" ? "wrap" : undefined}>
                {name ? t(name) : <span class="visually-hidden">{t("Actions")}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sessions.map((one) => (
            <tr key={one.id} data-testid={`session-${one.id}`} data-account={one.account} data-current={one.current}>
              <th scope="row">{one.account}</th>
              <td>
                <Ago ts={one.used} />
              </td>
              <td>
                <Ago ts={one.created} />
              </td>
              <td>
                <Until ts={one.expires} />
              </td>
              <td>{one.address || "\u2013"}</td>
              <td class="wrap">{one.current ? t("this page") : one.agent}</td>
              <td>
                <button
                  type="button"
                  class="button small"
                  aria-label={t("End this session of {account}", { account: one.account })}
                  onClick={() => end(one)}
                >
                  {t("End")}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
