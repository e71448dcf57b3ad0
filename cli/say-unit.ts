import type { Client } from "#api/client";
import type { DeviceDocument } from "#api/device-routes";
import type { UnitWordDocument } from "#api/unit-routes";
import { BadInputError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { deviceText } from "./device-text.ts";
import { fieldName, parseFieldName } from "./field-name.ts";
import { asJson, table } from "./text-table.ts";

export interface UnitFlags {
  readonly group?: string;
  readonly default?: boolean;
  readonly title?: string;
  readonly unset?: boolean;
  readonly json?: boolean;
}

/** `muster unit`: shows what fields are called, or says it. @returns what to print */
export async function sayUnit(
  client: Client,
  words: readonly string[],
  flags: UnitFlags,
  now: number,
): Promise<string> {
  const { group, default: ofAll = false, json = false } = flags;
  const isOfMany = group !== undefined || ofAll;
  const [device, [name, unit, ...rest]] = isOfMany ? [undefined, words] : [words[0], words.slice(1)];
  if (rest.length > 0)
    throw new BadInputError(`${forTerminal(rest[0] ?? "")}: expected MEASUREMENT.FIELD and a unit, and nothing more`);
  const scope = ofAll ? "default" : group === undefined ? device && `device:${device}` : `group:${group}`;
  const isSaid = unit !== undefined || flags.title !== undefined || flags.unset === true;
  if (!isSaid || name === undefined || scope === undefined) {
    if (isSaid) throw new BadInputError("of which field? Expected MEASUREMENT.FIELD, such as room.temperature");
    return show(client, { device, scope, name, json, now });
  }
  if (flags.unset === true && (unit !== undefined || flags.title !== undefined))
    throw new BadInputError("--unset takes unit and title back: expected no others beside it");
  const known = device === undefined ? [] : [...fieldsOf(await client.getDevice(device))];
  const said = flags.unset
    ? { unit: null, title: null }
    : { ...(unit === undefined ? {} : { unit }), ...(flags.title === undefined ? {} : { title: flags.title }) };
  const word = await client.setUnit({ scope, ...parseFieldName(name, known), ...said });
  if (json) return asJson(word);
  const isUntold = device !== undefined && !flags.unset && !known.some((one) => fieldName(one) === fieldName(word));
  return isUntold
    ? `${told(word)}\n${forTerminal(device)} tells no ${forTerminal(fieldName(word))} now: it is kept for the day on which it does; muster unit ${forTerminal(device)} lists what it tells`
    : told(word);
}

interface Asked {
  readonly device: string | undefined;
  readonly scope: string | undefined;
  readonly name: string | undefined;
  readonly json: boolean;
  readonly now: number;
}

async function show(client: Client, { device, scope, name, json, now }: Asked): Promise<string> {
  if (device !== undefined && name === undefined) {
    const document = await client.getDevice(device);
    return json ? asJson(document.measurements ?? {}) : deviceText(document, now);
  }
  const { units } = await client.listUnits();
  const shown = units.filter(
    (one) => (scope === undefined || one.scope === scope) && (name === undefined || fieldName(one) === name),
  );
  if (json) return asJson(shown);
  if (shown.length === 0)
    return "nobody has said any: muster unit DEVICE MEASUREMENT.FIELD UNIT, as in muster unit rpi-7 room.temperature °C";
  const rows = shown.map((one) => [one.scope, fieldName(one), unitShown(one.unit), one.title ?? "", one.by]);
  return table(["FOR", "FIELD", "UNIT", "TITLE", "BY"], rows);
}

function told(word: UnitWordDocument): string {
  const { scope, unit, title } = word;
  const field = forTerminal(fieldName(word));
  if (unit === null && title === null) return `of ${field} nothing is said for ${scope} any more`;
  const said = [
    ...(unit === null ? [] : [unit === "" ? "is a plain number" : `is in ${forTerminal(unit)}`]),
    ...(title === null ? [] : [`is called ${forTerminal(title)}`]),
  ];
  return `for ${scope} ${field} ${said.join(" and ")} from now on`;
}

const unitShown = (unit: string | null): string => (unit === "" ? "(none)" : (unit ?? ""));

function* fieldsOf({ latest }: DeviceDocument) {
  for (const { measurement, fields } of latest) for (const field of Object.keys(fields)) yield { measurement, field };
}
