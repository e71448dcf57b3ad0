import type { Client } from "#api/client";
import type { JobDocument, JobOrder, JobTarget } from "#api/job-routes";
import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { followJob } from "./job-table.ts";
import { parseArgs } from "./send-command.ts";
import type { Terminal } from "./live-command.ts";
import { asJson, shortened, table } from "./text-table.ts";

type Program = ReturnType<CommandLine["command"]>;

/** Flags that make `send` address many devices. */
export interface ManyFlags {
  readonly all?: boolean;
  readonly group?: string;
  readonly where?: string;
  readonly rate?: string;
  readonly canary?: string;
  readonly abort?: string;
  readonly gate?: string;
  readonly arg?: readonly string[];
  readonly ttl?: string;
  readonly timeout?: string;
  readonly json?: boolean;
  /** Shows what it would come to, and sends nothing. */
  readonly plan?: boolean;
}

export function manyOptions(program: Program): Program {
  return program
    .option("--all", "to all devices; the argument is then the key alone")
    .option("--group <group>", "to the devices of a group")
    .option("--where <filter>", "to devices that fit, such as 'group=lab cpu.usage_idle<20 version<0.3'")
    .option(
      "--plan",
      "to many: show which devices it would go to, which are off and which would refuse it; send nothing",
    )
    .option("--rate <count>", "to many: commands a second at most, or 10/min, 100/h (default: 10)")
    .option("--canary <count>", "to many: so many devices first; the rest when they have ended well")
    .option("--abort <rule>", "to many: stop when more fail, such as failed=20%,min=5")
    .option(
      "--gate <condition>",
      "to many: go on only while it holds of those that have had it, such as 'mem.used_percent < 80 for 5m'",
    );
}

export function isToMany({ all, group, where }: ManyFlags): boolean {
  return all === true || group !== undefined || where !== undefined;
}

/**
 * Sends one command to many devices and shows the table while it fills.
 * @param words what stands beside the flags: the key alone
 * @returns the exit status: 0 only when all succeeded that take it
 */
export async function sendToMany(
  client: Client,
  words: readonly string[],
  flags: ManyFlags,
  terminal: Terminal,
  sign: (order: JobOrder) => JobOrder | Promise<JobOrder> = (order) => order,
): Promise<number> {
  if (flags.plan) return showPlan(client, toJobOrder(words, flags), flags, terminal);
  const order = await sign(toJobOrder(words, flags));
  const last = await followJob(client, order, flags.json ? { ...terminal, live: false, out: () => {} } : terminal);
  if (flags.json) terminal.out(asJson(last));
  return exitStatusOf(last);
}

/** What takes no such command was passed over from the start, with a word: that is no failure of those that do. */
export function exitStatusOf({ ts, counts, devices }: Pick<JobDocument, "ts" | "counts" | "devices">): number {
  const passedOver = devices.filter(({ state, sent, ended }) => state === "rejected" && sent === null && ended === ts);
  return counts.succeeded + passedOver.length === counts.total ? 0 : 1;
}

/** What flags order. @param devices those that are named one by one */
export function toJobOrder(words: readonly string[], flags: ManyFlags, devices?: readonly string[]): JobOrder {
  const [key, ...more] = words;
  if (key === undefined || more.length > 0)
    throw new BadInputError(
      `with --all, --group or --where the key stands alone: expected for example muster send --all ping, got ${words.join(" ")}`,
    );
  const { rate, canary, abort, gate, ttl, timeout } = flags;
  return {
    key,
    args: parseArgs(flags.arg ?? []),
    target: toTarget(flags, devices),
    ...(rate === undefined ? {} : { rate: parseRate(rate) }),
    ...(canary === undefined ? {} : { canary: toNumber(canary, "--canary") }),
    ...(abort === undefined ? {} : { abort: parseAbort(abort) }),
    ...(gate === undefined ? {} : { gate }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

function toTarget({ all, group, where }: ManyFlags, devices?: readonly string[]): JobTarget {
  const given: JobTarget[] = [];
  if (devices !== undefined) given.push({ devices: [...devices] });
  if (all) given.push({ all });
  if (group !== undefined) given.push({ group });
  if (where !== undefined) given.push({ where });
  const [target, ...more] = given;
  if (target && more.length === 0) return target;
  if (given.length === 0)
    throw new BadInputError("say to whom: --device DEVICE, --group GROUP, --where CONDITIONS or --all");
  const named = devices === undefined ? "--all, --group and --where" : "--device, --all, --group and --where";
  throw new BadInputError(`${named} exclude one another: give one of them`);
}

/** `failed=20%,min=5`, `failed=0.2`. */
export function parseAbort(text: string): { failed: number; min?: number } {
  const [, share = "", percent, min] =
    /^failed=(\d+(?:\.\d+)?)(%?)(?:,min=(\d+))?$/.exec(text.replaceAll(" ", "")) ?? [];
  const failed = Number(share) / (percent ? 100 : 1);
  if (share === "" || failed > 1)
    throw new BadInputError(`--abort ${JSON.stringify(text)} is not usable: expected for example failed=20%,min=5`);
  return { failed, ...(min === undefined ? {} : { min: Number(min) }) };
}

/** `5`, `5/s`, `10/min`, `100/h`. @returns commands a second */
export function parseRate(text: string): number {
  const [, count = "", unit = "s"] = /^(\d+(?:\.\d+)?)(?:\/(s|min|h))?$/.exec(text.replaceAll(" ", "")) ?? [];
  if (count === "")
    throw new BadInputError(`--rate ${JSON.stringify(text)} is not usable: expected 5, 10/min or 100/h`);
  const seconds = { s: 1, min: 60, h: 3_600 }[unit] ?? 1;
  return Number(count) / seconds;
}

function toNumber(text: string, flag: string): number {
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text.trim())) return number;
  throw new BadInputError(`${flag} ${JSON.stringify(text)} is not a number`);
}

/** @returns 0 where at least one device would be sent to */
async function showPlan(client: Client, order: JobOrder, { json }: ManyFlags, terminal: Terminal): Promise<number> {
  const plan = await client.planJob(order);
  if (json) terminal.out(asJson(plan));
  else {
    const rows = plan.devices.map(({ device, verdict, canary, why }) => [
      canary ? `${device} (canary)` : device,
      verdict,
      shortened(why ?? "", 120),
    ]);
    terminal.out(table(["DEVICE", "VERDICT", ""], rows));
    const { now, waits, refused } = plan;
    terminal.out(`\n${now} now, ${waits} when they are there, ${refused} not at all; nothing was sent`);
  }
  return plan.now + plan.waits > 0 ? 0 : 1;
}
