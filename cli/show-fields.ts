import { counted } from "#shared/counted";
import type { Client } from "#api/client";
import type { ConflictDocument, Decision, SettledDocument } from "#api/field-routes";
import { BadInputError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { fieldName, parseFieldName } from "./field-name.ts";
import { ago, table } from "./text-table.ts";

export interface FieldFlags {
  readonly type?: string;
  readonly json?: boolean;
}

/** Lists the fields that devices see differently, or settles one. @returns what to print */
export async function fields(
  client: Client,
  name: string | undefined,
  { type, json }: FieldFlags,
  now: number,
): Promise<string> {
  const { conflicts } = await client.listConflicts();
  if (type === undefined) {
    const shown = conflicts.filter((one) => name === undefined || fieldName(one) === name);
    return json ? JSON.stringify(shown, null, 2) : list(shown, now);
  }
  if (name === undefined) throw new BadInputError("no field: expected muster field MEASUREMENT.FIELD --type TYPE");
  // The console itself says which types there are.
  const settled = await client.settleField({ ...parseFieldName(name, conflicts), type: type as Decision["type"] });
  return json ? JSON.stringify(settled, null, 2) : told(settled);
}

function list(conflicts: readonly ConflictDocument[], now: number): string {
  if (conflicts.length === 0) return "no field is in conflict";
  const rows = conflicts.flatMap((one) =>
    one.held.map(({ device, got, sample, values, dropped, last }) => [
      fieldName(one),
      one.first === undefined ? `${one.type} (${one.how})` : `${one.type} (${one.first})`,
      device,
      got,
      String(values),
      String(dropped),
      ago(last, now),
      sample.slice(0, 60),
    ]),
  );
  const head = ["FIELD", "IS", "DEVICE", "SENDS", "HELD", "NO ROOM", "LAST", "SAMPLE"];
  return `${table(head, rows)}\nSettle one with: muster field MEASUREMENT.FIELD --type float|integer|string|boolean`;
}

function told({ measurement, field, type, written, discarded, waiting, why }: SettledDocument): string {
  const waits = waiting > 0 ? `, ${counted(waiting, "waits", "wait")}: ${forTerminal(why ?? "for the store")}` : "";
  return `${forTerminal(`${measurement}.${field}`)} is ${type} from now on: of what was held ${counted(written, "value is", "values are")} stored, ${counted(discarded, "was", "were")} let go${waits}`;
}
