import { inLocale } from "../language/text.ts";
import uPlot from "uplot";
import type { FieldUnit } from "#shared/field-units";
import { drawBands } from "./draw-bands.ts";
import { drawEnds } from "./draw-ends.ts";
import { endsOf } from "./ends.ts";
import { drawOccasions } from "./draw-occasions.ts";
import { drawThresholds } from "./draw-thresholds.ts";
import type { Occasion } from "./occasions.ts";
import { axisLabels, axisSpan, axisTicks, lonely, type Span, type AxisTicks } from "./axis.ts";
import type { Range, Threshold } from "./panels.ts";
import { colourOf, paler, type ChartTheme } from "./theme.ts";
import type { Frame } from "./window.ts";

/** Charts of one page share a cursor. */
const cursorGroup = uPlot.sync("device").key;

export interface PlotOptions {
  readonly host: HTMLElement;
  readonly unit: FieldUnit;
  readonly range: Range | undefined;
  readonly thresholds: readonly Threshold[];
  /** Whether it has bands, and no lines. */
  readonly bands: boolean;
  readonly theme: ChartTheme;
  readonly lines: readonly string[];
  /** Of each line the one that it is to be compared with, if it is. */
  readonly pairs: readonly (number | undefined)[];
  readonly frame: () => Frame;
  readonly occasions: () => readonly Occasion[];
  /** Called with the pointed-at row of the frame, or undefined when the pointer has left. */
  readonly onPoint: (index: number | undefined) => void;
  /** Called with the moment that is pointed at on this chart itself, epoch ms. */
  readonly onMoment: (ts: number | undefined) => void;
  /** Called with a time that was chosen by dragging, epoch ms. */
  readonly onSelect: (from: number, to: number) => void;
}

/** Pixels that a drag has to be long: less is a click. */
const shortestDrag = 6;

/** Puts a uPlot into `host`, as wide as it. Times are milliseconds. */
export function createPlot(options: PlotOptions): uPlot {
  const { host, unit, range, thresholds, bands, theme, lines, pairs, frame, occasions, onPoint, onMoment, onSelect } =
    options;
  const marked = thresholds.map(({ value }) => value);
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
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        points: bands ? { show: false } : { size: 6 },
        sync: { key: cursorGroup },
      },
      scales: {
        x: { time: true, range: () => [frame().from, frame().to] },
        y: {
          range: (_, min, max) =>
            bands ? [0, 1] : ([...axisSpan(unit, ...endsOf(frame(), min, max, marked), range)] as [number, number]),
        },
      },
      axes: [
        { ...axis, size: 26, gap: 4, space: 64, values: clockLabels },
        bands ? rowAxis(axis, lines) : valueAxis(axis, unit),
      ],
      series: [{}, ...lines.map((name, index) => (bands ? rowOf(name) : lineOf(name, index, theme, pairs)))],
      hooks: {
        setCursor: [
          (plot) => {
            onPoint(pointedAt(plot, bands));
            const { event, left = -1 } = plot.cursor;
            // Of the charts that only follow none has an event of its own.
            if (event) onMoment(left < 0 ? undefined : plot.posToVal(left, "x"));
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width === 0) return;
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            if (width >= shortestDrag) onSelect(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
          },
        ],
        // Behind the lines.
        drawAxes: [(plot) => drawEnds(plot, frame(), theme)],
        draw: [
          (plot) => {
            if (bands) drawBands(plot, frame(), theme);
            else drawThresholds(plot, thresholds, theme);
            drawOccasions(plot, occasions(), theme);
          },
        ],
      },
    },
    alignedData(frame()),
    host,
  );
}

const valueAxis = (axis: uPlot.Axis, unit: FieldUnit): uPlot.Axis => ({
  ...axis,
  size: 64,
  gap: 4,
  space: labelSpace,
  splits: (plot, _, low, high) => [...ticksOf(plot, unit, [low, high]).at],
  values: (plot, at) => axisLabels(unit, { at, step: ticksOf(plot, unit, ends(plot)).step }),
});

/** Letters of a row's name that have room beside it. */
const rowLetters = 10;

/** The rows' names, from the top. */
const rowAxis = (axis: uPlot.Axis, lines: readonly string[]): uPlot.Axis => ({
  ...axis,
  size: 64,
  gap: 4,
  grid: { show: false },
  splits: () => lines.map((_, row) => 1 - (row + 0.5) / lines.length),
  values: () => lines.map((name) => (name.length > rowLetters ? `${name.slice(0, rowLetters - 1)}…` : name)),
});

/** The row of the frame that the pointer is at: the nearest one, and of bands, which go on from it, the one before. */
function pointedAt(plot: uPlot, bands: boolean): number | undefined {
  const { idx, left } = plot.cursor;
  if (typeof idx !== "number" || left === undefined) return undefined;
  return bands && (plot.data[0]?.[idx] ?? 0) > plot.posToVal(left, "x") ? idx - 1 : idx;
}

export function alignedData({ times, lines }: Frame): uPlot.AlignedData {
  return [[...times], ...lines.map(({ cells }) => [...cells])];
}

/** Pixels between two labels of the value axis at least. */
const labelSpace = 30;

/** In pixels of the screen, and not of the canvas. */
const ticksOf = (plot: uPlot, unit: FieldUnit, span: Span): AxisTicks =>
  axisTicks(unit, span, Math.floor(plot.bbox.height / devicePixelRatio / labelSpace));

const ends = ({ scales }: uPlot): Span => [scales["y"]?.min ?? 0, scales["y"]?.max ?? 1];

function lineOf(name: string, index: number, theme: ChartTheme, pairs: PlotOptions["pairs"]): uPlot.Series {
  const pair = pairs[index];
  const full = theme.lines[colourOf(pair ?? index)] ?? theme.text;
  const stroke = pair === undefined ? full : paler(full);
  const count = pairs.filter((one) => one === undefined).length;
  const points: uPlot.Series.Points = {
    size: 5,
    fill: stroke,
    filter: (plot, line) => lonely([...(plot.data[line] ?? [])]),
  };
  // Where no value is positive, zero may be far above.
  const fillTo: uPlot.Series.FillTo = (plot, _, __, max) => (max <= 0 ? ends(plot)[0] : 0);
  const fill = index === 0 && count <= 3 ? { fill: `${stroke}1f`, fillTo } : {};
  return { label: name, stroke, width: 1.5, points, ...fill, ...(pair === undefined ? {} : { dash: [5, 3] }) };
}

/** What {@link drawBands} draws. */
const rowOf = (name: string): uPlot.Series => ({ label: name, paths: () => null, points: { show: false } });

const minutes = inLocale((of) => new Intl.DateTimeFormat(of, { hour: "2-digit", minute: "2-digit" }));
const seconds = inLocale((of) => new Intl.DateTimeFormat(of, { minute: "2-digit", second: "2-digit" }));

const days = inLocale((of) => new Intl.DateTimeFormat(of, { day: "numeric", month: "short" }));
const day = 86_400_000;

/** Wall time of the reader; with seconds where the steps are shorter than a minute, and of several days the day at its beginning. */
function clockLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  const long = (splits.at(-1) ?? 0) - (splits[0] ?? 0) > day;
  return splits.map((split) => {
    const isMidnight = long && new Date(split).getHours() === 0 && new Date(split).getMinutes() === 0;
    return (isMidnight || step >= day ? days : step < 60_000 ? seconds : minutes)().format(split);
  });
}
