import type { DeviceDocument } from "#api/device-routes";
import { isCounter } from "../charts/rates.ts";
import { toUnit, unitOf, type FieldUnit } from "#shared/field-units";

/** What people and a device have said of what it measures. */
export type Measurements = NonNullable<DeviceDocument["measurements"]>;

/** How a field is shown. */
export interface FieldLook {
  readonly unit: FieldUnit;
  /** Whether somebody has said the unit, and it is not read from the name. */
  readonly isSaid: boolean;
  /** It only grows: a chart shows its rate. */
  readonly isCounter: boolean;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /** Between which values it lies, as far as that was said. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** How the fields of a device are shown, and what its measurements are called. */
export interface Looks {
  field(measurement: string, field: string): FieldLook;
  measurement(name: string): { readonly title?: string | undefined; readonly description?: string | undefined };
}

/** Where a unit comes from: a person's word, before what the device says itself (the console has put them together), before what the field's name says. */
export function looksOf(known: Measurements): Looks {
  const of = (name: string) => (Object.hasOwn(known, name) ? known[name] : undefined);
  return {
    measurement: (name) => of(name) ?? {},
    field(measurement, field) {
      const fields = of(measurement)?.fields ?? {};
      const { unit, title, description, counter, min, max } = (Object.hasOwn(fields, field) && fields[field]) || {};
      return {
        unit: unit === undefined ? unitOf(measurement, field) : toUnit(unit),
        isSaid: unit !== undefined,
        isCounter: counter ?? isCounter(measurement, field),
        title: title || undefined,
        description: description || undefined,
        min,
        max,
      };
    },
  };
}

/** Of a device of which nobody has said anything. */
export const looksByName = looksOf({});
