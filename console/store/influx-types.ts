import { isFieldType, type FieldType } from "#shared/field-type";
import type { StoredTypes } from "./store.ts";

/** InfluxDB's answer to `SHOW FIELD KEYS`: one series a measurement, a row for each field and each type that it has had. */
export interface FieldKeysAnswer {
  readonly results?: readonly {
    readonly series?: readonly { readonly name: string; readonly values: readonly (readonly [string, string])[] }[];
  }[];
}

export function toStoredTypes({ results = [] }: FieldKeysAnswer): StoredTypes {
  const found = new Map<string, Map<string, Set<FieldType>>>();
  for (const { name, values } of results.flatMap(({ series = [] }) => series)) {
    const fields = found.get(name) ?? new Map<string, Set<FieldType>>();
    found.set(name, fields);
    for (const [field, type] of values) {
      if (!isFieldType(type)) continue;
      const types = fields.get(field);
      if (types) types.add(type);
      else fields.set(field, new Set([type]));
    }
  }
  return found;
}
