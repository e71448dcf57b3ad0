import { defaultRange, ranges } from "./time-ranges.ts";

/** Which time the charts show. */
export interface ChartView {
  /** Milliseconds. */
  readonly span: number;
  /** The right end, epoch ms; without one it moves with what arrives. */
  readonly to?: number;
}

/** The shortest and the longest time that charts show, in milliseconds: agents sample once a second at most; behind a week stores thin out. */
export const minSpan = 10_000;
export const maxSpan = 7 * 86_400_000;

const spanOf = (name: string): number | undefined => ranges.find((range) => range.name === name)?.span;

/** What an address says: `?range=1h`, or `?from=…&to=…` in ISO 8601 or epoch ms. What it says wrong counts for nothing. */
export function viewOf(search: string): ChartView {
  const query = new URLSearchParams(search);
  const [from, to] = [momentOf(query.get("from")), momentOf(query.get("to"))];
  if (from !== undefined && to !== undefined && from < to) return fixed(from, to);
  return { span: spanOf(query.get("range") ?? defaultRange) ?? spanOf(defaultRange) ?? minSpan };
}

/** The same view as an address' query, empty for the usual one. */
export function viewQuery({ span, to }: ChartView): string {
  const iso = (ts: number): string => new Date(ts).toISOString();
  if (to !== undefined) return `?${new URLSearchParams({ from: iso(to - span), to: iso(to) }).toString()}`;
  const name = ranges.find((range) => range.span === span)?.name ?? defaultRange;
  return name === defaultRange ? "" : `?range=${name}`;
}

/** From one moment to another, no shorter and no longer than charts can be. */
export function fixed(from: number, to: number): ChartView {
  const span = Math.round(Math.min(maxSpan, Math.max(minSpan, to - from)));
  return { span, to: Math.round((from + to) / 2 + span / 2) };
}

/** So many times the span, around the same middle; of what moves, up to now. */
export function zoomed({ span, to }: ChartView, times: number, now: number): ChartView {
  const next = Math.min(maxSpan, Math.max(minSpan, span * times));
  return to === undefined
    ? fixed(now - next, now)
    : fixed(to - span / 2 - next / 2, Math.min(now, to - span / 2 + next / 2));
}

/** So many spans later, and not beyond now. */
export function panned({ span, to = Infinity }: ChartView, spans: number, now: number): ChartView {
  const end = Math.min(now, Math.min(to, now) + spans * span);
  return fixed(end - span, end);
}

function momentOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  const moment = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Math.abs(moment) <= 8.64e15 ? moment : undefined;
}
