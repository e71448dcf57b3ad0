import type { JSX } from "preact";
import { cellText } from "#shared/fleet-table";
import { isOutdated, release } from "../devices/outdated.ts";
import { StateDot } from "../devices/presence-dot.tsx";
import { formatAgo } from "../format/format-duration.ts";
import { formatField, formatValue } from "../format/number.ts";
import { unitOf } from "#shared/field-units";
import { numberOf, shownName, stateOf, valueOf, type ListedRow } from "../state/fleet-rows.ts";
import { now } from "../state/now.ts";
import { Time } from "../format/when.tsx";
import { decimals, t, word } from "../language/text.ts";

export interface ListedDeviceProps {
  readonly row: ListedRow;
  /** Columns beside the usual ones. */
  readonly columns: readonly string[];
  readonly selected: boolean;
  readonly here: boolean;
  readonly onSelect: (id: string, selected: boolean) => void;
}

export function ListedDevice({ row, columns, selected, here, onSelect }: ListedDeviceProps): JSX.Element {
  const { id } = row;
  const state = stateOf(row);
  const text = (column: string): string => cellText(valueOf(row, column));
  const online = valueOf(row, "online") === true;
  const idle = numberOf(row, "cpu.usage_idle");
  const seen = numberOf(row, "seen");
  const load = numberOf(row, "system.load1");
  const missing = numberOf(row, "missing") ?? 0;
  const label = shownName(row);
  const problem = text("problem");
  return (
    <tr
      role="row"
      class={`device${state === "offline" || state === "silent" ? " offline" : ""}${selected ? " selected" : ""}${here ? " here" : ""}`}
      data-testid={`device-${id}`}
      aria-selected={selected}
    >
      <th role="rowheader" scope="row">
        <input
          type="checkbox"
          class="pick"
          aria-label={t("Select {id}", { id })}
          data-testid={`select-${id}`}
          checked={selected}
          onChange={(event) => onSelect(id, event.currentTarget.checked)}
        />
        <StateDot id={id} online={online} state={state} />
        <a href={`/devices/${encodeURIComponent(id)}`}>{label}</a>
        {label !== id && <span class="device-id">{id}</span>}
        {state === "silent" && <span class="state wait">{t("Silent")}</span>}
        {online && valueOf(row, "paused") === true && <span class="state wait">{t("Paused")}</span>}
        {isOutdated({ build: text("build") || null }, release.value) && (
          <span class="state wait" data-testid={`outdated-${id}`}>
            {t("Outdated")}
          </span>
        )}
        {problem && (
          <span class="device-problem" title={problem}>
            {problem}
          </span>
        )}
        {missing > 0 && (
          <span class="device-missing" data-testid={`missing-${id}`}>
            {t("{count} sample missing|{count} samples missing", { count: missing })}
          </span>
        )}
      </th>
      <Gauge name="CPU" value={idle === undefined ? undefined : Math.min(100, Math.max(0, 100 - idle))} />
      <Gauge name="Memory" value={numberOf(row, "mem.used_percent")} />
      <Gauge name="Disk" value={numberOf(row, "disk.used_percent")} />
      <td role="cell" data-label={word("Load")} class="load">
        {load === undefined ? "–" : decimals(load, 2)}
      </td>
      {columns.map((column) => (
        <td key={column} role="cell" data-label={column} class="own" data-testid={`cell-${id}-${column}`}>
          <div class="own-value">
            <span>{shown(row, column)}</span>
            <Trail values={row.trails.get(column)} />
          </div>
        </td>
      ))}
      <td role="cell" data-label={word("Seen")} class="seen">
        {seen === undefined ? t("never") : <Time ts={seen} text={formatAgo(seen, now.peek())} />}
      </td>
    </tr>
  );
}

/** A value with its unit; of several series the values side by side. */
function shown(row: ListedRow, column: string): string {
  const cell = valueOf(row, column);
  if (cell === null || cell === undefined) return "–";
  const dot = column.lastIndexOf(".");
  if (dot <= 0) return cellText(cell);
  const unit = unitOf(column.slice(0, dot), column.slice(dot + 1));
  return [cell]
    .flat()
    .map((value) => formatField(value, unit))
    .join(", ");
}

/** How a value went since the page was opened: for a look, the number stands beside it. */
function Trail({ values = [] }: { values: readonly number[] | undefined }): JSX.Element | null {
  if (values.length < 3) return null;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const points = values.map((value, at) => {
    const y = high === low ? 8 : 15 - ((value - low) / (high - low)) * 14;
    return `${((at / (values.length - 1)) * 60).toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg class="trail" viewBox="0 0 60 16" aria-hidden="true">
      <polyline points={points.join(" ")} />
    </svg>
  );
}

/** A share of a hundred as a number and a bar. */
function Gauge({ name, value }: { name: string; value: number | undefined }): JSX.Element {
  const level = value === undefined ? "" : value >= 90 ? "high" : value >= 75 ? "raised" : "";
  return (
    <td role="cell" data-label={word(name)} class="gauge">
      <span class="gauge-value">{value === undefined ? "–" : formatValue(value, "percent")}</span>
      <span class={`bar ${level}`} aria-hidden="true">
        <span style={{ width: `${value ?? 0}%` }} />
      </span>
    </td>
  );
}
