import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";

interface FieldPlace {
  readonly measurement: string;
  readonly field: string;
}

/** How people write a field. */
export function fieldName({ measurement, field }: FieldPlace): string {
  return `${measurement}.${field}`;
}

/** Both may hold dots: what is known is told by its whole name, else the last dot parts them, as in MUSTER_FIELD_TYPES. @throws BadInputError */
export function parseFieldName(name: string, known: Iterable<FieldPlace>): FieldPlace {
  for (const { measurement, field } of known)
    if (fieldName({ measurement, field }) === name) return { measurement, field };
  const dot = name.lastIndexOf(".");
  if (dot < 1 || dot === name.length - 1)
    throw new BadInputError(`${quoted(name)} is no field: expected MEASUREMENT.FIELD, such as room.temperature`);
  return { measurement: name.slice(0, dot), field: name.slice(dot + 1) };
}
