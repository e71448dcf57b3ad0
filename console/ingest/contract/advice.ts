import { counted } from "#shared/counted";
import type { FieldType } from "#shared/field-type";
import { maxFieldDepth, maxArrayLength, type OddKind } from "#shared/messages/flatten";
import { maxNameLength } from "#shared/messages/names";
import { forShell } from "#shared/printable";
import type { SetAside } from "./quarantine.ts";

/** What is said of a batch that was set aside as a whole; such entries count batches and not values. */
export const rejectedBatch = "a whole batch";

/** What is said of samples that the store has refused for good; such entries count samples. */
export const refusedByStore = "refused by the store";

/** A batch has two series of one name and tags, and this value is not what the first of them says at the same instant. */
export const otherValue = { got: "another value", wanted: "one value for each instant" };

/** The type that would have let a value pass, by what it was. */
const fitting: Readonly<Record<string, FieldType>> = {
  string: "string",
  boolean: "boolean",
  number: "float",
  fraction: "float",
  "number beyond 2^53": "float",
};

/** What never became a field: what would have been one, and what to do. */
const odd: Readonly<Record<OddKind, { readonly wanted: string; readonly advice: string }>> = {
  "a list": {
    wanted: "a list of numbers",
    advice: "Send a value for each under a name of its own: only numbers in a list become fields.",
  },
  "a long list": {
    wanted: `at most ${maxArrayLength} numbers`,
    advice: `Send each as a sample with its own ts: a list of more than ${maxArrayLength} numbers does not become fields.`,
  },
  "too deep": {
    wanted: `at most ${maxFieldDepth} levels, in ${maxNameLength} characters`,
    advice: "Send a flatter object: the names of all its levels together make the field's name.",
  },
  bytes: { wanted: "a value", advice: "Send a number, a text, or true or false." },
  "an unfit name": {
    wanted: `a name of 1 to ${maxNameLength} characters`,
    advice:
      "Give the field a name without control characters, and without a backslash where it would escape what follows.",
  },
  "a name twice": {
    wanted: "a name of its own",
    advice: "Rename one of the two: written as one name, they are the same.",
  },
  "a key beside values": {
    wanted: "ts, tags and values",
    advice: "Put it into values, or into tags: beside these three keys nothing is stored.",
  },
  // The agent's own words; here the contract says so of what is a field.
  "not finite": { wanted: "a number", advice: "Leave a value out where there is none: JSON's null, or no such key." },
  "a long text": { wanted: "a shorter text", advice: "Send a shorter text: long ones belong in a log." },
  "a garbled text": {
    wanted: "a text of printable characters",
    advice:
      "Send text without control characters other than tabs and line breaks, in UTF-8: a NUL at its end is what a buffer of fixed length leaves there.",
  },
  "no time": {
    wanted: "a time",
    advice:
      "Send ts as seconds, milliseconds, microseconds or nanoseconds since 1970, or as text that ends in Z or an offset: " +
      "the sample stands at its arrival meanwhile. What is no time needs another name than ts, time or timestamp.",
  },
};

export function wantedFor(got: OddKind): string {
  return odd[got].wanted;
}

function isOdd(got: string): got is OddKind {
  return Object.hasOwn(odd, got);
}

/** The type that values of this kind would fit; undefined where there is none. */
export function typeFor(got: string): FieldType | undefined {
  return fitting[got];
}

/**
 * What to do about values that were set aside, as a sentence.
 * @param held of these, how many are on the console's disk until somebody settles what the field is; undefined where that is settled
 */
export function adviceOf(
  { measurement, field, got, wanted }: Pick<SetAside, "measurement" | "field" | "got" | "wanted">,
  held: number | undefined,
): string {
  if (isOdd(got)) return odd[got].advice;
  const type = typeFor(got);
  if (type !== undefined && held !== undefined) {
    const settle = `muster field ${forShell(`${measurement}.${field}`)} --type`;
    const asText = type === "string" || wanted === "string" ? " (then all of it is stored as text)" : "";
    const loss = type === "string" || wanted === "string" ? " (then texts are let go)" : "";
    const [one, other] = type === "string" ? [asText, loss] : [loss, asText];
    return `${counted(held, "value is", "values are")} held until somebody settles what the field is: ${settle} ${type}${one}, or ${settle} ${wanted}${other}.`;
  }
  if (type !== undefined)
    return (
      `Mend what the device sends; or, if ${type} is right for this field, set MUSTER_FIELD_TYPES=${measurement}.${field}=${type} ` +
      `and restart the console. An InfluxDB that holds it otherwise keeps its type until the measurement is dropped there.`
    );
  if (got === rejectedBatch)
    return "Mend or update what sends it: as it is, no console takes it, so it was acknowledged and its samples are gone.";
  if (got === refusedByStore)
    return "Mend what the store says of them: it has refused them for good, so they were acknowledged and are gone.";
  if (got === otherValue.got)
    return "Send each series once in a batch, or tags that tell the two apart: the first value is stored, and this one would have overwritten it.";
  if (got === "a reserved name") return `Give the field another name: "${field}" means something else to InfluxDB.`;
  if (got === "one more field") return "Put what varies into values: every field name is kept for good.";
  if (got === "long text") return "Send a shorter text: long ones belong in a log.";
  return "Leave a value out where there is none: JSON's null, or no such key.";
}
