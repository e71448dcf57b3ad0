import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import type { Budget } from "./case.ts";
import { cases } from "./cases/all.ts";
import type { BrokerKind } from "./place.ts";
import { run } from "./run.ts";

/**
 * An adversary's suite: attacks a running Muster as a stranger, a device, a viewer and a foreign page would, and looks
 * after each attack whether everybody else is still served:
 *
 *   npm run attack -- --seed 7 --broker embedded --only packets,payloads
 */
const usage = `usage: npm run attack -- [--seed TEXT] [--broker embedded|mosquitto|both] [--only CASE,…] [--connections N] [--payloads N]
                         [--requests N] [--samples N] [--share N] [--trips N] [--busy N] [--keep]

--busy N: the machine does other work, so that everything may take N times as long

cases:
${cases.map(({ name, tries }) => `  ${name.padEnd(20)} ${tries}`).join("\n")}`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    broker: { type: "string", default: "both" },
    only: { type: "string" },
    connections: { type: "string", default: "5000" },
    payloads: { type: "string", default: "100000" },
    requests: { type: "string", default: "40" },
    samples: { type: "string", default: "600000" },
    share: { type: "string", default: "1" },
    trips: { type: "string", default: "100" },
    busy: { type: "string", default: "1" },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) end(usage, 0);
const kinds: readonly BrokerKind[] =
  values.broker === "both"
    ? ["embedded", "mosquitto"]
    : values.broker === "embedded" || values.broker === "mosquitto"
      ? [values.broker]
      : end(`--broker is "${values.broker}": expected embedded, mosquitto or both\n${usage}`, 2);
const wanted = values.only?.split(",");
for (const name of wanted ?? [])
  if (!cases.some((one) => one.name === name)) end(`--only names "${name}", which is no case\n${usage}`, 2);
const budget: Budget = {
  connections: numberOf("connections"),
  payloads: numberOf("payloads"),
  requests: numberOf("requests"),
  samples: numberOf("samples"),
  share: numberOf("share"),
  trips: numberOf("trips"),
  busy: numberOf("busy"),
};
const seed = values.seed ?? String(randomInt(1_000_000));

console.log(`seed ${seed}`);
const began = performance.now();
const chosen = cases.filter(({ name }) => wanted?.includes(name) ?? true);
let failed = 0;
for (const kind of kinds) {
  const count = await run({ kind, seed, budget, cases: chosen, keep: values.keep, say: (line) => console.log(line) });
  console.log(`${kind}: ${count} failed`);
  failed += count;
}
console.log(`${Math.round((performance.now() - began) / 1_000)} s, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

function numberOf(name: keyof Budget): number {
  const number = Number(values[name]);
  return number > 0 ? number : end(`--${name} is "${values[name]}": expected a number above 0\n${usage}`, 2);
}

function end(text: string, status: number): never {
  (status === 0 ? console.log : console.error)(text);
  process.exit(status);
}
