import { forTerminal } from "#shared/printable";
import { batchChecks, lastChecks } from "./batch-checks.ts";
import { commandChecks } from "./command-checks.ts";
import { broken, ok, type ConformOptions, type ConformVerdict } from "./conform-check.ts";
import { presenceChecks } from "./presence-checks.ts";
import type { Stage } from "./stage.ts";

export type ConformFinding = ConformVerdict & { readonly what: string };

/**
 * Asks an agent for what the protocol promises, one thing after the other.
 * @param tell hears each finding as soon as it is there
 * @param patience milliseconds until its first birth
 */
export async function runConform(
  stage: Stage,
  options: ConformOptions,
  {
    tell,
    patience = 5 * stage.patience.comeback,
  }: { readonly tell: (finding: ConformFinding) => void; readonly patience?: number },
): Promise<readonly ConformFinding[]> {
  const found: ConformFinding[] = [];
  const add = (what: string, verdict: ConformVerdict): void => {
    const finding = { what, ...verdict };
    found.push(finding);
    tell(finding);
  };
  if (!(await stage.until(() => stage.birth, patience))) {
    add("connection", broken(stage.faults[0] ?? `no birth came within ${patience / 1_000} s`));
    return found;
  }
  for (const { what, run } of [...presenceChecks, ...batchChecks, ...commandChecks, ...lastChecks]) {
    if (!(await stage.until(() => stage.statuses.at(-1)?.online, stage.patience.comeback))) {
      add(what, broken("it was gone, and did not come back"));
      return found;
    }
    add(what, await run(stage, options));
  }
  const [first] = stage.faults;
  add("every message reads", first === undefined ? ok("by the schemas of docs/protocol.md") : broken(first));
  return found;
}

/** One line of the table. */
export function conformLine({ mark, what, says }: ConformFinding): string {
  return `${mark.padEnd(8)} ${what.padEnd(38)} ${forTerminal(says, 500)}`;
}
