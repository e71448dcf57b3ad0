import type { FieldType } from "#shared/field-types";
import type { SetAside } from "./quarantine.ts";

/** The type that would have let a value pass, by what it was. */
const fitting: Readonly<Record<string, FieldType>> = {
  string: "string",
  boolean: "boolean",
  number: "float",
  fraction: "float",
  "number beyond 2^53": "float",
};

/** What to do about values that were set aside, as a sentence. */
export function adviceOf({ measurement, field, got }: Pick<SetAside, "measurement" | "field" | "got">): string {
  const type = fitting[got];
  if (type !== undefined)
    return (
      `Mend what the device sends; or, if ${type} is right for this field, set MUSTER_FIELD_TYPES=${measurement}.${field}=${type} ` +
      `and restart the console. An InfluxDB that holds it otherwise keeps its type until the measurement is dropped there.`
    );
  if (got === "a reserved name") return `Give the field another name: "${field}" means something else to InfluxDB.`;
  if (got === "one more field") return "Put what varies into values: every field name is kept for good.";
  if (got === "long text") return "Send a shorter text: long ones belong in a log.";
  return "Leave a value out where there is none: JSON's null, or no such key.";
}
