import type { AlertDocument } from "#api/alert-routes";
import type { CommandDocument } from "#api/command-document";
import type { GapDocument } from "#api/completeness-routes";
import type { SampleValue } from "#api/device-routes";
import { t, word } from "../language/text.ts";

/** What happened to a device at a moment, or over a time, and is marked on its charts. */
export interface Occasion {
  readonly kind: "command" | "reboot" | "gap" | "alert";
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Marks of one page at most: more are a wall. */
export const maxMarks = 200;
/** Of a chart's width, how near the pointer has to be to a mark. */
const nearness = 1 / 60;

export const commandOccasions = (
  commands: readonly Pick<CommandDocument, "key" | "ts" | "state" | "by">[],
): Occasion[] =>
  commands.map(({ key, ts, state, by }) => ({
    kind: "command",
    from: ts,
    to: ts,
    text: `${key} ${word(state.replace("_", " "))} (${by})`,
  }));

/** From firing to the end; what lasts goes on to the right. */
export const alertOccasions = (
  alerts: readonly Pick<AlertDocument, "title" | "rule" | "text" | "why" | "fired" | "resolved">[],
): Occasion[] =>
  alerts.map(({ title, rule, text, why, fired, resolved }) => ({
    kind: "alert",
    from: fired,
    to: resolved ?? Infinity,
    text: [`${rule}: ${title}`, text, ...(why === null ? [] : [why])].join(" · "),
  }));

/** Batches that will not come, with the reason. */
export const gapOccasions = (gaps: readonly Pick<GapDocument, "from" | "to" | "why">[]): Occasion[] =>
  gaps.flatMap(({ from, to, why }) =>
    from === null || to === null ? [] : [{ kind: "gap" as const, from, to, text: t("no values: {why}", { why }) }],
  );

/**
 * Starts of the machine, by its boot time (seconds since 1970) over time. It was up with another one until the point before, so a later boot time
 * is a start. A mean of two boot times within one step lies before that, and is none.
 */
export function rebootsIn(points: readonly (readonly [ts: number, value: SampleValue | null])[]): Occasion[] {
  const known = points.filter((point): point is readonly [number, number] => typeof point[1] === "number");
  return known.slice(1).flatMap(([, seconds], index) => {
    const [before, old] = known[index] ?? [Infinity, Infinity];
    const booted = seconds * 1_000;
    return booted > before && seconds > old
      ? [{ kind: "reboot" as const, from: booted, to: booted, text: t("the machine started") }]
      : [];
  });
}

/** Those of a time, in their order: the newest of too many. */
export const within = (occasions: readonly Occasion[], from: number, to: number): Occasion[] =>
  occasions
    .filter((one) => one.to >= from && one.from <= to)
    .toSorted((a, b) => a.from - b.from)
    .slice(-maxMarks);

/** Those at a moment, or so near to it that they may be meant. */
export function near(occasions: readonly Occasion[], ts: number, span: number): Occasion[] {
  const reach = span * nearness;
  return occasions.filter(({ from, to }) => ts >= from - reach && ts <= to + reach);
}

/** "2 commands, 1 start, 1 gap", or nothing. */
export function countOccasions(occasions: readonly Occasion[]): string {
  const words = {
    alert: "{count} alert|{count} alerts",
    command: "{count} command|{count} commands",
    reboot: "{count} start|{count} starts",
    gap: "{count} gap|{count} gaps",
  } as const;
  return (["alert", "command", "reboot", "gap"] as const)
    .map((kind) => [occasions.filter((one) => one.kind === kind).length, words[kind]] as const)
    .filter(([count]) => count > 0)
    .map(([count, text]) => t(text, { count }))
    .join(", ");
}
