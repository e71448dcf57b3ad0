import { CommandError } from "../commands/handler.ts";
import type { DailyBudget } from "../metrics/daily-budget.ts";

/** How many bytes the connection may still take today, where that has a bound. */
export type FileBudget = Pick<DailyBudget, "shortOf">;

/** The code with which a file ends for which today's bytes do not suffice. */
const code = "budget";
/** What carries so much of a file takes beside it: headers, checksums and what asks for pieces. Measured are 9%, and less in large pieces. */
const carried = { share: 0.1, least: 1_000 };

/** Bytes on the wire for so many of a file. */
export function onTheWire(bytes: number): number {
  return Math.ceil(bytes * (1 + carried.share)) + carried.least;
}

/**
 * Asked before anything of a file goes, and again for the rest of it each time some is asked for: other things take bytes too, and a file that cannot
 * be finished today should take no more of them.
 * @param bytes of the file that are to come. @returns why they are not to
 */
export function unaffordable(budget: FileBudget | undefined, bytes: number): CommandError | undefined {
  const why = budget?.shortOf(onTheWire(bytes));
  return why === undefined ? undefined : new CommandError(code, why);
}

export function isUnaffordable(thrown: unknown): boolean {
  return thrown instanceof CommandError && thrown.code === code;
}
