import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Item } from "./arrange.ts";
import { statesInWords } from "./arrange.ts";
import type { ListedRow } from "../state/fleet-rows.ts";
import { ListedDevice } from "./listed-device.tsx";
import { useRowWindow } from "./window-rows.ts";
import { t, word } from "../language/text.ts";

export interface DeviceListProps {
  readonly items: readonly Item[];
  readonly columns: readonly string[];
  readonly sort: string;
  readonly selected: ReadonlySet<string>;
  /** The device on which the keyboard is. */
  readonly here: string | undefined;
  readonly onSort: (sort: string) => void;
  readonly onSelect: (id: string, selected: boolean) => void;
  /** Devices that are listed. */
  readonly listed: readonly ListedRow[];
  /** Whether the filter cannot be read: then what it found before is shown, and is no answer to it. */
  readonly stale: boolean;
  readonly onSelectAll: (selected: boolean) => void;
  readonly onFold: (group: string) => void;
}

const usual: readonly (readonly [title: string, column: string])[] = [
  ["Device", "id"],
  ["CPU", "cpu"],
  ["Memory", "mem.used_percent"],
  ["Disk", "disk.used_percent"],
  ["Load", "system.load1"],
];

/** Roles are said because on a phone the rows are laid out as cards, which takes a table's own roles away. */
export function DeviceList(props: DeviceListProps): JSX.Element {
  const { items, columns, sort, selected, here, listed, stale, onSort, onSelect, onSelectAll, onFold } = props;
  const { from, to, height, body, reveal } = useRowWindow(items.length);
  useEffect(() => {
    const index = here === undefined ? -1 : items.findIndex((item) => item.kind === "row" && item.row.id === here);
    if (index >= 0) reveal(index);
  }, [here]);
  const picked = listed.filter(({ id }) => selected.has(id)).length;
  const heads = [
    ...usual.map(([title, name]) => [word(title), name] as const),
    ...columns.map((name) => [name, name] as const),
    [t("Last seen"), "seen"] as const,
  ];
  const gap = (rows: number): JSX.Element | null =>
    height === undefined || rows <= 0 ? null : (
      <tr class="gap" aria-hidden="true">
        <td style={{ height: `${rows * height}px` }} />
      </tr>
    );
  return (
    <table
      class={`fleet${height === undefined ? "" : " windowed"}${columns.length > 0 ? " wide" : ""}${stale ? " stale" : ""}`}
      role="table"
      aria-rowcount={items.length + 1}
      data-testid="fleet-table"
    >
      <thead role="rowgroup">
        <tr role="row">
          {heads.map(([title, column]) => (
            <th key={column} role="columnheader" scope="col" aria-sort={sortOf(sort, column)}>
              {column === "id" && (
                <input
                  type="checkbox"
                  class="pick"
                  aria-label={t("Select all that are listed")}
                  data-testid="select-all"
                  checked={picked > 0 && picked === listed.length}
                  indeterminate={picked > 0 && picked < listed.length}
                  onChange={(event) => onSelectAll(event.currentTarget.checked)}
                />
              )}
              <button
                type="button"
                class="head"
                data-testid={`sort-${column}`}
                onClick={() => onSort(next(sort, column))}
              >
                {breakable(title)}
                <span aria-hidden="true">{sort === column ? " ↑" : sort === `-${column}` ? " ↓" : ""}</span>
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup" ref={body}>
        {gap(from)}
        {items
          .slice(from, to)
          .map((item) =>
            item.kind === "row" ? (
              <ListedDevice
                key={item.row.id}
                row={item.row}
                columns={columns}
                selected={selected.has(item.row.id)}
                here={item.row.id === here}
                onSelect={onSelect}
              />
            ) : (
              <GroupRow key={`\n${item.name}`} item={item} width={heads.length} onFold={onFold} />
            ),
          )}
        {gap(items.length - to)}
      </tbody>
    </table>
  );
}

/** A field's name may break between its words, before the browser breaks it anywhere. */
function breakable(title: string): readonly (string | JSX.Element)[] {
  return (title.match(/[^._]+[._]*|[._]+/g) ?? []).flatMap((part) => [part, <wbr key={part} />]);
}

interface GroupRowProps {
  readonly item: Item & { readonly kind: "group" };
  readonly width: number;
  readonly onFold: (group: string) => void;
}

function GroupRow({ item: { name, rows, open }, width, onFold }: GroupRowProps): JSX.Element {
  return (
    <tr role="row" class="group-row" data-testid={`group-${name}`}>
      <th role="rowheader" scope="rowgroup" colSpan={width}>
        <button type="button" class="head" aria-expanded={open} onClick={() => onFold(name)}>
          <span aria-hidden="true">{open ? "▾" : "▸"}</span> {name || t("None")}
        </button>
        <span class="muted">{statesInWords(rows)}</span>
      </th>
    </tr>
  );
}

/** Numbers are wanted with the largest first, names in their order; then the other way, then as before. */
function next(sort: string, column: string): string {
  const down = `-${column}`;
  const order = column === "id" ? [column, down, ""] : [down, column, ""];
  return order[order.indexOf(sort) + 1] ?? order[0] ?? "";
}

function sortOf(sort: string, column: string): "ascending" | "descending" | "none" {
  if (sort === column || (sort === "" && column === "id")) return "ascending";
  return sort === `-${column}` ? "descending" : "none";
}
