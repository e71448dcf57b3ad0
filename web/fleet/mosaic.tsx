import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { parseSort } from "#shared/fleet-table";
import { numberOf, rowsVersion, shownName, stateOf, type ListedRow } from "../state/fleet-rows.ts";
import { countStates, shownStates, statesInWords } from "./arrange.ts";
import { addTile, tileColours } from "./tile-shapes.ts";
import { groupShares, tileSide, tileSides } from "./tile-side.ts";
import { t, word } from "../language/text.ts";

interface MosaicProps {
  readonly groups: readonly { readonly name: string; readonly rows: readonly ListedRow[] }[];
  /** The column whose value a tile's size shows. */
  readonly sort: string;
  /** Whether it has the whole screen. */
  readonly wall: boolean;
}

/** Each device as a tile: its state by colour and shape, and the value that the fleet is sorted by through its size. */
export function Mosaic({ groups, sort, wall }: MosaicProps): JSX.Element {
  const whole = useRef<HTMLDivElement>(null);
  const room = useSignal({ width: 0, height: 0 });
  useEffect(() => {
    const measure = (): void => {
      const { top = 0, width = 0 } = whole.current?.getBoundingClientRect() ?? {};
      const { width: before, height: known } = room.peek();
      const height = Math.max(200, innerHeight - (top + scrollY) - around);
      if (width !== before || height !== known) room.value = { width, height };
    };
    const observer = new ResizeObserver(measure);
    if (whole.current) observer.observe(whole.current);
    addEventListener("resize", measure);
    return () => {
      observer.disconnect();
      removeEventListener("resize", measure);
    };
  }, []);
  const total = groups.reduce((sum, { rows }) => sum + rows.length, 0);
  const shares = groupShares(groups.map(({ rows }) => rows.length));
  // Of several groups each has a heading, and a last row that is not full.
  const { width, height } = room.value;
  const shared = groups.length > 1 ? { width: width * 0.85, height: height * 0.8 } : room.value;
  const side = tileSide(total, shared, wall ? tileSides.mostOnWall : tileSides.most);
  return (
    <div class="mosaic" data-testid="mosaic" ref={whole}>
      <Legend rows={groups.flatMap(({ rows }) => rows)} sort={sort} />
      {groups.map(({ name, rows }, index) => (
        <section
          key={name}
          aria-label={name || t("Devices")}
          style={groups.length > 1 ? { flexBasis: `calc(${(100 * (shares[index] ?? 1)).toFixed(2)}% - 18px)` } : {}}
        >
          {groups.length > 1 && (
            <h2>
              {name || t("None")} <span class="muted">{rows.length}</span>
            </h2>
          )}
          <Tiles rows={rows} side={side} sort={sort} />
        </section>
      ))}
    </div>
  );
}

/** What colours, shapes and sizes mean. */
function Legend({ rows, sort }: { rows: readonly ListedRow[]; sort: string }): JSX.Element {
  const counts = countStates(rows);
  const { column } = parseSort(sort === "" ? "cpu" : sort);
  const full = mostOf(rows, column);
  const percent = isPercent(column);
  return (
    <p class="mosaic-legend muted" data-testid="mosaic-legend">
      {shownStates
        .filter((state) => counts[state] > 0)
        .map((state) => (
          <span key={state}>
            <i class={`tile-swatch ${state}`} aria-hidden="true" /> {word(state)}
          </span>
        ))}
      <span>
        {full === 0
          ? t("All of one size: {column} is no number", { column })
          : t("The larger, the more {value}: full at {value2}", {
              value: column === "cpu" ? "CPU" : column,
              value2: percent ? "100 %" : t("{value}, the most that one has", { value: Number(full.toPrecision(3)) }),
            })}
      </span>
    </p>
  );
}

/** Pixels for the legend above the tiles and the name below them. */
const around = 76;
const isPercent = (column: string): boolean => column === "cpu" || column.endsWith("percent");

function valueIn(row: ListedRow, column: string): number | undefined {
  const idle = column === "cpu" ? numberOf(row, "cpu.usage_idle") : undefined;
  return idle === undefined ? numberOf(row, column) : 100 - idle;
}

/** The value of a full tile; 0 where none has one. */
function mostOf(rows: readonly ListedRow[], column: string): number {
  if (isPercent(column)) return 100;
  return rows.reduce<number>((max, row) => Math.max(max, valueIn(row, column) ?? 0), 0);
}

interface TilesProps {
  readonly rows: readonly ListedRow[];
  /** Pixels. */
  readonly side: number;
  readonly sort: string;
}

function Tiles({ rows, side, sort }: TilesProps): JSX.Element {
  const { route } = useLocation();
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useSignal(0);
  const over = useSignal<ListedRow | undefined>(undefined);
  const across = Math.max(1, Math.floor(width.value / side));
  const high = Math.ceil(rows.length / across) * side;
  void rowsVersion.value;
  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) return;
    const observer = new ResizeObserver(() => (width.value = element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (canvas.current && width.value > 0) draw(canvas.current, rows, { side, across, high, width: width.value, sort });
  });
  const at = ({ offsetX, offsetY }: MouseEvent): ListedRow | undefined => {
    const column = Math.floor(offsetX / side);
    return column < across ? rows[Math.floor(offsetY / side) * across + column] : undefined;
  };
  const label = statesInWords(rows);
  return (
    <div class="tiles">
      <canvas
        ref={canvas}
        role="img"
        aria-label={label}
        style={{ height: `${high}px` }}
        onMouseMove={(event) => (over.value = at(event))}
        onMouseLeave={() => (over.value = undefined)}
        onClick={(event) => {
          const row = at(event);
          if (row) route(`/devices/${encodeURIComponent(row.id)}`);
        }}
      />
      <div class="tile-name muted">{over.value ? `${shownName(over.value)}: ${word(stateOf(over.value))}` : label}</div>
    </div>
  );
}

interface Layout {
  readonly side: number;
  readonly across: number;
  readonly high: number;
  readonly width: number;
  readonly sort: string;
}

function draw(
  canvas: HTMLCanvasElement,
  rows: readonly ListedRow[],
  { side, across, high, width, sort }: Layout,
): void {
  const scale = devicePixelRatio;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(high * scale)) canvas.height = Math.round(high * scale);
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, high);
  const style = getComputedStyle(canvas);
  // One path for each state: thousands of tiles are filled at once.
  const paths = new Map(shownStates.map((state) => [state, new Path2D()]));
  const { column } = parseSort(sort === "" ? "cpu" : sort);
  const values = rows.map((row) => valueIn(row, column));
  const most = mostOf(rows, column);
  for (const [index, row] of rows.entries()) {
    const share = most > 0 ? Math.min(1, Math.max(0, (values[index] ?? 0) / most)) : 0;
    const own = (side - 2) * (0.45 + 0.55 * share);
    const inset = (side - own) / 2;
    const state = stateOf(row);
    const path = paths.get(state);
    const [x, y] = [(index % across) * side + inset, Math.floor(index / across) * side + inset];
    if (path) addTile(path, state, { x, y, side: own });
  }
  for (const [state, path] of paths) {
    context.fillStyle = style.getPropertyValue(tileColours[state]);
    context.fill(path);
  }
}
