import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { parseDuration } from "#shared/duration";
import { Typed } from "../people/labelled.tsx";
import type { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { t, word } from "../language/text.ts";

/** Which entries, as the API takes it. */
export type AuditSought = Pick<
  NonNullable<Parameters<typeof client.listAudit>[0]>,
  "who" | "what" | "device" | "text" | "since" | "until"
>;

const parts = [
  ["text", "Text", "anywhere in an entry"],
  ["who", "Who", "the whole name"],
  ["what", "What", "login, device.enrolled"],
  ["device", "Device", "done to it, or by it"],
  ["since", "Since", "2h, 7d or 2026-03-01"],
  ["until", "Until", "the same"],
] as const;
type Part = (typeof parts)[number][0];

/** What to look for: each part that is filled in has to fit. */
export function AuditSearch({ search }: { readonly search: (query: AuditSought) => void }): JSX.Element {
  const typed = useSignal<Partial<Record<Part, string>>>({});
  const problem = useSignal<string | undefined>(undefined);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    try {
      search(queryOf(typed.value, Date.now()));
      problem.value = undefined;
    } catch (error) {
      problem.value = sentenceOf(error);
    }
  };
  return (
    <form class="audit-search" role="search" aria-label={t("Audit log")} onSubmit={submit} noValidate>
      {parts.map(([part, title, note]) => (
        <Typed
          key={part}
          id={`audit-by-${part}`}
          title={word(title)}
          note={word(note)}
          value={typed.value[part] ?? ""}
          onTyped={(text) => (typed.value = { ...typed.value, [part]: text })}
        />
      ))}
      <button type="submit" class="button primary" data-testid="audit-search">
        {t("Search")}
      </button>
      {problem.value && <p class="refusal">{problem.value}</p>}
    </form>
  );
}

/** @param now epoch ms @throws BadInputError for a time that is none */
export function queryOf(typed: Partial<Record<Part, string>>, now: number): AuditSought {
  const filled = Object.entries(typed)
    .map(([part, text]) => [part, text.trim()] as const)
    .filter(([, text]) => text !== "");
  return Object.fromEntries(
    filled.map(([part, text]) => [part, part === "since" || part === "until" ? momentOf(part, text, now) : text]),
  );
}

/** A moment, in the reader's time zone where it names none, or how long ago. */
function momentOf(part: string, text: string, now: number): number {
  const local = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text;
  const moment = /^\d{4}-/.test(text) ? Date.parse(local) : NaN;
  return Number.isNaN(moment) ? now - parseDuration(text, part) : moment;
}
