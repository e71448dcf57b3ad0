import { formatDuration, readDuration } from "#shared/duration";

/** Who takes settings: commands of `muster`, and `client` for all that talk to a running console. */
export type Program =
  | "broker"
  | "console"
  | "agent"
  | "enroll"
  | "device"
  | "operator"
  | "mosquitto"
  | "sim"
  | "keygen"
  | "doctor"
  | "check-broker"
  | "conform"
  | "client";

/** What is known of one setting. Its flag and its key in the file are its name in kebab case. */
export interface Setting<T> {
  readonly env: `MUSTER_${string}`;
  /** What it is, with the unit. */
  readonly help: string;
  readonly programs: readonly Program[];
  readonly default: T;
  /** How the default reads, where it is not plain. */
  readonly shown?: string;
  /** May hold a secret: no message repeats it, it may stand in a file that `…_FILE` names, and as a flag it is warned of. */
  readonly secret?: true;
  /** As a flag it may stand without a value. */
  readonly bare?: true;
  /** From text to value. @throws Error whose message ends the sentence "MUSTER_… is …: " */
  readonly parse: (textSetting: string) => T;
}

/** One that is a number within bounds. */
export interface BoundedSetting<T extends number | undefined> extends Setting<T> {
  readonly min: number;
  readonly max: number;
  /** As `parse` takes it. */
  readonly write: (value: number) => string;
  /** What the number counts, where `write` does not say it. */
  readonly unit?: string;
}

type Entry<S> = Omit<S, "parse" | "write">;

/** Any other: it brings its own `parse`. */
export function setting<T>(entry: Setting<T>): Setting<T> {
  return entry;
}

/** Text that may not be empty. */
export function text<T extends string | undefined>(entry: Entry<Setting<T>>): Setting<T> {
  return { ...entry, parse: (given) => someText(given) as T };
}

/** One of a few words or numbers. */
export function choiceSetting<T extends string | number>(
  values: readonly [T, ...T[]],
  entry: Entry<Setting<T>>,
): Setting<T> {
  const parse = (given: string): T => {
    const found = values.find((value) => String(value) === given);
    if (found === undefined) throw new Error(`expected one of ${values.join(", ")}`);
    return found;
  };
  return { ...entry, parse };
}

/** Yes or no; as a flag, its name alone says yes. */
export function yesNoSetting(entry: Entry<Setting<boolean>>): Setting<boolean> & { readonly bare: true } {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    yes: true,
    "1": true,
    false: false,
    no: false,
    "0": false,
  };
  const parse = (given: string): boolean => {
    const meant = words[given.trim().toLowerCase()];
    if (meant === undefined) throw new Error("expected yes or no");
    return meant;
  };
  return { ...entry, bare: true, parse };
}

/** A count. */
export function wholeSetting(entry: Entry<BoundedSetting<number>>): BoundedSetting<number> {
  const made = { ...entry, write: String };
  return { ...made, parse: (given) => within(made, wholeIn(given), "a whole number") };
}

const MiB = 1024 * 1024;

/** Room on a disk, or bytes on a line: a whole number of MiB as it is written, and bytes as a value. */
export function roomSetting<T extends number | undefined = number>(entry: Entry<BoundedSetting<T>>): BoundedSetting<T> {
  const made = { ...entry, unit: "MiB", write: (bytes: number): string => String(bytes / MiB) };
  return { ...made, parse: (given) => within(made, wholeIn(given) * MiB, "a whole number of MiB") as T };
}

/** A span of time, in milliseconds as a value. */
export function durationSetting<T extends number | undefined>(entry: Entry<BoundedSetting<T>>): BoundedSetting<T> {
  const made = { ...entry, write: formatDuration };
  return { ...made, parse: (given) => within(made, readDuration(given, Infinity), "a duration") as T };
}

/** @returns the value where it is within the bounds; NaN is not */
function within(
  { min, max, write }: Pick<BoundedSetting<number>, "min" | "max" | "write">,
  value: number,
  what: string,
): number {
  if (value >= min && value <= max) return value;
  throw new Error(`expected ${what} from ${write(min)} to ${write(max)}`);
}

/** Decimal digits alone: what `Number` reads besides ("0x50", "1e3", "") nobody means. */
function wholeIn(given: string): number {
  return /^\s*\d+\s*$/.test(given) ? Number(given) : Number.NaN;
}

function someText(given: string): string {
  if (given.trim() === "") throw new Error("expected some text");
  return given;
}

export function listOf(given: string): string[] {
  return given.split(",").map((one) => one.trim());
}
