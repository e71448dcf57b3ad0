import * as z from "zod/mini";
import { crc32 } from "#shared/crc32";
import { asCommandId, asDeviceId, type CommandId, type DeviceId } from "#shared/ids";
import { check, type Schema } from "#shared/messages/payload-schema";
import type { Row } from "./row.ts";

/** What columns of the console's own tables hold. A damaged page can put anything into them, whatever the table declares. */
export const keptDeviceId = z.custom<DeviceId>(
  (value) => typeof value === "string" && asDeviceId(value) !== undefined,
  "expected a device id",
);
export const keptCommandId = z.custom<CommandId>(
  (value) => typeof value === "string" && asCommandId(value) !== undefined,
  "expected a command id",
);
/** Epoch ms that a Date can hold: another number would fail wherever it is shown. */
export const instant = z.number().check(z.gte(-8.64e15), z.lte(8.64e15));
export const moment = z.nullable(instant);

/** A parser for rows of a table. It throws for one that does not read. */
export function parserOf<T>(schema: Schema<T>): (row: Row) => T {
  return (row) => check(schema, row, "the row");
}

/** Null in a row of an earlier version, which has none. */
export const proof = z.nullable(z.number());

/**
 * A checksum over what must not be another value unnoticed: SQLite has none for its pages, and a turned bit makes of a number another number.
 */
export function proofOf(...parts: readonly (string | number)[]): number {
  return crc32(JSON.stringify(parts));
}
