import { asError } from "#shared/errors";
import { Bench, type BenchOptions } from "./bench.ts";
import { connections, sharedSubscriptions } from "./connections.ts";
import { isolation, strangers } from "./isolation.ts";
import { nagle } from "./nagle.ts";
import { names } from "./names.ts";
import { passage, receiveMaximum, size } from "./passage.ts";
import { retained, retainedByWildcard, wills } from "./retained.ts";
import { bad, type Check, type Verdict } from "./verdict.ts";
import { versions } from "./versions.ts";

/** In this order: without the first two there is nothing more to see. */
const first: readonly Check[] = [versions, passage];
const rest: readonly Check[] = [
  connections,
  receiveMaximum,
  size,
  retained,
  retainedByWildcard,
  wills,
  names,
  nagle,
  sharedSubscriptions,
  strangers,
  isolation,
];

/** A verdict, and on what. */
export type Finding = Verdict & { readonly what: string };

/**
 * Looks at a broker in some ten seconds: what Muster needs of it, and what a person has to know of it. Everything goes over topics that
 * are nobody's, and nothing is left there.
 * @param tell hears each finding as soon as it is there
 */
export async function checkBroker(
  options: BenchOptions,
  tell: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const bench = new Bench(options);
  const found: Finding[] = [];
  const look = async ({ what, run }: Check): Promise<Finding> => {
    const verdict = await run(bench).catch((thrown: unknown) =>
      bad(`could not be tried: ${asError(thrown).message || "no connection"}`),
    );
    await bench.close();
    const finding = { what, ...verdict };
    found.push(finding);
    tell(finding);
    return finding;
  };
  for (const check of first) if ((await look(check)).mark === "bad") return found;
  for (const check of rest) await look(check);
  return found;
}
