import type { Client, ShownRuleDocument } from "#api/client";
import { BadInputError } from "#shared/errors";

/** Rules as they are sent. */
type SentRules = Parameters<Client["applyAlertRules"]>[0]["rules"];

/** Rules as YAML, which `rulesIn` reads again. */
export async function rulesText(rules: readonly ShownRuleDocument[]): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify({ rules: rules.map(({ rule }) => rule) }, { lineWidth: 120 });
}

/** @throws BadInputError where it is no list of rules; what each is, the console says */
export async function rulesIn(text: string): Promise<SentRules> {
  const read = await parsed(text);
  const rules = typeof read === "object" && read !== null && "rules" in read ? read.rules : read;
  if (Array.isArray(rules)) return rules as SentRules;
  throw new BadInputError("expected rules:, with a list behind it, as muster alerts export writes it");
}

async function parsed(text: string): Promise<unknown> {
  const { parse, YAMLParseError } = await import("yaml");
  try {
    // A few anchors can stand for more than a memory has.
    return parse(text, { maxAliasCount: 100 });
  } catch (thrown) {
    if (thrown instanceof YAMLParseError || thrown instanceof ReferenceError)
      throw new BadInputError(`the rules do not read as YAML: ${thrown.message.split("\n", 1)[0]}`);
    throw thrown;
  }
}
