import { asError } from "#shared/errors";
import { asDeviceId } from "#shared/ids";
import { journey, type Bench } from "./bench.ts";
import { good, mind, type Check } from "./check-verdict.ts";

/** What a name may have in Muster and a topic need not bear, and whose names that concerns. */
const odd = [
  { what: "a dot", name: "pump.room-2", whose: "devices and measurements" },
  { what: "a space", name: "living room", whose: "measurements of simple samples" },
  { what: "an umlaut", name: "Küche", whose: "measurements of simple samples" },
  { what: "*, > and &", name: "a*>&", whose: "measurements of simple samples" },
] as const;

/** Whether topics arrive as they were sent. */
export const names: Check = {
  what: "names",
  async run(bench) {
    const problems: string[] = [];
    for (const { what, name, whose } of odd) {
      const problem = await problemOf(bench, name);
      if (problem !== undefined) problems.push(`${what} (${problem}): none in names of ${whose}`);
    }
    return problems.length === 0
      ? good(`${odd.map(({ what }) => what).join("; ")} arrive as they are`)
      : mind(`not every character passes: ${problems.join("; ")}`);
  },
};

/** By a wildcard, as the console subscribes; by its own name too, as a device does, where one can be called so. */
async function problemOf(bench: Bench, name: string): Promise<string | undefined> {
  const topic = bench.topic("names", name, "status");
  const filters = [bench.topic("names", "+", "status"), ...(asDeviceId(name) ? [topic] : [])];
  for (const filter of filters) {
    const problem = await lostBy(bench, filter, topic).catch((thrown: unknown) => asError(thrown).message);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Each filter on a connection of its own: the other one would bring the message as well, and some brokers cut it off. */
async function lostBy(bench: Bench, filter: string, topic: string): Promise<string | undefined> {
  const probe = await bench.connect();
  try {
    if (!(await probe.subscribe(filter))) return "the subscription is refused";
    await probe.publish(topic, "x");
    if (await probe.until((all) => all.some((message) => message.topic === topic), journey / 2)) return undefined;
    const [other] = probe.received;
    return probe.ended ?? (other ? "it arrives under another name" : "it does not arrive");
  } finally {
    await probe.end();
  }
}
