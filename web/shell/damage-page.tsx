import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { DamageDocument } from "#api/health-routes";
import { HealthNav } from "../health/health-nav.tsx";
import { client } from "../state/page-client.ts";
import { damaged, generation } from "../state/live-state.ts";
import { useAnswer } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { useTitle } from "./title.ts";
import { MatrixTable } from "./matrix-table.tsx";
import { Ago, ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";

/** What in the data directory did not read, was gone or older than the rest, and what became of it; an administrator can forget it, and the banner goes. */
export function DamagePage(): JSX.Element {
  useTitle(t("Damage"));
  const { answer: known, problem, attempt } = useAnswer(() => client.listDamage({ limit: 200 }), [generation.value]);
  useEffect(() => {
    if (known.value) damaged.value = known.value.damaged.length + known.value.more;
  }, [known.value]);
  const { damaged: rows = [], more = 0 } = known.value ?? {};
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Damage")}</h1>
        <HealthNav />
        {rows.length > 0 && session.value?.role === "admin" && (
          <button
            type="button"
            class="button small"
            data-testid="forget-damage"
            onClick={() => void attempt(client.forgetDamage)}
          >
            {t("Forget")}
          </button>
        )}
      </div>
      <p class="hint">
        {t(
          "What in Muster's data directory did not read and was set aside, was gone, or was put back to an older copy. Files that were set aside are kept there under the names below; muster doctor looks at the whole directory. Forgetting the list changes no file.",
        )}
      </p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {known.value && rows.length === 0 && <p class="hint">{t("Nothing is damaged.")}</p>}
      {rows.length > 0 && <DamageTable rows={rows} />}
      {more > 0 && <p class="hint">{t("And {more} more, which are older.", { more })}</p>}
    </main>
  );
}

function DamageTable({ rows }: { readonly rows: readonly DamageDocument[] }): JSX.Element {
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("What was set aside")}>
      <MatrixTable data-testid="damage">
        <thead>
          <tr>
            {(["When", "Where", "What", "Why"] as const).map((name) => (
              <th key={name} scope="col" class={name === "Why" ? "wrap" : undefined}>
                {t(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ ts, place, name, why }, at) => (
            <tr key={rows.length - at}>
              <td>
                <Ago ts={ts} />
              </td>
              <th scope="row">{place}</th>
              <td>{name || "\u2013"}</td>
              <td class="wrap">
                <ToldText text={why} />
              </td>
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
