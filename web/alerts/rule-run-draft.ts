import type { ShownRuleDocument } from "#api/client";
import type { Json } from "#shared/messages/payload-schema";
import { formShape, type FormShape } from "../commands/form-shape.ts";
import { readArguments, typedOf, type ReadArguments, type TypedValues } from "../commands/typed-arguments.ts";

/** A command that a rule runs, as it is typed. */
export interface RunDraft {
  /** Empty where it runs none. */
  readonly key: string;
  readonly timeout: string;
  readonly shape: FormShape;
  readonly typed: TypedValues;
}

const json: FormShape = { kind: "json" };

export const noRun: RunDraft = { key: "", timeout: "", shape: json, typed: {} };

type Run = NonNullable<ShownRuleDocument["rule"]["run"]>;

export function draftOfRun(run: Run | undefined): RunDraft {
  if (!run) return noRun;
  const typed = run.args ? typedOf(json, run.args as Record<string, Json>).typed : { "": "" };
  return { key: run.key, timeout: run.timeout ?? "", shape: json, typed };
}

/** The inputs that a device offers a command with. */
export function shapeOfOffer(
  offer: { readonly args?: Readonly<Record<string, unknown>> | undefined; readonly unchecked?: unknown } | undefined,
): FormShape {
  return !offer || offer.unchecked ? json : formShape(offer.args);
}

/** The same arguments in other inputs; what does not read, or has no input there, stays JSON. */
export function reshaped(run: RunDraft, shape: FormShape): RunDraft {
  const read = readArguments(run.shape, run.typed);
  if (!read.ok || JSON.stringify(shape) === JSON.stringify(run.shape)) return run;
  // What is chosen now begins with what the inputs hold at first; a rule that leaves something out leaves it out again.
  if (run.typed === noRun.typed) return { ...run, shape };
  const { typed, unknown } = typedOf(shape, read.args);
  return unknown.length > 0 ? run : { ...run, shape, typed };
}

export const argumentsOfRun = ({ shape, typed }: RunDraft): ReadArguments => readArguments(shape, typed);

/** The command of a rule; undefined where there is none. */
export function runOfDraft(run: RunDraft): Run | undefined {
  if (run.key === "") return undefined;
  const read = argumentsOfRun(run);
  const timeout = run.timeout.trim();
  return {
    key: run.key,
    ...(read.ok && Object.keys(read.args).length > 0 ? { args: read.args } : {}),
    ...(timeout === "" ? {} : { timeout }),
  };
}
