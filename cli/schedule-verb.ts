import type { Client, ScheduleDocument, ScheduleRunDocument } from "#api/client";
import type { JobSummaryDocument } from "#api/job-routes";
import { isGeneratedName } from "#api/schedule-name";
import { describeTarget } from "#api/target-text";
import { BadInputError } from "#shared/errors";
import { formatDuration } from "#shared/duration";
import { forTerminal, quoted } from "#shared/printable";
import { toJobOrder, type ManyFlags } from "./send-to-many.ts";
import { asJson, table } from "./text-table.ts";

export interface ScheduleFlags extends ManyFlags {
  readonly name?: string;
  readonly zone?: string;
  readonly window?: string;
  readonly missed?: string;
  readonly device?: readonly string[];
}

const actions = ["list", "add", "change", "show", "pause", "resume", "remove"] as const;

/** `muster schedule`: what is begun by the clock. @returns what to print */
export async function scheduleVerb(
  client: Client,
  words: readonly string[],
  flags: ScheduleFlags,
  now: number,
): Promise<string> {
  const [action = "list", ...rest] = words;
  if (!actions.some((one) => one === action))
    throw new BadInputError(`schedule ${quoted(action)} is not known: expected ${actions.join(", ")}`);
  if (action === "list") {
    const { schedules } = await client.listSchedules();
    if (flags.json) return asJson(schedules);
    // The newest jobs; of one that is older the list says only that it was begun.
    const began = schedules.some(({ last }) => last?.job);
    const { jobs } = began ? await client.listJobs() : { jobs: [] };
    return scheduleTable(schedules, jobs);
  }
  if (action === "add") return told(await client.createSchedule(orderOf(rest, flags)));
  const [id, ...more] = rest;
  if (action === "change" && id !== undefined) {
    const order = orderOf(more, flags);
    const before = await client.getSchedule(id);
    const after = await client.changeSchedule(id, order);
    return [told(after), ...changesText(before, after, flags)].join("\n");
  }
  if (id === undefined || more.length > 0)
    throw new BadInputError(`schedule ${action} needs one schedule's id; muster schedule lists them`);
  if (action === "remove") {
    await client.removeSchedule(id);
    return `${forTerminal(id)} is removed; jobs that it has become stay`;
  }
  if (action === "show") {
    const schedule = await client.getSchedule(id);
    return flags.json ? asJson(schedule) : `${scheduleText(schedule)}\n\n${runTable(schedule.runs, now)}`;
  }
  return told(action === "pause" ? await client.pauseSchedule(id) : await client.resumeSchedule(id));
}

function orderOf(
  [cron, key, ...more]: readonly string[],
  flags: ScheduleFlags,
): Parameters<Client["createSchedule"]>[0] {
  if (cron === undefined || key === undefined || more.length > 0)
    throw new BadInputError(
      "expected a cron line and a command: muster schedule add '0 3 * * *' ping --group lab --zone Europe/Berlin",
    );
  const { name = `${key} at ${cron}`, zone = ownZone(), window, missed, device } = flags;
  if (missed !== undefined && missed !== "run" && missed !== "tell")
    throw new BadInputError(`--missed is ${quoted(missed)}: expected run or tell`);
  const order = toJobOrder([key], flags, device);
  return {
    name,
    cron,
    zone,
    ...(window === undefined ? {} : { window }),
    ...(missed === undefined ? {} : { missed }),
    order,
  };
}

/** The terminal's. */
const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

function told({ id, name, paused, next }: ScheduleDocument): string {
  const what = `${forTerminal(name)} (${id})`;
  return paused ? `${what} is paused` : `${what} is due next at ${moment(next[0])}`;
}

/** What is another now: as it was asked for, or because it was not said again. */
function changesText(before: ScheduleDocument, after: ScheduleDocument, flags: ScheduleFlags): readonly string[] {
  const asWas = isGeneratedName(before) && flags.name === undefined;
  const parts = [
    ["name", before.name, after.name, asWas || flags.name !== undefined],
    ["cron line", before.cron, after.cron, true],
    ["zone", before.zone, after.zone, flags.zone !== undefined],
    ["window", formatDuration(before.window), formatDuration(after.window), flags.window !== undefined],
    ["missed", before.missed, after.missed, flags.missed !== undefined],
    ["command", before.order.key, after.order.key, true],
    ["arguments", JSON.stringify(before.order.args), JSON.stringify(after.order.args), (flags.arg ?? []).length > 0],
    ["to", describeTarget(before.order.target), describeTarget(after.order.target), true],
    ["ttl", formatDuration(before.order.ttl), formatDuration(after.order.ttl), flags.ttl !== undefined],
  ] as const;
  const others = parts.filter(([, was, is]) => was !== is);
  if (others.length === 0) return ["  nothing of it is another than before"];
  return others.map(([what, was, is, said]) => {
    const change = `${what} ${forTerminal(was, 100)} → ${forTerminal(is, 100)}`;
    return said ? `  changed: ${change}` : `  dropped, as it was not said again: ${change}`;
  });
}

const moment = (ts: number | undefined): string =>
  ts === undefined ? "–" : new Date(ts).toISOString().replace(/:00\.000Z$/, "Z");

/** What became of a run: of one that was begun, how its job stands. */
function becameOf({ due, state, job }: ScheduleRunDocument, jobs: readonly JobSummaryDocument[]): string {
  const of = jobs.find(({ id }) => id === job);
  const what = of ? `${of.state} ${of.counts.succeeded}/${of.counts.total}` : state;
  return `${what} ${moment(due)}`;
}

function scheduleTable(schedules: readonly ScheduleDocument[], jobs: readonly JobSummaryDocument[]): string {
  if (schedules.length === 0)
    return "no schedules yet: make one with muster schedule add '0 3 * * *' ping --group lab --zone Europe/Berlin";
  const rows = schedules.map(({ id, name, cron, zone, order, by, paused, next, last }) => [
    id,
    forTerminal(name, 40),
    cron,
    zone,
    order.key,
    forTerminal(describeTarget(order.target), 40),
    by,
    paused ? "paused" : moment(next[0]),
    last ? becameOf(last, jobs) : "–",
  ]);
  return table(["ID", "NAME", "CRON", "ZONE", "COMMAND", "TO", "BY", "NEXT", "LAST"], rows);
}

function scheduleText({
  name,
  id,
  cron,
  zone,
  window,
  missed,
  order,
  by,
  token,
  paused,
  next,
}: ScheduleDocument): string {
  const late = missed === "run" ? `begun up to ${formatDuration(window)} late, once` : "told, and not begun";
  return [
    `${forTerminal(name)} (${id}), by ${forTerminal(by)}${token ? ` with the token ${forTerminal(token.name)}, and as long as that is good` : ""}`,
    `  ${cron} in ${zone}: ${order.key} to ${forTerminal(describeTarget(order.target))}`,
    `  a run that is missed is ${late}`,
    paused ? `  paused by ${forTerminal(paused.by)}` : `  next: ${next.map(moment).join(", ")}`,
  ].join("\n");
}

function runTable(runs: readonly ScheduleRunDocument[], now: number): string {
  if (runs.length === 0) return `no run yet, as of ${moment(Math.floor(now / 60_000) * 60_000)}`;
  const rows = runs.map(({ due, state, job, why }) => [moment(due), state, job ?? "–", forTerminal(why ?? "", 120)]);
  return table(["DUE", "STATE", "JOB", ""], rows);
}
