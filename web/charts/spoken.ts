import { formatExactly, formatField, formatValue } from "../format/number.ts";
import { maxLegendLines, namedLines } from "./legend.ts";
import { titleOf, type Panel, type Threshold } from "./panels.ts";
import { stateAt } from "./state-window.ts";
import type { Frame } from "./window.ts";
import { t } from "../language/text.ts";

/** What a chart shows, for those who do not see it: of each line its newest value and between which it was, with their unit. */
export function chartInWords(panel: Pick<Panel, "title" | "unit" | "thresholds">, frame: Frame): string {
  const [told, more] = frame.states ? bands(frame) : lines(panel, frame);
  const rest = more > 0 ? [t("and {more} more", { more })] : [];
  const marked = frame.states ? [] : (panel.thresholds ?? []).map((one) => thresholdText(panel.unit, one));
  return `${titleOf(panel)}: ${[...told, ...rest, ...marked].join("; ")}`;
}

/** A line across a chart, in words. */
export function thresholdText(unit: Panel["unit"], { value, at }: Threshold): string {
  const text = formatExactly(value, unit);
  return at === "fires" ? t("fires at {value}", { value: text }) : t("over at {value}", { value: text });
}

function lines({ unit }: Pick<Panel, "unit">, { lines: all }: Frame): [told: string[], more: number] {
  const { named, more } = namedLines(all, undefined);
  const told = named.map(({ name, value }) => {
    const { cells = [], ends = [] } = all.find((line) => line.name === name) ?? {};
    const values = [...cells, ...ends.flatMap((one) => one ?? [])].filter((cell) => typeof cell === "number");
    if (value === undefined) return t("{name} without a value", { name });
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return t("{name} {value}, from {low} to {high}", {
      name,
      value: formatValue(value, unit),
      low: formatValue(low, unit),
      high: formatValue(high, unit),
    });
  });
  return [told, more];
}

function bands(frame: Frame): [told: string[], more: number] {
  const shown = frame.lines.slice(0, maxLegendLines);
  const told = shown.map(({ name }, row) => {
    const state = stateAt(frame, row, Infinity);
    return state === undefined ? t("{name} without a value", { name }) : `${name} ${formatField(state, "number")}`;
  });
  return [told, frame.lines.length - shown.length + (frame.more ?? 0)];
}

/** Rows of a chart's table at most: as many as a chart of the usual range has moments, and what can be gone through by ear. */
export const maxTableRows = 360;

/** One moment of a chart's table, with a text for each line. */
export interface MomentRow {
  readonly ts: number;
  readonly cells: readonly string[];
}

/** A chart's values as they are read, the newest first. @returns also how many older moments are left out: the CSV has them */
export function tableRows(
  unit: Panel["unit"],
  { times, lines: all, states }: Frame,
): { readonly rows: readonly MomentRow[]; readonly more: number } {
  const text = (cell: number | null | undefined): string => {
    if (typeof cell !== "number") return "";
    return states ? formatField(states[cell] ?? "", "number") : formatValue(cell, unit);
  };
  const whole = times.flatMap((ts, index) => {
    const cells = all.map(({ cells: own }) => text(own[index]));
    return cells.every((cell) => cell === "") ? [] : [{ ts, cells }];
  });
  return { rows: whole.slice(-maxTableRows).toReversed(), more: Math.max(0, whole.length - maxTableRows) };
}
