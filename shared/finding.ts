/** One thing that `muster doctor` has looked at. */
export interface Finding {
  /** A file or table, by its name in the directory that is looked at; or what lies around it, as a port. `trouble` is for a person to see to. */
  readonly what: string;
  readonly state: "sound" | "damaged" | "mended" | "note" | "trouble";
  /** What it holds, what is wrong with it, or what became of it. */
  readonly says: string;
}

export const soundOf = (what: string, says: string): Finding => ({ what, state: "sound", says });
export const troubleOf = (what: string, says: string): Finding => ({ what, state: "trouble", says });
export const noteOf = (what: string, says: string): Finding => ({ what, state: "note", says });

/** Things of one kind that are told one by one at most: a damaged disk has thousands of them. */
export const maxFindings = 20;

/** The first few, and how many more there are. */
export function firstFew(findings: readonly Finding[]): readonly Finding[] {
  const more = findings.length - maxFindings;
  const [first] = findings;
  if (more <= 0 || !first) return findings;
  return [...findings.slice(0, maxFindings), { ...first, says: `and ${more} more like these` }];
}
