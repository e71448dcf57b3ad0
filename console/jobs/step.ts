import { formatDuration } from "#shared/duration";
import type { DeviceId } from "#shared/ids";
import { isOpen, type Command } from "../desk/command.ts";
import type { GateVerdict } from "./gate.ts";
import type { Effect, JobEvent, JobStep } from "./job-event.ts";
import { isSent, outcomeOf, type Job, type JobRow, type JobState } from "./job.ts";
import { tooManyFailed } from "./judge.ts";
import type { Table } from "./table.ts";

/** Milliseconds between two looks at a time that is over by a clock which may be wrong. */
export const untimely = 60_000;

/** A row that nothing was sent for. */
const unsent = { state: "waiting", command: null, sent: null, taken: null } as const;

/**
 * What an event makes of a job, and of its table as it stands: nothing is changed or done here.
 *
 * running ◄──► paused ──► cancelled (by a person) | aborted (too much failed) | done (every device has ended)
 */
export function step(job: Job, table: Table, event: JobEvent): JobStep {
  const { now } = event;
  switch (event.kind) {
    case "started":
      return { job, rows: [], effects: [...stoppedWithdrawals(job, table), look] };
    case "looked":
      return looked(job, table, now, event.gate);
    case "paused":
      return { ...become(job, now, "paused", `paused by ${event.by}`), demanded: true };
    case "held":
      return job.state === "running" ? become(job, now, "paused", `paused: ${event.why}`) : nothing(job);
    case "resumed":
      return { ...become(job, now, "running", undefined, [], [look]), demanded: true };
    case "cancelled":
      return cancelled(job, table, now, event.by);
    case "told":
      return told(job, table.of(event.command.device), event.command, now);
    default:
      return stepOfRow(job, table.of(event.device), event);
  }
}

/** Whether it may still send. */
export function isActive({ state }: Pick<Job, "state">): boolean {
  return state === "running" || state === "paused";
}

/** Whether nothing is left to do or to wait for. */
export function isOver(job: Job, table: Table): boolean {
  return !isActive(job) && table.counts.sent === 0;
}

type EventOfRow = Extract<JobEvent, { readonly device: DeviceId }>;

function stepOfRow(job: Job, row: JobRow | undefined, event: EventOfRow): JobStep {
  if (!row) return nothing(job);
  const { now } = event;
  switch (event.kind) {
    case "due": {
      const { command, online } = event;
      const sent = { ...row, state: "queued", command, sent: now, taken: online ? now : null } as const;
      // Nothing is sent that is not written down.
      return { job, rows: [sent], effects: [{ kind: "submit", device: row.device, command }], demanded: true };
    }
    case "refused":
      return change(job, { ...row, ...unsent, state: "rejected", ended: now, outcome: event.why });
    case "unsent":
      return change(job, { ...row, ...unsent });
    case "found":
      return found(job, row, event.command, now);
    case "online":
      // The timeout of a device that was away counts from its return.
      if (job.timeout === null || !isSent(row) || row.taken !== null) return nothing(job);
      return timed(job, { ...row, taken: now }, now);
    case "removed":
      // It never gets the command, unless it has it already.
      if (row.state !== "waiting") return nothing(job);
      return change(job, { ...row, state: "cancelled", ended: now, outcome: `never sent: ${event.why}` }, look);
    case "overdue":
      return overdue(job, row, event.timely);
    case "again":
      return { job, rows: [], effects: timing(job, row, now) };
  }
}

function nothing(job: Job): JobStep {
  return { job, rows: [], effects: [] };
}

function change(job: Job, row: JobRow, ...effects: readonly Effect[]): JobStep {
  return { job, rows: [row], effects };
}

function timed(job: Job, row: JobRow, now: number): JobStep {
  return change(job, row, ...timing(job, row, now));
}

const look: Effect = { kind: "look" };
const noGate: GateVerdict = { kind: "open", settled: true };

/** Ends the job when it is time to, or sees to the next command. */
function looked(job: Job, table: Table, now: number, gate: GateVerdict = noGate): JobStep {
  if (!isActive(job)) return { job, rows: [], effects: isOver(job, table) ? [{ kind: "over" }] : [] };
  const why = tooManyFailed(job, table.judged, table.canaries);
  if (why !== undefined) {
    const withdrawals = stoppedWithdrawals({ id: job.id, state: "aborted" }, table);
    return end(job, table, now, "aborted", why, withdrawals);
  }
  if (gate.kind === "closed") {
    const withdrawals = stoppedWithdrawals({ id: job.id, state: "aborted" }, table);
    return end(job, table, now, "aborted", gate.why, withdrawals);
  }
  if (gate.kind === "elsewhere" && job.state === "running") return become(job, now, "paused", `paused: ${gate.why}`);
  const { waiting, sent } = table.counts;
  const settled = gate.kind === "open" && gate.settled;
  if (waiting === 0 && sent === 0 && settled) return become(job, now, "done");
  const goesOn = job.state === "running" && gate.kind === "open" && table.next() !== undefined;
  return { job, rows: [], effects: goesOn ? [{ kind: "plan" }] : [] };
}

/** Nothing more is sent, and what was sent is withdrawn. */
function cancelled(job: Job, table: Table, now: number, by: string): JobStep {
  const withdrawals = withdraw(table.sent, by);
  if (!isActive(job)) return { job, rows: [], effects: withdrawals };
  return { ...end(job, table, now, "cancelled", `cancelled by ${by}`, withdrawals), demanded: true };
}

/** Stops for good: what waits is never sent. */
function end(
  job: Job,
  { waiting }: Table,
  now: number,
  state: "cancelled" | "aborted",
  why: string,
  withdrawals: readonly Effect[],
): JobStep {
  const outcome = `never sent: the job was ${state}`;
  const unserved = waiting.map((row) => ({ ...row, state: "cancelled", ended: now, outcome }) as const);
  return become(job, now, state, why, unserved, withdrawals);
}

function become(
  before: Job,
  now: number,
  state: JobState,
  why?: string,
  rows: readonly JobRow[] = [],
  effects: readonly Effect[] = [],
): JobStep {
  const { why: _, ...job } = before;
  const next = { ...job, state, ...(why === undefined ? {} : { why }), ...(isActive({ state }) ? {} : { ended: now }) };
  return { job: next, rows, effects: state === "running" ? effects : [{ kind: "halt" }, ...effects] };
}

/** What was sent under a job that has stopped: withdrawn, except what already runs when it stopped by itself. */
function stoppedWithdrawals({ id, state }: Pick<Job, "id" | "state">, { sent }: Table): readonly Effect[] {
  if (state === "cancelled") return withdraw(sent, `job ${id}, which was cancelled`);
  if (state !== "aborted") return [];
  return withdraw(
    sent.filter((row) => row.state !== "running"),
    `job ${id}, which was aborted`,
  );
}

function withdraw(rows: readonly JobRow[], by: string): readonly Effect[] {
  return rows.flatMap(({ device, command }) => (command === null ? [] : { kind: "withdraw", device, command, by }));
}

function told(job: Job, row: JobRow | undefined, command: Command, now: number): JobStep {
  return row?.command === command.id && isSent(row) ? follow(job, row, command, now) : nothing(job);
}

function found(job: Job, row: JobRow, command: Command | undefined, now: number): JobStep {
  // What became of an earlier row may have ended the job, and this one with it.
  if (!isSent(row)) return nothing(job);
  // Killed between the row and the command: it was never handed over.
  if (!command) return change(job, { ...row, ...unsent, ...(isActive(job) ? {} : { state: "cancelled", ended: now }) });
  const followed = follow(job, row, command, now);
  return followed.rows.length > 0 ? followed : { ...followed, effects: timing(job, row, now) };
}

function follow(job: Job, row: JobRow, command: Command, now: number): JobStep {
  const { state, progress } = command;
  if (!isOpen(command)) {
    const ended = command.ended ?? now;
    const how = ranOutOfTime(job, command) ? "timed_out" : state;
    const after = { ...row, state: how, ended, outcome: outcomeOf(command) };
    return change(job, after, { kind: "untime", row }, look);
  }
  if (state === row.state && progress === row.progress) return nothing(job);
  const taken = row.taken ?? (state === "queued" ? null : now);
  return timed(job, { ...row, state, taken, ...(progress === undefined ? {} : { progress }) }, now);
}

/** Begins to count a row's time, if it has one. */
function timing({ timeout }: Job, row: JobRow, now: number): readonly Effect[] {
  if (timeout === null || row.taken === null || !isSent(row)) return [];
  return [{ kind: "time", row, ms: Math.max(0, row.taken + timeout - now), event: "overdue" }];
}

/** A clock that may be wrong ends nothing: it is looked at again when it may be right. */
function overdue(job: Job, row: JobRow, timely: boolean): JobStep {
  if (!timely) return { job, rows: [], effects: [{ kind: "time", row, ms: untimely, event: "again" }] };
  return { job, rows: [], effects: withdraw([row], `job ${job.id}: ${patience(job)}`) };
}

function patience({ timeout }: Job): string {
  return `no end within ${formatDuration(timeout ?? 0)}`;
}

/** The withdrawal of one that is overdue, told by its reason, so that it is known for what it was after a crash too. */
function ranOutOfTime(job: Job, { state, error }: Command): boolean {
  return state === "cancelled" && job.timeout !== null && (error?.message.includes(patience(job)) ?? false);
}
