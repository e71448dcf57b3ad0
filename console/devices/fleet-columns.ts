import { BadInputError } from "#shared/errors";
import { filterName } from "#shared/filter/parse-filter";
import { readerOf, type DeviceValues } from "#shared/filter/filter-values";
import type { ownColumns } from "#shared/fleet-table";
import { quoted } from "#shared/printable";
import type { Device } from "./device.ts";

/** Columns of one table of the fleet. */
export const maxColumns = 32;
/** Values of one cell: a machine may have a hundred interfaces. Of numbers the largest are told, as the fullest disk. */
export const maxCellValues = 8;

type Value = string | number | boolean;
export type ColumnValue = Value | null | readonly Value[];

/** A device with what is told of it beside what filters look at. */
export interface FleetRow extends DeviceValues {
  readonly device: Device & DeviceValues["device"];
  /** Samples that will never come. */
  readonly missing: () => number;
  /** When its newest sample was taken, epoch ms. */
  readonly sampled: () => number | undefined;
}

/** What can be a column and is no name of the filter language. */
const own: Readonly<Record<(typeof ownColumns)[number], (row: FleetRow) => ColumnValue>> = {
  seen: ({ device }) => device.lastSeen,
  since: ({ device }) => device.since,
  silentAfter: ({ device }) => device.silentAfter ?? null,
  reason: ({ device }) => device.reason,
  boot: ({ device }) => device.boot,
  interval: ({ device }) => device.interval,
  signers: ({ device }) => device.signers ?? null,
  missing: ({ missing }) => missing(),
  sampled: ({ sampled }) => sampled() ?? null,
};
const more: Readonly<Record<string, (row: FleetRow) => ColumnValue>> = own;

export interface FleetColumns {
  /** Beginning with the id. */
  readonly names: readonly string[];
  readonly cells: (row: FleetRow) => ColumnValue[];
}

/**
 * Reads `mem.used_percent, system.uptime, version`: names of the filter language, and a few more. The id is always the first.
 * @throws BadInputError for what is no name, and for too many
 */
export function readColumns(text: string): FleetColumns {
  const given = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "id");
  const names = ["id", ...new Set(given)];
  const wrong = names.find((name) => !filterName.test(name));
  if (wrong !== undefined)
    throw new BadInputError(
      `${quoted(wrong)} is no column: expected names with commas between, such as version or mem.used_percent`,
    );
  if (names.length > maxColumns) throw new BadInputError(`${names.length} columns: expected ${maxColumns} at most`);
  const readers = names.map((name) => (Object.hasOwn(more, name) && more[name]) || cellOf(name));
  return { names, cells: (row) => readers.map((read) => read(row)) };
}

/** Lists of a device's own, as its groups, have bounds of their own. */
function cellOf(name: string): (row: FleetRow) => ColumnValue {
  const read = readerOf(name);
  const most = name.includes(".") ? maxCellValues : Infinity;
  return (row) => {
    const value = read(row);
    if (value === undefined) return null;
    if (!isSeveral(value) || value.length <= most) return value;
    const sorted = value.every((one) => typeof one === "number") ? value.toSorted((a, b) => b - a) : value;
    return sorted.slice(0, most);
  };
}

function isSeveral(value: Value | readonly Value[]): value is readonly Value[] {
  return Array.isArray(value);
}
