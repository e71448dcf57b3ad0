import { asError } from "#shared/errors";
import { Bench, type BenchOptions } from "./bench.ts";
import { connections, sharedSubscriptions } from "./connection-checks.ts";
import { isolation, strangers } from "./isolation.ts";
import { nagle } from "./nagle.ts";
import { names } from "./name-checks.ts";
import { passage, receiveMaximum, passageSize } from "./passage.ts";
import { retained, retainedByWildcard, wills } from "./retained-checks.ts";
import { bad, mind, type Check, type CheckVerdict } from "./check-verdict.ts";
import { versions } from "./versions.ts";

/** In this order: without the first two there is nothing more to see. */
const first: readonly Check[] = [versions, passage];
const rest: readonly Check[] = [
  connections,
  receiveMaximum,
  passageSize,
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
export type BrokerFinding = CheckVerdict & { readonly what: string };

/**
 * Looks at a broker in some ten seconds: what Muster needs of it, and what a person has to know of it. Everything goes over topics that
 * are nobody's, and nothing is left there.
 * @param tell hears each finding as soon as it is there
 */
export async function runChecks(
  options: BenchOptions,
  tell: (finding: BrokerFinding) => void,
): Promise<readonly BrokerFinding[]> {
  const bench = new Bench(options);
  const found: BrokerFinding[] = [];
  const look = async ({ what, run }: Check): Promise<BrokerFinding> => {
    const verdict = await run(bench).catch((thrown: unknown) =>
      bad(`could not be tried: ${asError(thrown).message || "no connection"}`),
    );
    const rival = await bench.rival();
    await bench.close();
    const finding = { what, ...(rival === undefined ? verdict : inTheWay(rival)) };
    found.push(finding);
    tell(finding);
    return finding;
  };
  for (const check of first) {
    const { mark, givenUp } = await look(check);
    if (mark === "bad" || givenUp) return found;
  }
  for (const check of rest) if ((await look(check)).givenUp) return found;
  return found;
}

const inTheWay = (name: string): CheckVerdict => ({
  ...mind(
    `could not be tried: somebody else is connected as ${name} and takes the place back, as a running console does, or a device's agent: stop it meanwhile, or look again with another account`,
  ),
  givenUp: true,
});
