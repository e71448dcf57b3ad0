import { forTerminal, forTerminalBlock } from "#shared/printable";
import type { Notice, NoticeSection } from "./notice.ts";

/** What a notice says, for whatever channel: text of ours and of devices, as it may be shown anywhere once the channel has escaped it. */
export interface NoticeWords {
  /** One line. */
  readonly title: string;
  /** The notice's own text; empty where it says no more than the title. */
  readonly text: string;
  /** A line each, below the text: device, rule, since when. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly url: string | null;
  readonly sections?: readonly NoticeSection[] | undefined;
}

const marks: Readonly<Record<Notice["kind"], string>> = {
  firing: "",
  resolved: "Resolved: ",
  reminder: "Still: ",
  test: "Test: ",
  report: "",
};

/** Instants at whose end a notice is old news, so that it says when it was: milliseconds. */
const lateAfter = 5 * 60_000;

/** @param now epoch ms: when it goes out */
export function wordsOf(notice: Notice, now: number): NoticeWords {
  const { kind, rule, severity, device, at, since, title, text, value, labels } = notice;
  const line = forTerminal(title);
  const block = forTerminalBlock(text);
  const isLate = now - at > lateAfter;
  if (kind === "report") {
    const said = isLate ? ([["Told late, it was due", instantText(at)]] as const) : [];
    return { title: line, text: block, facts: said, url: notice.url, sections: notice.sections?.map(plainSection) };
  }
  const facts: [string, string][] = [["Severity", severity]];
  if (device !== null) facts.push(["Device", device]);
  facts.push(["Rule", rule]);
  if (value !== null) facts.push(["Value", String(value)]);
  facts.push(["Since", instantText(since)]);
  if (kind === "resolved") facts.push(["Until", instantText(at)]);
  else if (isLate) facts.push(["Told late, it was", instantText(at)]);
  for (const [name, label] of Object.entries(labels)) facts.push([name, label]);
  return {
    title: `${marks[kind]}${line}`,
    text: block === line ? "" : block,
    facts: facts.map(([name, fact]) => [forTerminal(name), forTerminal(fact)]),
    url: notice.url,
  };
}

function plainSection({ title, head, rows }: NoticeSection): NoticeSection {
  return { title, head, rows: rows.map((row) => row.map((cell) => forTerminal(cell))) };
}

/** The text with its facts, as plain lines. */
export function plainBody({ text, facts }: NoticeWords): string {
  return [...(text ? [text, ""] : []), ...facts.map(([name, value]) => `${name}: ${value}`)].join("\n");
}

function instantText(ts: number): string {
  return `${new Date(ts).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** How much a notice matters, from 0 for what is over. */
export function urgencyOf({ kind, severity }: Pick<Notice, "kind" | "severity">): 0 | 1 | 2 | 3 {
  if (kind === "resolved" || kind === "test" || kind === "report") return 0;
  if (/^(critical|emergency|page|error|high|disaster)$/i.test(severity)) return 3;
  return /^(info|information|none|low)$/i.test(severity) ? 1 : 2;
}
