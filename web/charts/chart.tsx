import { useSignal } from "@preact/signals";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import type { JSX } from "preact";
import type uPlot from "uplot";
import { formatField, formatValue } from "../format/number.ts";
import { generation } from "../state/live-state.ts";
import { ChartTable } from "./chart-table.tsx";
import type { ChartView } from "./chart-view.ts";
import type { ChartComparison } from "./comparison.ts";
import type { Occasion } from "./occasions.ts";
import { maxLegendLines, namedLines } from "./legend.ts";
import { titleOf, type Panel } from "./panels.ts";
import { alignedData, createPlot } from "./plot.ts";
import { SaveButtons } from "./save-buttons.tsx";
import { chartInWords, thresholdText } from "./spoken.ts";
import { stateAt } from "./state-window.ts";
import { chartTheme, colourOf } from "./theme.ts";
import { UnitButton } from "./unit-button.tsx";
import { Track, type TrackOptions } from "./track.ts";
import type { Frame } from "./window.ts";
import { t, word } from "../language/text.ts";

interface ChartProps {
  readonly device: string;
  readonly panel: Panel;
  readonly view: ChartView;
  readonly comparison: ChartComparison;
  readonly occasions: readonly Occasion[];
  readonly newest: TrackOptions["newest"];
  readonly onMoment: (ts: number | undefined) => void;
  readonly onSelect: (from: number, to: number) => void;
}

/** One live chart with its legend. Remount it (by `key`) for another device or range. */
export function Chart({
  device,
  panel,
  view,
  comparison,
  occasions,
  newest,
  onMoment,
  onSelect,
}: ChartProps): JSX.Element {
  const track = useRef<Track>(null);
  track.current ??= new Track({ device, panel, ...view, comparison, newest });
  const pointed = useSignal<number | undefined>(undefined);
  const section = useRef<HTMLElement>(null);
  // As it was when somebody asked: a table that moves cannot be read.
  const told = useSignal<Frame | undefined>(undefined);
  const tableId = useId();
  const { frame, status, problem, notCompared } = track.current.view.value;

  useEffect(() => {
    track.current?.start();
    return () => track.current?.stop();
  }, []);

  // The first generation is what `start` loads; a later one means that samples were missed.
  const seen = useRef(generation.value);
  useEffect(() => {
    if (seen.current !== generation.value) void track.current?.load();
    seen.current = generation.value;
  }, [generation.value]);

  // Not drawn again with each sample.
  const table = useMemo(
    () => told.value && <ChartTable id={tableId} panel={panel} frame={told.value} />,
    [told.value, panel.title, panel.unit],
  );
  const title = titleOf(panel);
  const empty = frame?.points === 0;
  // What was designed shows what is known well.
  const ownFields = frame && !empty && !panel.bands && panel.key !== undefined;
  return (
    <section
      ref={section}
      class="panel"
      aria-label={title}
      data-testid={`chart-${panel.id}`}
      data-points={frame?.points ?? 0}
      data-last={frame?.last ?? ""}
    >
      <header class="panel-head">
        <h3 title={panel.description} data-own={panel.key !== undefined}>
          {title}
        </h3>
        {frame && !empty && (
          <SaveButtons
            device={device}
            panel={panel}
            frame={frame}
            canvas={() => section.current?.querySelector("canvas") ?? undefined}
          />
        )}
        {frame && !empty && (
          <button
            type="button"
            class="csv"
            aria-label={t("Values of {title} as a table", { title })}
            aria-expanded={told.value !== undefined}
            aria-controls={told.value && tableId}
            onClick={() => (told.value = told.peek() ? undefined : frame)}
          >
            {t("Table")}
          </button>
        )}
        {ownFields && <UnitButton device={device} panel={panel} />}
        {frame && !panel.bands && <Legend panel={panel} frame={frame} pointed={pointed.value} />}
        {frame && panel.bands && <Rows frame={frame} pointed={pointed.value} />}
      </header>
      {panel.description && <p class="panel-description">{panel.description}</p>}
      {notCompared && <p class="panel-description bad">{t("Not compared: {notCompared}", { notCompared })}</p>}
      <div class="panel-body" style={panel.bands && frame && !empty ? { height: `${bandsHeight(frame)}px` } : {}}>
        {frame && !empty && (
          <Plot
            panel={panel}
            frame={frame}
            occasions={occasions}
            onPoint={(index) => (pointed.value = index)}
            onMoment={onMoment}
            onSelect={onSelect}
          />
        )}
        {status === "loading" && !frame && <p class="panel-note">{t("Loading…")}</p>}
        {status === "failed" && <p class="panel-note bad">{problem}</p>}
        {status === "ready" && empty && <p class="panel-note">{t("No values in this range.")}</p>}
      </div>
      {table}
    </section>
  );
}

/** A designed line in the reader's language; behind it may stand what it is compared with. */
const lineWord = (name: string): string => name.split(", ").map(word).join(", ");

/** Each line's name with its newest value, or the one under the pointer; of very many lines the highest ones. */
function Legend({ panel, frame, pointed }: { panel: Panel; frame: Frame; pointed: number | undefined }): JSX.Element {
  const { named, more } = namedLines(frame.lines, pointed);
  return (
    <ul class="legend">
      {named.map(({ name, index, paler, value, ends }) => (
        <li key={name}>
          <span class={`swatch line-${colourOf(index)}${paler ? " paler" : ""}`} />
          <span class="legend-name" data-own={panel.key !== undefined}>
            {panel.key === undefined ? lineWord(name) : name}
          </span>{" "}
          <b>{value === undefined ? "–" : formatValue(value, panel.unit)}</b>
          {ends && (
            <span class="legend-ends">
              {" "}
              {t("{value} to {value2}", {
                value: formatValue(ends[0], panel.unit),
                value2: formatValue(ends[1], panel.unit),
              })}
            </span>
          )}
        </li>
      ))}
      {more > 0 && <li>{t("and {more} more, not higher", { more })}</li>}
      {panel.thresholds?.map(({ value, at }) => (
        <li key={at}>
          <span class={`swatch threshold ${at}`} />
          {thresholdText(panel.unit, { value, at })}
        </li>
      ))}
    </ul>
  );
}

/** Pixels: a row's, and the time axis' with what is above it. */
const [rowHeight, besideRows] = [30, 38];

const bandsHeight = ({ lines }: Frame): number => lines.length * rowHeight + besideRows;

/** Each row's name with its newest state, or the one under the pointer. */
function Rows({ frame, pointed }: { frame: Frame; pointed: number | undefined }): JSX.Element {
  const named = frame.lines.slice(0, maxLegendLines);
  const more = frame.lines.length - named.length + (frame.more ?? 0);
  return (
    <ul class="legend">
      {named.map(({ name }, row) => {
        const state = stateAt(frame, row, pointed ?? Infinity);
        return (
          <li key={name}>
            <span class="legend-name" data-own>
              {name}
            </span>{" "}
            <b class="legend-state">{state === undefined ? "–" : formatField(state, "number")}</b>
          </li>
        );
      })}
      {more > 0 && <li>{t("and {more} more", { more })}</li>}
    </ul>
  );
}

interface PlotProps extends Pick<ChartProps, "panel" | "occasions" | "onMoment" | "onSelect"> {
  readonly frame: Frame;
  readonly onPoint: (index: number | undefined) => void;
}

/** The canvas. Made anew when its lines or the colour scheme change, otherwise only given new data. */
function Plot({ panel, frame, occasions, onPoint, onMoment, onSelect }: PlotProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const current = useRef({ frame, occasions, onMoment, onSelect });
  current.current = { frame, occasions, onMoment, onSelect };
  const theme = chartTheme.value;
  const names = frame.lines.map((line) => line.name);

  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const made = createPlot({
      host: element,
      unit: panel.unit,
      range: panel.range,
      thresholds: panel.thresholds ?? [],
      bands: panel.bands ?? false,
      theme,
      lines: names,
      pairs: frame.lines.map(({ pairedWith }) => pairedWith),
      frame: () => current.current.frame,
      occasions: () => current.current.occasions,
      onPoint,
      onMoment: (ts) => current.current.onMoment(ts),
      onSelect: (from, to) => current.current.onSelect(from, to),
    });
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme, names.join("\n")]);

  useEffect(() => plot.current?.setData(alignedData(frame)), [frame]);
  useEffect(() => plot.current?.redraw(false), [occasions]);
  return <div class="plot" ref={host} role="img" aria-label={chartInWords(panel, frame)} />;
}
