import { counted } from "#shared/counted";
import type { Finding } from "#shared/finding";
import { forTerminal } from "#shared/printable";

/** A directory that was looked at, and whose it is. */
export interface Examined {
  readonly directory: string;
  readonly whose: "a console's" | "an agent's";
  readonly findings: readonly Finding[];
}

/** Characters of one finding: an error of SQLite's can name a page for each line. */
const maxFindingLength = 700;

/** What is to be printed of a visit, for a terminal. */
export function doctorsReport(examined: readonly Examined[], mended: boolean): string {
  const lines = examined.flatMap(({ directory, whose, findings }) => [
    `${forTerminal(directory)}: ${whose} directory`,
    ...findings.map(
      ({ what, state, says }) =>
        `  ${state.padEnd(8)}${forTerminal(what).padEnd(17)} ${forTerminal(says, maxFindingLength)}`,
    ),
  ]);
  const damaged = damagedIn(examined);
  const advice = mended
    ? "what could not be mended is for a person: the sentences say what to do"
    : "stop Muster and run this with --mend, or just start it: a start sets aside what does not read. A file that is gone or older than the others: put the right one back before, or it counts as lost (docs/backup.md)";
  const all = examined.flatMap(({ findings }) => findings);
  const troubles = all.filter(({ state }) => state === "trouble").length;
  const around = troubles === 0 ? [] : [`${counted(troubles, "thing")} to see to: each line says what to do`];
  const end = damaged === 0 ? "nothing is damaged" : `${counted(damaged, "thing")} damaged: ${advice}`;
  return [...lines, ...around, end].join("\n");
}

/** How much is damaged and was not mended. */
export function damagedIn(examined: readonly Examined[]): number {
  return examined.flatMap(({ findings }) => findings).filter(({ state }) => state === "damaged").length;
}
