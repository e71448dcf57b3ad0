import type { KeptCommandDocument } from "#api/favourite-routes";
import type { JobOrder, JobTarget } from "#api/job-routes";
import { readArguments } from "../commands/typed-arguments.ts";
import type { ScheduleDocument } from "#api/schedule-routes";
import { typedDuration, writtenDuration } from "../format/format-duration.ts";
import { t } from "../language/text.ts";

/** What stands in the form, as typed. */
export interface TypedOrder {
  readonly target: "all" | "group" | "where" | "devices";
  readonly group: string;
  readonly where: string;
  readonly devices: string;
  readonly key: string;
  readonly args: string;
  readonly rate: string;
  readonly canary: string;
  /** Percent of the devices. */
  readonly failed: string;
  readonly min: string;
  /** What has to hold of the devices that were served. */
  readonly gate: string;
  readonly ttl: string;
  readonly timeout: string;
}

export const blank: TypedOrder = {
  target: "all",
  group: "",
  where: "",
  devices: "",
  key: "",
  args: "",
  rate: "",
  canary: "",
  failed: "",
  min: "",
  gate: "",
  ttl: "",
  timeout: "",
};

/** A kept command, as it is typed. */
export function typedCommand({
  key,
  args,
  timeout,
  ttl,
}: KeptCommandDocument): Pick<TypedOrder, "key" | "args" | "ttl" | "timeout"> {
  return {
    key,
    args: Object.keys(args).length > 0 ? JSON.stringify(args) : "",
    ttl: ttl === undefined ? "" : writtenDuration(ttl),
    timeout: timeout === undefined ? "" : writtenDuration(timeout),
  };
}

/** What a schedule does, as it is typed. */
export function typedOrder(order: ScheduleDocument["order"]): TypedOrder {
  const { key, args, target, rate, canary, abort, gate = "", ttl, timeout } = order;
  const whom: Partial<TypedOrder> =
    "devices" in target
      ? { target: "devices", devices: target.devices.join(", ") }
      : "group" in target
        ? { target: "group", group: target.group }
        : "where" in target
          ? { target: "where", where: target.where }
          : { target: "all" };
  return {
    ...blank,
    ...whom,
    ...typedCommand({ name: "", key, args, ttl, ...(timeout === null ? {} : { timeout }) }),
    rate: String(rate),
    canary: canary > 0 ? String(canary) : "",
    // 0.07 × 100 is no 7.
    failed: abort ? String(Number((abort.failed * 100).toPrecision(12))) : "",
    min: abort ? String(abort.min) : "",
    gate,
  };
}

export type ReadOrder =
  | { readonly ok: true; readonly order: JobOrder }
  | { readonly ok: false; readonly problems: Readonly<Partial<Record<keyof TypedOrder, string>>> };

/** Reads the form; what was left empty is left to the console, which checks everything again. */
export function readOrder(typed: TypedOrder): ReadOrder {
  const problems: Partial<Record<keyof TypedOrder, string>> = {};
  const given = <T>(name: keyof TypedOrder, read: (text: string) => T | undefined, expected: string): T | undefined => {
    if (typed[name].trim() === "") return undefined;
    const value = read(typed[name].trim());
    if (value === undefined) problems[name] = expected;
    return value;
  };
  const args = readArguments({ kind: "json" }, { "": typed.args });
  if (!args.ok) problems.args = args.problems[""] ?? t("Not valid.");
  const target = readTarget(typed);
  if (!target) problems[typed.target === "all" ? "target" : typed.target] = t("This is required.");
  const rate = given("rate", between(0.01, 1_000), t("Expected 0.01 to 1000 commands a second."));
  const canary = given("canary", whole(0), t("Expected a whole number."));
  const failed = given("failed", between(0, 100), t("Expected 0 to 100 percent."));
  const min = given("min", whole(1), t("Expected a whole number, 1 or more."));
  const time = (name: "ttl" | "timeout"): number | undefined => {
    const read = typed[name].trim() === "" ? undefined : typedDuration(typed[name]);
    if (read && "problem" in read) problems[name] = read.problem;
    return read && "ms" in read ? read.ms : undefined;
  };
  const ttl = time("ttl");
  const timeout = time("timeout");
  if (min !== undefined && typed.failed.trim() === "") problems.failed = t("Say how many may fail.");
  if (Object.keys(problems).length > 0 || !target || !args.ok) return { ok: false, problems };
  const order = {
    key: typed.key,
    target,
    ...(Object.keys(args.args).length > 0 ? { args: args.args } : {}),
    ...defined({ rate, canary, ttl, timeout }),
    ...(typed.gate.trim() === "" ? {} : { gate: typed.gate.trim() }),
    ...(failed === undefined ? {} : { abort: { failed: failed / 100, ...defined({ min }) } }),
  };
  return { ok: true, order };
}

function readTarget({ target, group, where, devices }: TypedOrder): JobTarget | undefined {
  const names = devices.split(/[\s,]+/).filter(Boolean);
  switch (target) {
    case "all":
      return { all: true };
    case "group":
      return group ? { group } : undefined;
    case "where":
      return where.trim() ? { where: where.trim() } : undefined;
    case "devices":
      return names.length > 0 ? { devices: names } : undefined;
  }
}

function between(low: number, high: number): (text: string) => number | undefined {
  return (text) => (Number(text) >= low && Number(text) <= high ? Number(text) : undefined);
}

function whole(low: number): (text: string) => number | undefined {
  return (text) => (/^\d+$/.test(text) && Number(text) >= low ? Number(text) : undefined);
}

function defined<T extends Record<string, number | undefined>>(values: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: number;
  };
}
