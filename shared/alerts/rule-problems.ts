import * as z from "zod/mini";
import { asError } from "#shared/errors";
import { problems } from "#shared/messages/payload-schema";
import { quoted } from "#shared/printable";
import { alertRule, type AlertRule } from "./alert-rule.ts";
import { readRule } from "./read-rule.ts";

/** Mistakes that are told of one rule, and rules of which they are told. */
const most = 20;

/** What is wrong with the devices of a rule whose `where` reads. */
export type ScopeProblem = (name: string, where: string) => string | undefined;

/** All that is wrong with rules as somebody has sent them, a line for each that does not read; undefined where all are well. */
export function ruleProblems(rules: readonly unknown[], scopeProblem: ScopeProblem): string | undefined {
  let bad = 0;
  const told = rules.flatMap((rule, at) => {
    // Each scope that no device tells costs a walk through the fleet.
    const found = problemsOf(rule, bad < most ? scopeProblem : () => undefined);
    if (found.length === 0) return [];
    bad += 1;
    return [`${ruleText(rule, at)}: ${found.join("; ")}`];
  });
  if (told.length === 0) return undefined;
  const more = told.length - most;
  return [...told.slice(0, most), ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

/** What the schema says of a rule, and what does not read in the parts that fit it. */
function problemsOf(sent: unknown, scopeProblem: ScopeProblem): readonly string[] {
  const { error } = z.safeParse(alertRule, sent);
  if (typeof sent !== "object" || sent === null) return error ? [problems(error, most)] : [];
  const unfit = new Set(error?.issues.map(({ path: [first] }) => first));
  const fit = Object.fromEntries(Object.entries(sent).filter(([part]) => !unfit.has(part))) as Partial<AlertRule>;
  const unread = unreadParts(fit);
  const { name = "", where } = fit;
  // One that does not read has been told.
  const scope = where !== undefined && faultOf({ when: ofDevices, where }) === undefined && scopeProblem(name, where);
  return [...(error ? [problems(error, most)] : []), ...unread, ...(scope ? [scope] : [])];
}

/** A condition beside which the parts can be read that have nothing to do with it. */
const ofDevices = "silent > 1h";

/** Part by part, as one that does not read would hide those behind it. */
function unreadParts({ when, where, clear, overrides, series, remind, run }: Partial<AlertRule>): readonly string[] {
  const base = when === undefined ? undefined : faultOf({ when });
  const beside = when === undefined || base !== undefined ? undefined : when;
  const parts = [
    base,
    // Behind a condition that does not read nothing else can be said of it.
    ...(beside === undefined
      ? []
      : [
          clear !== undefined && faultOf({ when: beside, clear }),
          ...(overrides ?? []).map((one) => faultOf({ when: beside, overrides: [one] })),
          series && faultOf({ when: beside, series }),
        ]),
    run && faultOf({ when: beside ?? ofDevices, run }),
    where !== undefined && faultOf({ when: ofDevices, where }),
    remind !== undefined && faultOf({ when: ofDevices, remind }),
  ];
  return parts.filter((one) => typeof one === "string");
}

function faultOf(rule: Partial<AlertRule> & Pick<AlertRule, "when">): string | undefined {
  try {
    readRule({ name: "", severity: "warning", enabled: true, ...rule });
    return undefined;
  } catch (thrown) {
    return asError(thrown).message.replace(/^the rule "": /, "");
  }
}

function ruleText(sent: unknown, at: number): string {
  const name = typeof sent === "object" && sent !== null && "name" in sent ? sent.name : undefined;
  return typeof name === "string" ? `the rule ${quoted(name)}` : `rule ${at + 1} of the list`;
}
