import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { buildPrograms } from "./build.ts";
import type { BrokerKind } from "./plan.ts";
import { run, type Tally } from "./run.ts";

/**
 * Kills the agents, the console and the broker at random and at chosen moments while commands with visible effects run, lets
 * everything heal, and checks every promise from the outside:
 *
 *   npm run chaos -- --seed 7 --rounds 100 --broker both
 */
const usage =
  "usage: npm run chaos -- [--seed TEXT] [--rounds N] [--round N] [--broker embedded|mosquitto|both] [--keep]";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    rounds: { type: "string", default: "20" },
    round: { type: "string" },
    broker: { type: "string", default: "both" },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const seed = values.seed ?? String(randomInt(1_000_000));
const kinds = kindsOf(values.broker);
const only = values.round === undefined ? undefined : wholeNumber("--round", values.round, 0);
const from = only ?? 0;
const to = only === undefined ? wholeNumber("--rounds", values.rounds, 1) : only + 1;
if (values.help) end(usage, 0);

console.log(`seed ${seed}`);
const interrupt = new AbortController();
// Processes would be left behind. Ctrl-C reaches them as well, so the round is not judged.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => interrupt.abort());
const programs = await buildPrograms();
try {
  const tallies = await Promise.all(
    kinds.map(async (kind): Promise<[BrokerKind, Tally]> => [
      kind,
      await run({
        seed,
        kind,
        from,
        to,
        programs,
        keep: values.keep,
        signal: interrupt.signal,
        say: (line) => console.log(line),
      }),
    ]),
  );
  for (const [kind, tally] of tallies) console.log(summary(kind, tally));
  const broken = tallies.some(([, { violations }]) => violations > 0);
  process.exitCode = broken || interrupt.signal.aborted ? 1 : 0;
} finally {
  programs.remove();
}

function summary(
  kind: string,
  { rounds, commands, deaths, effects, placed, struck, violations, states }: Tally,
): string {
  const ends = [...states].sort().map(([state, count]) => `${count} ${state}`);
  return `${kind}: ${rounds} rounds, ${deaths} deaths, ${struck} of ${placed} kill points reached, ${commands} commands (${ends.join(", ")}), ${effects} effects, ${violations} violations`;
}

function kindsOf(broker: string): BrokerKind[] {
  if (broker === "both") return ["embedded", "mosquitto"];
  if (broker === "embedded" || broker === "mosquitto") return [broker];
  return end(`--broker is "${broker}": expected embedded, mosquitto or both\n${usage}`, 2);
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  return end(`${name} is "${text}": expected a whole number from ${least}\n${usage}`, 2);
}

function end(text: string, status: number): never {
  console.error(text);
  process.exit(status);
}
