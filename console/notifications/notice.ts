import * as z from "zod/mini";
import { parseJson } from "#shared/nesting";
import type { Row } from "../database/row.ts";
import { instant, parserOf } from "../database/row-fields.ts";

/** What there is to say of an alert. */
export interface Notice {
  /** The alert's id: what is said of one alert goes out in its order. */
  readonly alert: string;
  readonly kind: "firing" | "resolved" | "reminder" | "test" | "report";
  /** The rule's name. */
  readonly rule: string;
  /** A word: `info`, `warning`, `critical`. */
  readonly severity: string;
  /** Null where it is about no single device. */
  readonly device: string | null;
  /** When it came to be, and since when its cause is there: epoch ms, by the samples. */
  readonly at: number;
  readonly since: number;
  /** One line. */
  readonly title: string;
  /** One line or several. */
  readonly text: string;
  readonly value: number | string | boolean | null;
  /** Where a person sees more. */
  readonly url: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a report: its parts, for who has room for them. */
  readonly sections?: readonly NoticeSection[] | undefined;
}

/** A part of a report, as a table. */
export interface NoticeSection {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Characters of a notice's title, of its text, and of each name and label: device text stands in them, and each channel takes less. */
export const maxNotice = { title: 200, text: 4_000, word: 200, url: 1_000 } as const;
/** Labels of one notice. */
export const maxNoticeLabels = 32;

/** The sign behind what was cut. */
export const cutSign = "…";

/** @param most characters, with the sign */
export function cutTo(text: string, most: number): string {
  if (text.length <= most) return text;
  // Half of a pair is no character.
  const end = most - cutSign.length;
  const last = text.charCodeAt(end - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end) + cutSign;
}

/** The same within its bounds. */
export function fitted(notice: Notice): Notice {
  const { title, text, word, url } = maxNotice;
  const labels = Object.entries(notice.labels).slice(0, maxNoticeLabels);
  return {
    ...notice,
    rule: cutTo(notice.rule, word),
    severity: cutTo(notice.severity, word),
    title: cutTo(notice.title, title),
    text: cutTo(notice.text, text),
    value: typeof notice.value === "string" ? cutTo(notice.value, word) : notice.value,
    // Half an address leads nowhere.
    url: notice.url !== null && notice.url.length > url ? null : notice.url,
    labels: Object.fromEntries(labels.map(([name, value]) => [cutTo(name, word), cutTo(value, word)])),
  };
}

const kind = z.enum(["firing", "resolved", "reminder", "test", "report"]);
const words = z.array(z.string());
const parseDocument = parserOf(
  z.object({
    rule: z.string(),
    severity: z.string(),
    at: instant,
    since: instant,
    title: z.string(),
    text: z.string(),
    value: z.nullable(z.union([z.number(), z.string(), z.boolean()])),
    url: z.nullable(z.string()),
    labels: z.record(z.string(), z.string()),
    sections: z.optional(z.array(z.object({ title: z.string(), head: words, rows: z.array(words) }))),
  }),
);
const parseRow = parserOf(
  z.object({ id: z.number(), alert: z.string(), kind, device: z.nullable(z.string()), document: z.string() }),
);

/** A notice as it is kept, with its number. @throws Error for a row that does not read */
export function parseNotice(row: Row): Notice & { readonly id: number } {
  const { document, ...named } = parseRow(row);
  return { ...named, ...parseDocument(parseJson(document) as Row) };
}

/** The columns of a notice. */
export function noticeRow({ alert, kind, device, ...document }: Notice): readonly (string | null)[] {
  return [alert, kind, device, JSON.stringify(document)];
}

/** An alert that stands at the broker. @throws Error for a row that does not read */
export const parseShownAlert = parserOf(z.object({ alert: z.string(), document: z.string() }));
