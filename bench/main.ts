import { agentCost } from "./agent-cost.ts";
import { alerts } from "./alerts.ts";
import { comeback } from "./comeback.ts";
import { crowd } from "./crowd.ts";
import { wholeDay } from "./day.ts";
import { embedded, ingest } from "./ingest.ts";
import { fleet } from "./fleet.ts";
import { floor } from "./floor.ts";
import { history } from "./history.ts";
import { overload } from "./overload.ts";
import { page } from "./page.ts";
import { rollout } from "./rollout.ts";
import { roundTrip } from "./roundtrip.ts";
import { size } from "./size.ts";
import { tls } from "./tls.ts";
import { wire } from "./wire.ts";

/**
 * Measures Muster beside its peers in the same run and prints Markdown tables: `npm run bench`, or `npm run bench -- roundtrip`
 * for one of them. Bounded in count and time; ratios hold from machine to machine, absolute figures do not.
 */
const benches: Readonly<Record<string, () => Promise<string>>> = {
  roundtrip: roundTrip,
  agent: agentCost,
  overload,
  ingest,
  embedded,
  history,
  wire,
  tls: () => tls(),
  floor,
  crowd,
  alerts,
  comeback,
  rollout,
  day: wholeDay,
  fleet,
  page,
  size,
};
const [chosen] = process.argv.slice(2);
/** Two take half an hour, the third fetches emulators and Nodes of other machines. */
const alone = new Set(["rollout", "day", "size"]);
const names = chosen === undefined ? Object.keys(benches).filter((name) => !alone.has(name)) : [chosen];
for (const name of names) {
  const bench = benches[name];
  if (!bench) throw new Error(`there is no bench "${name}": expected ${Object.keys(benches).join(" or ")}`);
  process.stderr.write(`${name} …\n`);
  process.stdout.write(`${await bench()}\n`);
}
