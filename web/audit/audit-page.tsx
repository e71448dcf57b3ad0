import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { AuditEntryDocument, AuditVerdictDocument } from "#api/audit-routes";
import { addresses } from "#api/addresses";
import { managesPeople, PeopleNav } from "../people/people-nav.tsx";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { useTitle } from "../shell/title.ts";
import { AuditSearch, type AuditSought } from "./audit-search.tsx";
import { At, ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";

/** Entries that are asked for at once. */
const atOnce = 50;

/** Who did what, newest first, for administrators who are limited to nothing. */
export function AuditPage(): JSX.Element {
  useTitle(t("Audit"));
  const { found, more, problem, look, older } = useEntries();
  if (!managesPeople())
    return (
      <main class="page narrow">
        <h1>{t("Audit")}</h1>
        <p class="hint">{t("Who did what is for administrators whose account has no limit to groups.")}</p>
      </main>
    );
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Audit")}</h1>
        <PeopleNav />
      </div>
      <p class="hint">
        {t("Who did what, newest first.")}{" "}
        <a href={addresses.exportAudit.path} download="audit.jsonl" data-testid="audit-export">
          {t("Export all of it as JSON lines")}
        </a>
      </p>
      <Verdict />
      <AuditSearch search={look} />
      {problem.value && <p class="refusal">{problem.value}</p>}
      {found.value && <EntryTable entries={found.value} />}
      {more.value && (
        <button type="button" class="button" data-testid="audit-older" onClick={older}>
          {t("Older ones")}
        </button>
      )}
    </main>
  );
}

/** What was found so far, a page at a time. An answer that was overtaken by another question is not shown. */
function useEntries() {
  const found = useSignal<readonly AuditEntryDocument[] | undefined>(undefined);
  const more = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const asked = useSignal<{ readonly query: AuditSought }>({ query: {} });
  const read = async (one: { readonly query: AuditSought }, before?: AuditEntryDocument): Promise<void> => {
    asked.value = one;
    more.value = false;
    try {
      const place = before ? { before: String(before.n) } : {};
      const { entries, next } = await client.listAudit({ ...one.query, ...place, limit: atOnce });
      if (asked.value !== one) return;
      found.value = before ? [...(found.value ?? []), ...entries] : entries;
      more.value = next !== null;
      problem.value = undefined;
    } catch (error) {
      if (asked.value !== one) return;
      more.value = before !== undefined;
      problem.value = sentenceOf(error);
    }
  };
  const look = (query: AuditSought): void => void read({ query });
  const older = (): void => void read({ ...asked.value }, found.value?.at(-1));
  useEffect(() => (managesPeople() ? look({}) : undefined), []);
  return { found, more, problem, look, older };
}

/** Whether the whole log is as it was written, looked at once when the page is opened. */
function Verdict(): JSX.Element {
  const verdict = useSignal<AuditVerdictDocument | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    client.verifyAudit({}).then(
      (answer) => (verdict.value = answer),
      (error: unknown) => (problem.value = sentenceOf(error)),
    );
  }, []);
  if (problem.value) return <p class="refusal">{problem.value}</p>;
  if (!verdict.value) return <p class="hint">{t("The chain is being looked at.")}</p>;
  const { entries, head, problems, notes } = verdict.value;
  return (
    <div
      class={problems.length > 0 ? "refusal" : "hint"}
      data-testid="audit-verdict"
      data-whole={problems.length === 0}
    >
      {problems.length > 0 ? t("The log is not whole") : t("The log is whole")}:{" "}
      {t("{count} entry|{count} entries", { count: entries })}.
      {head && (
        <>
          {" "}
          {t("Its end, to be noted elsewhere:")}{" "}
          <code class="wrapping" data-testid="audit-head">
            {head.n}:{head.hash}
          </code>
        </>
      )}
      {[...problems, ...notes].map((sentence) => (
        <div key={sentence}>
          <ToldText text={sentence} />
        </div>
      ))}
    </div>
  );
}

function EntryTable({ entries }: { readonly entries: readonly AuditEntryDocument[] }): JSX.Element {
  if (entries.length === 0) return <p class="hint">{t("Nothing in the log fits.")}</p>;
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Entries")}>
      <table class="matrix audit" data-testid="audit">
        <thead>
          <tr>
            {(["N", "When", "Who", "From", "What", "On", "Result", "More"] as const).map((name) => (
              <th key={name} scope="col">
                {name === "N" ? name : t(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map(({ n, ts, who, from, what, on, result, detail }) => (
            <tr key={n} data-testid={`audit-${n}`}>
              <th scope="row">{n}</th>
              <td>
                <At ts={ts} />
              </td>
              <td class="brief">{who}</td>
              <td class="brief">{from}</td>
              <td data-own>{what}</td>
              <td class="brief">{on}</td>
              <td class="brief" data-own>
                {result}
              </td>
              <td class="wrap" data-own>
                {detailOf(detail)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Text of devices stands in quotes, and so is nobody's words but theirs. */
function detailOf(detail: AuditEntryDocument["detail"]): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(", ");
}
