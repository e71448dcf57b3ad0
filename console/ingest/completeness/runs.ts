/**
 * Which run of the agent gave which number: steps of [first number, run] that reach up to the next one. One step is what an outbox takes
 * for each time that its agent was started; numbers below the first step are of runs that nobody knows any more.
 */
export type Runs = readonly (readonly [from: number, run: string])[];

/**
 * Runs of one outbox that are told apart: some 25 bytes each in its row. An agent that is started more often gets one for each start; of
 * the oldest numbers it is then not known whose they are, and what comes again of these counts as a repetition.
 */
export const maxRuns = 64;

/** Whose number it is; empty where that is not known. */
export function runOf(runs: Runs, seq: number): string {
  return runs[stepOf(runs, seq)]?.[1] ?? "";
}

/** @param newest whether no higher number was heard of: then there is none above it that must stay whose it was */
export function withRun(runs: Runs, seq: number, run: string, newest: boolean): Runs {
  const at = stepOf(runs, seq);
  const before = runs[at]?.[1] ?? "";
  if (before === run) return runs;
  const [next] = runs.slice(at + 1, at + 2);
  const kept = runs.slice(0, runs[at]?.[0] === seq ? at : at + 1);
  const step: Runs = kept.at(-1)?.[1] === run ? [] : [[seq, run]];
  const joins = next?.[0] === seq + 1 && next[1] === run;
  const rest: Runs = newest || next?.[0] === seq + 1 ? [] : [[seq + 1, before]];
  return [...kept, ...step, ...rest, ...runs.slice(joins ? at + 2 : at + 1)].slice(-maxRuns);
}

/** The step that the number lies in; -1 where it is below all. Mostly the last one. */
function stepOf(runs: Runs, seq: number): number {
  let at = runs.length - 1;
  while (at >= 0 && (runs[at]?.[0] ?? 0) > seq) at -= 1;
  return at;
}

/**
 * A run whose numbers are another run's as well has progress of its own for those: a line of the outbox. No device can choose such a name.
 */
export function lineOfOutbox(outbox: string, run: string): string {
  return `${outbox}~${run}`;
}

export function isLine(name: string): boolean {
  return name.includes("~");
}

/** The outbox that a line, or the outbox itself, belongs to. */
export function outboxOf(name: string): string {
  const at = name.indexOf("~");
  return at < 0 ? name : name.slice(0, at);
}

/** A further line of the same run, which went back once more. */
export function nextLine(line: string): string {
  return `${line}~`;
}

/** The run that a line is of; undefined where it is of no run that is told. */
export function lineRun(name: string): string | undefined {
  return name.split("~")[1] || undefined;
}
