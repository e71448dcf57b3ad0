import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { buildPrograms } from "./build.ts";
import { disksOf } from "./disks.ts";
import { unlessAborted } from "./interrupt.ts";
import { busyProcesses, Load } from "./load.ts";
import type { Case } from "./case.ts";
import { commands } from "./commands/case.ts";
import { run, type Verdict } from "./run.ts";
import { samples } from "./samples/case.ts";
import type { BrokerKind, MqttVersion, Setting, StoreKind } from "./setting.ts";

/**
 * Kills agents, console, broker and stores at random and at chosen points while commands and metrics are under way, cuts the power of
 * their machines, puts their directories back, steps clocks and turns bits, lets everything heal, and checks every promise from the outside:
 *
 *   npm run chaos -- --seed 7 --rounds 100 --part metrics --broker both --store both
 */
const usage =
  "usage: npm run chaos -- [--part commands|metrics|both] [--seed TEXT] [--rounds N] [--round N] [--broker embedded|mosquitto|both|nats|mochi|others] [--store embedded|influx|both] [--mqtt 3.1.1|5|auto] [--tls] [--signed | --unchecked] [--faults TEXT,…] [--without TEXT,…] [--load] [--keep]";

const { values } = parseArgs({
  options: {
    part: { type: "string", default: "both" },
    seed: { type: "string" },
    rounds: { type: "string", default: "20" },
    round: { type: "string" },
    broker: { type: "string", default: "both" },
    store: { type: "string", default: "both" },
    mqtt: { type: "string", default: "auto" },
    faults: { type: "string", default: "" },
    without: { type: "string", default: "" },
    tls: { type: "boolean", default: false },
    signed: { type: "boolean", default: false },
    unchecked: { type: "boolean", default: false },
    load: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) end(usage, 0);
const seed = values.seed ?? String(randomInt(1_000_000));
const parts = chosen("--part", values.part, ["commands", "metrics"] as const);
const brokers = chosenBrokers();
const stores: readonly StoreKind[] = chosen("--store", values.store, ["embedded", "influx"] as const);
const mqtt = chosenVersion();
const tls = chosenTls();
const signed = chosenSigning();
const only = values.round === undefined ? undefined : wholeNumber("--round", values.round, 0);
const from = only ?? 0;
const to = only === undefined ? wholeNumber("--rounds", values.rounds, 1) : only + 1;

const [wanted, unwanted] = [values.faults, values.without].map((list) => list.split(",").filter(Boolean));
const among = (name: string): boolean =>
  (!wanted?.length || wanted.some((text) => name.includes(text))) && !unwanted?.some((text) => name.includes(text));

console.log(`seed ${seed}`);
const interrupt = new AbortController();
// Processes would be left behind. Ctrl-C reaches them as well, so the round is not judged, and nobody waits for it.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => interrupt.abort());
const say = (line: string): void => console.log(line);
const disks = disksOf(say);
const programs = await buildPrograms();
const load = new Load(programs.burner);
const common = { seed, from, to, among, programs, keep: values.keep, signal: interrupt.signal, say };
try {
  if (values.load) await unlessAborted(interrupt.signal, beginLoad());
  // One after the other: two fleets at once is what two cores bear.
  const verdicts: Verdict[] = [];
  if (parts.includes("commands")) verdicts.push(...(await onBrokers(commands, "embedded")));
  if (parts.includes("metrics")) for (const store of stores) verdicts.push(...(await onBrokers(samples, store)));
  const broken = verdicts.some(({ violations }) => violations > 0);
  process.exitCode = broken || interrupt.signal.aborted ? 1 : 0;
} finally {
  await load.stop();
  programs.remove();
}
// Whoever waited when a signal came waits for nothing any more.
if (interrupt.signal.aborted) process.exit(1);

async function beginLoad(): Promise<void> {
  say(`under load: ${busyProcesses} busy processes, ${await load.start()} idle sockets`);
}

/** On all brokers side by side. Each ends in order, also where another one failed, and none begins once a signal came. */
async function onBrokers(part: Case, store: StoreKind): Promise<Verdict[]> {
  if (interrupt.signal.aborted) return [];
  const runs = brokers.map((broker) => {
    const names = [
      broker,
      ...(part === samples ? [store] : []),
      ...(mqtt === "auto" ? [] : [`MQTT ${values.mqtt}`]),
      ...(tls ? ["TLS"] : []),
      ...(signed ? ["signed"] : []),
    ];
    return run({ ...common, part, setting: { broker, store, disks, mqtt, tls, signed }, name: names.join(", ") });
  });
  const ended = await Promise.allSettled(runs);
  return ended.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}

/** NATS and the embedded broker have 3.1.1 alone; samples are tried with the highest that the broker lets in. */
function chosenVersion(): MqttVersion {
  const version = ({ "3.1.1": 4, "5": 5, auto: "auto" } as const)[values.mqtt];
  if (version === undefined) return end(`--mqtt is "${values.mqtt}": expected 3.1.1, 5 or auto\n${usage}`, 2);
  if (version !== "auto" && parts.includes("metrics"))
    return end(`--mqtt ${values.mqtt} goes with --part commands\n${usage}`, 2);
  const without = brokers.find((kind) => version === 5 && (kind === "embedded" || kind === "nats"));
  return without === undefined ? version : end(`--mqtt 5: the ${without} broker has 3.1.1 alone\n${usage}`, 2);
}

/** Of the brokers that others wrote, Mosquitto alone is started with it. */
function chosenTls(): boolean {
  const without = values.tls ? brokers.find((kind) => kind === "nats" || kind === "mochi") : undefined;
  return without === undefined ? values.tls : end(`--tls: ${without} is started without it\n${usage}`, 2);
}

function chosenSigning(): Setting["signed"] {
  if (!values.signed && !values.unchecked) return undefined;
  if (parts.includes("metrics")) return end(`--signed goes with --part commands\n${usage}`, 2);
  return values.unchecked ? "unchecked" : "checked";
}

/** Those but the first two are tried with commands alone. */
function chosenBrokers(): readonly BrokerKind[] {
  const others = (["nats", "mochi"] as const).filter((kind) => [kind, "others"].includes(values.broker));
  if (others.length === 0) return chosen("--broker", values.broker, ["embedded", "mosquitto"] as const);
  return parts.includes("metrics") ? end(`--broker ${values.broker} goes with --part commands\n${usage}`, 2) : others;
}

function chosen<T extends string>(flag: string, value: string, all: readonly T[]): readonly T[] {
  if (value === "both") return all;
  const one = all.find((name) => name === value);
  return one === undefined ? end(`${flag} is "${value}": expected ${all.join(", ")} or both\n${usage}`, 2) : [one];
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  return end(`${name} is "${text}": expected a whole number from ${least}\n${usage}`, 2);
}

function end(text: string, status: number): never {
  (status === 0 ? console.log : console.error)(text);
  process.exit(status);
}
