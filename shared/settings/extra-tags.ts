import { isName, nameFault, reservedNames } from "#shared/messages/names";
import { listOf } from "#shared/settings/kinds";

/** Tags that each sample of an agent gets besides: each is a part of every series' name. */
export const maxExtraTags = 16;

/** Reads `site=berlin,floor=2`. @throws Error whose message ends the sentence "MUSTER_TAGS is …: " */
export function parseTags(given: string): Readonly<Record<string, string>> {
  const pairs = listOf(given).filter(Boolean).map(pairOf);
  if (pairs.length > maxExtraTags) throw new Error(`expected ${maxExtraTags} tags at most`);
  return Object.fromEntries(pairs);
}

function pairOf(text: string): [string, string] {
  const [name = "", ...rest] = text.split("=");
  const value = rest.join("=").trim();
  if (value === "") throw new Error("expected NAME=VALUE with commas between, such as site=berlin,floor=2");
  if (!isName(name.trim()) || !isName(value)) throw new Error(`in each tag ${nameFault}`);
  // The console gives each sample that one.
  if (name.trim() === "host" || reservedNames.has(name.trim())) throw new Error(`no tag may be called ${name.trim()}`);
  return [name.trim(), value];
}
