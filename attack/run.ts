import { rm } from "node:fs/promises";
import { withDeadline } from "../test/suite.ts";
import { Random } from "../chaos/random.ts";
import { asError } from "#shared/errors";
import type { Budget, Case } from "./case.ts";
import { Judge, type Findings } from "./judge.ts";
import { Place, type BrokerKind } from "./place.ts";
import { heading, row } from "./table.ts";

/** Seconds that one case may take. */
const longest = 150;

export interface RunOptions {
  readonly kind: BrokerKind;
  readonly seed: string;
  readonly budget: Budget;
  readonly cases: readonly Case[];
  /** Leaves the directory, and says where it is. */
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

/** Every case against one installation, then a restart on what they have left. @returns how many cases failed */
export async function run({ kind, seed, budget, cases, keep, say }: RunOptions): Promise<number> {
  const deviceOf = ({ name }: Case): string => `m-${name}`;
  const place = await Place.open(kind, cases.map(deviceOf));
  let failed = 0;
  const tell = (name: string, figures: string, problems: readonly string[], findings?: Findings): void => {
    if (problems.length > 0) failed += 1;
    say(row(name, problems.length === 0, figures, findings));
    for (const problem of problems) say(`    ${problem}`);
  };
  try {
    const judge = new Judge(place, budget);
    await judge.measureQuiet();
    say(`${kind}: quiet p99 ${judge.quiet.toFixed(1)} ms, at most ${judge.limit.toFixed(1)} ms after a case`);
    say(heading);
    for (const one of cases) {
      if (one.on && !one.on.includes(kind)) continue;
      await judge.begin();
      const stage = { place, device: deviceOf(one), random: new Random(`${seed} ${one.name}`), budget };
      const { figures, problems } = await attempt(() => withDeadline(one.run(stage), longest, one.name));
      const findings = await judge.end();
      tell(
        one.name,
        figures,
        [...problems, ...findings.problems, ...(place.agentAlive ? [] : ["the healthy agent has ended"])],
        findings,
      );
      // An attack that has ended something is a failure of that case; the others are tried all the same.
      if (!place.server.alive || !place.agentAlive) await place.revive();
    }
    const { figures, problems } = await attempt(() => restarted(place));
    tell("restart", figures, problems);
  } finally {
    await place.close();
    if (keep) say(`everything is in ${place.directory}`);
    else await rm(place.directory, { recursive: true, force: true });
  }
  return failed;
}

async function attempt(work: () => Promise<string>): Promise<{ figures: string; problems: string[] }> {
  try {
    return { figures: await work(), problems: [] };
  } catch (error) {
    return { figures: "", problems: [asError(error).message] };
  }
}

/** Stopped as an operator would, started on the same data: it comes up, and the healthy device answers. */
async function restarted(place: Place): Promise<string> {
  const { server } = place;
  const complaints = server.complaints.length;
  const code = await server.stop();
  const began = performance.now();
  await server.start();
  const took = Math.round(performance.now() - began);
  await place.healthyAnswers();
  const said = server.complaints.slice(complaints);
  if (said.length > 0) throw new Error(`in the log: ${said[0]}`);
  if (code !== 0) throw new Error(`its end was ${code}`);
  return `up in ${took} ms, the healthy device answers`;
}
