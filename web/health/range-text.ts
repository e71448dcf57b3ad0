import { t } from "../language/text.ts";

/** Between which values a setting may lie: the console says "1h to 3650d". */
export function rangeText(range: string): string {
  const [, from, to] = /^(.+?) to (.+)$/.exec(range) ?? [];
  return from === undefined || to === undefined ? range : t("{from} to {to}", { from, to });
}
