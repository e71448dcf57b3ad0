import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { counted } from "#shared/counted";
import { parseSort } from "#shared/fleet-table";
import type { Liveness } from "#shared/liveness";
import { numberOf, rowsVersion, stateOf, type ListedRow } from "../state/fleet-rows.ts";
import { countStates } from "./arrange.ts";

interface MosaicProps {
  readonly groups: readonly { readonly name: string; readonly rows: readonly ListedRow[] }[];
  /** The column whose value a tile's size shows. */
  readonly sort: string;
}

const colours: Readonly<Record<Liveness, string>> = {
  online: "--good",
  reporting: "--good",
  silent: "--wait",
  offline: "--bad",
};

/** Each device as a tile: its state by colour, and the value that the fleet is sorted by through its size. */
export function Mosaic({ groups, sort }: MosaicProps): JSX.Element {
  const total = groups.reduce((sum, { rows }) => sum + rows.length, 0);
  return (
    <div class="mosaic" data-testid="mosaic">
      {groups.map(({ name, rows }) => (
        <section key={name} aria-label={name || "Devices"}>
          {groups.length > 1 && (
            <h2>
              {name || "None"} <span class="muted">{rows.length}</span>
            </h2>
          )}
          <Tiles rows={rows} total={total} sort={sort} />
        </section>
      ))}
    </div>
  );
}

/** Pixels of a tile's side: as large as all fit into what is seen, within reason. */
function sideFor(count: number, width: number): number {
  const room = width * Math.max(200, innerHeight - 180);
  return Math.min(44, Math.max(10, Math.floor(Math.sqrt((room * 0.9) / Math.max(1, count)))));
}

interface TilesProps {
  readonly rows: readonly ListedRow[];
  /** Of all groups. */
  readonly total: number;
  readonly sort: string;
}

function Tiles({ rows, total, sort }: TilesProps): JSX.Element {
  const { route } = useLocation();
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useSignal(0);
  const over = useSignal<ListedRow | undefined>(undefined);
  const side = sideFor(total, width.value);
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
  const counts = countStates(rows);
  const told = (["online", "reporting", "silent", "offline"] as const).filter((state) => counts[state] > 0);
  const label = `${counted(rows.length, "device")}: ${told.map((state) => `${counts[state]} ${state}`).join(", ")}`;
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
      <div class="tile-name muted">{over.value ? `${over.value.id}: ${stateOf(over.value)}` : label}</div>
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
  const colourOf = new Map(Object.entries(colours).map(([state, name]) => [state, style.getPropertyValue(name)]));
  const { column } = parseSort(sort === "" ? "cpu" : sort);
  const valueIn = (row: ListedRow): number | undefined => {
    const idle = column === "cpu" ? numberOf(row, "cpu.usage_idle") : undefined;
    return idle === undefined ? numberOf(row, column) : 100 - idle;
  };
  const values = rows.map(valueIn);
  const percent = column === "cpu" || column.endsWith("percent");
  const most = percent ? 100 : values.reduce<number>((max, one) => Math.max(max, one ?? 0), 0);
  for (const [index, row] of rows.entries()) {
    const share = most > 0 ? Math.min(1, Math.max(0, (values[index] ?? 0) / most)) : 0;
    const own = (side - 2) * (0.45 + 0.55 * share);
    const inset = (side - own) / 2;
    context.fillStyle = colourOf.get(stateOf(row)) ?? "";
    context.fillRect((index % across) * side + inset, Math.floor(index / across) * side + inset, own, own);
  }
}
