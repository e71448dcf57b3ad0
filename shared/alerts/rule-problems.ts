import * as z from "zod/mini";
import { asError } from "#shared/errors";
import { problems } from "#shared/messages/payload-schema";
import { quoted } from "#shared/printable";
import { alertRule } from "./alert-rule.ts";
import { readRule } from "./read-rule.ts";

/** Mistakes that are told of one rule, and rules of which they are told. */
const most = 20;

/** All that is wrong with rules as somebody has sent them, a line for each that does not read; undefined where all fit the schema. */
export function ruleProblems(rules: readonly unknown[]): string | undefined {
  const told = rules.flatMap((rule, at) => {
    const { error } = z.safeParse(alertRule, rule);
    return error ? [`${ruleText(rule, at)}: ${[problems(error, most), ...whenProblem(rule, error)].join("; ")}`] : [];
  });
  if (told.length === 0) return undefined;
  const more = told.length - most;
  return [...told.slice(0, most), ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

/** What its condition has beside, where that much of it can be looked at. */
function whenProblem(sent: unknown, { issues }: z.core.$ZodError): readonly string[] {
  const { when, where } = (sent ?? {}) as { readonly when?: unknown; readonly where?: unknown };
  if (typeof when !== "string" || issues.some(({ path: [first] }) => first === "when" || first === "where")) return [];
  const scope = typeof where === "string" ? { where } : {};
  try {
    readRule({ name: "", when, ...scope, severity: "warning", enabled: true });
    return [];
  } catch (thrown) {
    return [asError(thrown).message.replace(/^the rule "": /, "")];
  }
}

function ruleText(sent: unknown, at: number): string {
  const name = typeof sent === "object" && sent !== null && "name" in sent ? sent.name : undefined;
  return typeof name === "string" ? `the rule ${quoted(name)}` : `rule ${at + 1} of the list`;
}
