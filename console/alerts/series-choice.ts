import { fitsPattern } from "#shared/filter/evaluate-filter";

/** Whether a rule means a series, by its tags with `*`. */
export function seriesFits(wanted: Readonly<Record<string, string>>, tags: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, pattern]) => fitsPattern(pattern, tags[name] ?? ""));
}
