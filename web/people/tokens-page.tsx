import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { TokenDocument } from "#api/token-routes";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { client } from "../state/page-client.ts";
import { useTitle } from "../shell/title.ts";
import { useAnswer } from "../state/use-answer.ts";
import { managesPeople, PeopleNav, reachOf } from "./people-nav.tsx";
import { ShownOnce } from "./shown-once.tsx";
import { TokenForm } from "./token-form.tsx";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { Ago, Until } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

/** Tokens by which programs log in: one's own, or for an administrator everybody's. */
export function TokensPage(): JSX.Element {
  useTitle(t("Tokens"));
  const { answer: items, problem, attempt } = useAnswer(async () => (await client.listTokens()).tokens);
  const revoking = useSignal<TokenDocument | undefined>(undefined);
  const made = useSignal<{ readonly name: string; readonly secret: string } | undefined>(undefined);
  const answer = (yes: boolean): void => {
    const one = revoking.value;
    revoking.value = undefined;
    if (yes && one) void attempt(() => client.revokeToken(one.id));
  };
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Tokens")}</h1>
        <PeopleNav />
      </div>
      <p class="hint">
        {managesPeople() ? t("By which programs log in: everybody's.") : t("By which programs log in: yours.")}{" "}
        {t("A token may no more than its account, and less where it was made for less.")}
      </p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {made.value && <ShownOnce of={t("The token “{name}”", { name: made.value.name })} secret={made.value.secret} />}
      {items.value && <TokenTable tokens={items.value} revoke={(one) => (revoking.value = one)} />}
      <TokenForm save={(act) => attempt(async () => (made.value = await act()))} />
      {revoking.value && (
        <Confirm
          question={t("Revoke the token “{name}”?", { name: revoking.value.name })}
          consequence={t(
            "Whatever uses it is refused from now on, and what is open with it ends. The command line on Muster's machine gets a new one at the next start.",
          )}
          action={t("Revoke the token")}
          onAnswer={answer}
        />
      )}
    </main>
  );
}

interface TableProps {
  readonly tokens: readonly TokenDocument[];
  readonly revoke: (one: TokenDocument) => void;
}

function TokenTable({ tokens, revoke }: TableProps): JSX.Element {
  if (tokens.length === 0) return <p class="hint">{t("There is none.")}</p>;
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Tokens")}>
      <MatrixTable data-testid="tokens">
        <thead>
          <tr>
            {(["Token", "Account", "Role", "Devices", "Ends", "Used", "From", ""] as const).map((name) => (
              <th key={name} scope="col" class={name === "Devices" ? "wrap" : undefined}>
                {name ? t(name) : <span class="visually-hidden">{t("Actions")}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tokens.map((one) => (
            <tr key={one.id} data-testid={`token-${one.id}`}>
              <th scope="row">{one.name || t("a program")}</th>
              <td>{one.account}</td>
              <td>{word(one.role)}</td>
              <td class="wrap">{reachOf(one.groups)}</td>
              <td>
                <Until ts={one.expires} />
              </td>
              <td>{one.used === null ? t("never") : <Ago ts={one.used} />}</td>
              <td>{one.usedFrom ?? "\u2013"}</td>
              <td>
                <button
                  type="button"
                  class="button small"
                  aria-label={t("Revoke the token {name}", { name: one.name })}
                  onClick={() => revoke(one)}
                >
                  {t("Revoke")}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
