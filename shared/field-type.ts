/** What a field's values are. InfluxDB keeps a field's first type: a value of another is refused, and the whole line with it. */
export type FieldType = "float" | "integer" | "string" | "boolean";

const all: readonly string[] = ["float", "integer", "string", "boolean"] satisfies FieldType[];

export function isFieldType(text: string): text is FieldType {
  return all.includes(text);
}

/**
 * Reads declared types: `counter.n=integer, room.window=string`. The last dot parts measurement and field.
 * @throws Error whose message ends the sentence "… is …: "
 */
export function parseFieldTypes(text: string): ReadonlyMap<string, FieldType> {
  const declared = new Map<string, FieldType>();
  for (const part of text.split(",")) {
    const [, field, type = ""] = /^(.*\..*)=([^=]*)$/.exec(part.trim()) ?? [];
    if (field === undefined || field.startsWith(".") || field.endsWith(".") || !isFieldType(type.trim()))
      throw new Error(
        `expected MEASUREMENT.FIELD=TYPE with commas between, the type one of ${all.join(", ")}; got "${part.trim()}"`,
      );
    declared.set(field.trim(), type.trim() as FieldType);
  }
  return declared;
}
