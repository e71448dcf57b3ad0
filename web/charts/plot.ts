import uPlot from "uplot";
import { formatValue, type Unit } from "../format/number.ts";
import { colourOf, type ChartTheme } from "./theme.ts";
import type { Frame } from "./window.ts";

/** Charts of one page share a cursor. */
const cursorGroup = uPlot.sync("device").key;

export interface PlotOptions {
  readonly host: HTMLElement;
  readonly unit: Unit;
  readonly theme: ChartTheme;
  readonly lines: readonly string[];
  readonly frame: () => Frame;
  /** Called with the pointed-at row of the frame, or undefined when the pointer has left. */
  readonly onPoint: (index: number | undefined) => void;
}

/** Puts a uPlot into `host`, as wide as it. Times are milliseconds. */
export function createPlot(options: PlotOptions): uPlot {
  const { host, unit, theme, lines, frame, onPoint } = options;
  const axis: uPlot.Axis = {
    stroke: theme.text,
    font: theme.font,
    grid: { stroke: theme.grid, width: 1 },
    ticks: { show: false },
  };
  return new uPlot(
    {
      width: host.clientWidth,
      height: host.clientHeight,
      ms: 1,
      legend: { show: false },
      padding: [8, 6, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 }, sync: { key: cursorGroup } },
      scales: { x: { time: true, range: () => [frame().from, frame().to] }, y: { range: yRange(unit) } },
      axes: [
        { ...axis, size: 26, gap: 4, space: 64, values: clockLabels },
        {
          ...axis,
          size: 64,
          gap: 4,
          space: 30,
          incrs: increments(unit),
          values: (_, splits) => splits.map((split) => label(split, unit)),
        },
      ],
      series: [{}, ...lines.map((name, index) => lineOf(name, index, theme, lines.length))],
      hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? undefined)] },
    },
    alignedData(frame()),
    host,
  );
}

export function alignedData({ times, lines }: Frame): uPlot.AlignedData {
  return [[...times], ...lines.map(({ cells }) => [...cells])];
}

function lineOf(name: string, index: number, theme: ChartTheme, count: number): uPlot.Series {
  const stroke = theme.lines[colourOf(index)] ?? theme.text;
  const fill = index === 0 && count <= 3 ? { fill: `${stroke}1f` } : {};
  return { label: name, stroke, width: 1.5, points: { show: false }, ...fill };
}

function yRange(unit: Unit): uPlot.Range.Function {
  if (unit === "percent") return () => [0, 100];
  const least = unit === "number" ? 1 : 1_024;
  return (_, __, max) => [0, Math.max(least, (max || 0) * 1.1)];
}

/** Round steps: bytes go by powers of two, or 1024-based labels would read 0.98, 1.95 … */
function increments(unit: Unit): number[] {
  if (unit === "percent") return [25, 50];
  if (unit !== "bytes/s" && unit !== "bytes") return [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
  return Array.from({ length: 50 }, (_, power) => 2 ** power);
}

/** An axis label: short, as its steps are round. */
function label(value: number, unit: Unit): string {
  if (unit === "percent") return `${value} %`;
  return unit === "number" ? String(Number(value.toFixed(2))) : formatValue(value, unit);
}

const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat("en-GB", { minute: "2-digit", second: "2-digit" });

/** Wall time of the reader; with seconds where the steps are shorter than a minute. */
function clockLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  return splits.map((split) => (step < 60_000 ? seconds : minutes).format(split));
}
