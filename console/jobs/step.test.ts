import * as assert from "uvu/assert";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import type { Command } from "../desk/command.ts";
import type { Effect, JobEvent } from "./job-event.ts";
import type { Job, JobRow, RowState } from "./job.ts";
import { step, untimely } from "./step.ts";
import { Table } from "./table.ts";

const devices = ["a", "b", "c"].map(parseDeviceId);
const [a, b] = [parseDeviceId("a"), parseDeviceId("b")];
const job: Job = {
  id: "j",
  key: "ping",
  args: {},
  target: { all: true },
  rate: 1,
  canary: 0,
  abort: null,
  ttl: 60_000,
  timeout: null,
  by: "ann",
  ts: 0,
  state: "running",
};
/** Half of them may fail, as soon as one has ended; a device has 5 s; the first device goes ahead. */
const strict = { abort: { failed: 0.5, min: 1 } };
const timed = { timeout: 5_000 };
const canary = { canary: 1 };
/** When everything happens, and when what is sent was taken. */
const [now, before] = [10_000, 8_000];

/** A row in a state; `queued-away` was sent to a device that was not there. */
function rowOf(word: string, position: number, canaries: number): JobRow {
  const [state, away] = word.split("-") as [RowState, string?];
  const isSent = state !== "waiting" && state !== "rejected";
  const isOpen = ["waiting", "queued", "accepted", "running"].includes(state);
  return {
    device: devices[position] ?? a,
    position,
    canary: position < canaries,
    state,
    command: isSent ? parseCommandId(`j-${devices[position]}`) : null,
    sent: isSent ? before : null,
    taken: isSent && !away ? before : null,
    ended: isOpen ? null : before,
    outcome: null,
  };
}

const command = (of: string, state: Command["state"], more: Partial<Command> = {}): Command =>
  ({ id: parseCommandId(`j-${of}`), device: parseDeviceId(of), state, ...more }) as Command;
const told = (of: string, state: Command["state"], more?: Partial<Command>): Happening => ({
  kind: "told",
  command: command(of, state, more),
});
const found = (of: string, known?: Command): Happening => ({
  kind: "found",
  device: parseDeviceId(of),
  command: known,
});
const error = (message: string) => ({ error: { code: "error", message } });
type Happening = JobEvent extends infer One ? (One extends JobEvent ? Omit<One, "now"> : never) : never;

/**
 * From a job and the states of its devices, by an event, to what has changed of both (nothing where that is empty; `!` where the disk has to
 * take it at once), and what is to be done.
 */
const cases: readonly (readonly [
  what: string,
  from: string,
  event: Happening,
  to: string,
  effects: readonly string[],
  changes?: Partial<Job>,
])[] = [
  ["the next one is planned", "running: succeeded waiting", { kind: "looked" }, "", ["plan"]],
  ["none while it is paused", "paused: succeeded waiting", { kind: "looked" }, "", []],
  ["none before the canaries have ended", "running: running waiting", { kind: "looked" }, "", [], canary],
  ["but then", "running: succeeded waiting", { kind: "looked" }, "", ["plan"], canary],
  ["what is sent is awaited", "running: succeeded running", { kind: "looked" }, "", []],
  ["when all have ended it is done", "running: succeeded failed", { kind: "looked" }, "done:", ["halt"]],
  ["also while it is paused", "paused: succeeded failed", { kind: "looked" }, "done:", ["halt"]],
  ["so many may fail", "running: succeeded failed waiting", { kind: "looked" }, "", ["plan"], strict],
  [
    "and no more: who waits never gets it, who has not begun is withdrawn",
    "running: failed queued waiting",
    { kind: "looked" },
    "aborted: - - cancelled",
    ["halt", "withdraw j-b: job j, which was aborted"],
    strict,
  ],
  ["what runs may end", "running: failed running", { kind: "looked" }, "aborted:", ["halt"], strict],
  ["one that has stopped awaits what was sent", "cancelled: cancelled running", { kind: "looked" }, "", []],
  ["and then is over", "cancelled: cancelled succeeded", { kind: "looked" }, "", ["over"]],
  [
    "a canary that fails stops it",
    "running: failed waiting",
    { kind: "looked" },
    "aborted: - cancelled",
    ["halt"],
    canary,
  ],

  ["a person pauses it", "running: waiting", { kind: "paused", by: "bob" }, "paused!:", ["halt"]],
  ["and resumes it", "paused: waiting", { kind: "resumed" }, "running!:", ["look"]],
  ["held until a person has looked", "running: waiting", { kind: "held", why: "put back" }, "paused:", ["halt"]],
  ["only while it runs", "cancelled: running", { kind: "held", why: "put back" }, "", []],
  [
    "a person cancels it: also what runs is withdrawn",
    "paused: running queued waiting",
    { kind: "cancelled", by: "bob" },
    "cancelled!: - - cancelled",
    ["halt", "withdraw j-a: bob", "withdraw j-b: bob"],
  ],
  ["once more, what is left", "aborted: running", { kind: "cancelled", by: "eve" }, "", ["withdraw j-a: eve"]],

  ["sent to, the row first", "running: waiting", due(true), "running!: queued", ["submit j-a"]],
  [
    "to one that is away its time does not count yet",
    "running: waiting",
    due(false),
    "running!: queued-away",
    ["submit j-a"],
  ],
  ["the desk refuses it", "running: queued", { kind: "refused", device: a, why: "no" }, "running: rejected", []],
  ["the desk cannot take it", "running: queued", { kind: "unsent", device: a }, "running: waiting", []],

  ["its device has begun it", "running: queued", told("a", "running"), "running: running", []],
  ["and says how far it is", "running: running", told("a", "running", { progress: 0.5 }), "running: running", []],
  ["the same again is no news", "running: running", told("a", "running"), "", []],
  [
    "begun, its time counts",
    "running: queued-away",
    told("a", "accepted"),
    "running: accepted",
    ["overdue a in 5000"],
    timed,
  ],
  ["it ends", "running: running", told("a", "succeeded", { ended: now }), "running: succeeded", ["untime a", "look"]],
  [
    "withdrawn by a person",
    "running: running",
    told("a", "cancelled", error("withdrawn by bob")),
    "running: cancelled",
    ["untime a", "look"],
    timed,
  ],
  [
    "because its time was over",
    "running: running",
    told("a", "cancelled", error("withdrawn by job j: no end within 5s")),
    "running: timed_out",
    ["untime a", "look"],
    timed,
  ],
  ["an ended row hears no more", "running: succeeded", told("a", "failed"), "", []],
  ["nor does one of another command", "running: queued waiting", told("b", "running"), "", []],
  ["nor one that is none of the job's", "running: queued", told("x", "running"), "", []],

  [
    "away and back: its time counts from now",
    "running: queued-away",
    { kind: "online", device: a },
    "running: queued",
    ["overdue a in 5000"],
    timed,
  ],
  ["it counts already", "running: queued", { kind: "online", device: a }, "", [], timed],
  ["or there is none", "running: queued-away", { kind: "online", device: a }, "", []],
  [
    "its time is over",
    "running: queued",
    { kind: "overdue", device: a, timely: true },
    "",
    ["withdraw j-a: job j: no end within 5s"],
    timed,
  ],
  [
    "by a clock that may be wrong it is not",
    "running: queued",
    { kind: "overdue", device: a, timely: false },
    "",
    [`again a in ${untimely}`],
    timed,
  ],
  [
    "looked at again, what is left of it",
    "running: queued",
    { kind: "again", device: a },
    "",
    ["overdue a in 3000"],
    timed,
  ],
  ["unless it has ended", "running: succeeded", { kind: "again", device: a }, "", [], timed],
  [
    "removed before it was served",
    "running: queued waiting",
    { kind: "removed", device: b, why: "gone" },
    "running: - cancelled",
    ["look"],
  ],
  ["or after", "running: queued", { kind: "removed", device: a, why: "gone" }, "", []],

  ["started again", "running: succeeded running waiting", { kind: "started" }, "", ["look"]],
  [
    "killed before the withdrawals of a cancelled one",
    "cancelled: running queued",
    { kind: "started" },
    "",
    ["withdraw j-a: job j, which was cancelled", "withdraw j-b: job j, which was cancelled", "look"],
  ],
  ["killed before the command was handed over", "running: queued", found("a"), "running: waiting", []],
  ["of one that has stopped", "cancelled: queued", found("a"), "cancelled: cancelled", []],
  [
    "killed before the answer was noted",
    "running: queued",
    found("a", command("a", "failed")),
    "running: failed",
    ["untime a", "look"],
  ],
  [
    "nothing has happened: its time goes on",
    "running: queued",
    found("a", command("a", "queued")),
    "",
    ["overdue a in 3000"],
    timed,
  ],
  [
    "it was begun meanwhile",
    "running: queued",
    found("a", command("a", "running")),
    "running: running",
    ["overdue a in 3000"],
    timed,
  ],
  ["an earlier row has ended the job, and this one", "aborted: cancelled", found("a"), "", []],
];

function due(online: boolean): Happening {
  return { kind: "due", device: a, command: parseCommandId("j-a"), online };
}

function inWords(effect: Effect): string {
  switch (effect.kind) {
    case "submit":
      return `submit ${effect.command}`;
    case "withdraw":
      return `withdraw ${effect.command}: ${effect.by}`;
    case "time":
      return `${effect.event} ${effect.row.device} in ${effect.ms}`;
    case "untime":
      return `untime ${effect.row.device}`;
    default:
      return effect.kind;
  }
}

function wordOf(row: JobRow | undefined): string {
  if (row?.state === "queued" && row.taken === null) return "queued-away";
  return row?.state ?? "-";
}

/** All of it happens now. */
const at = (event: Happening): JobEvent => ({ ...event, now });

suite("a step of a job", ({ test }) => {
  for (const [what, from, event, to, effects, changes = {}] of cases)
    test(`${event.kind}, ${from}: ${what}`, () => {
      const [state, ...words] = from.split(/:? /) as [Job["state"], ...string[]];
      const given = { ...job, ...changes, state };
      const rows = words.map((word, position) => rowOf(word, position, given.canary));
      const table = new Table(rows);
      const next = step(given, table, at(event));
      const last = Math.max(-1, ...next.rows.map(({ position }) => position));
      const after = rows
        .slice(0, last + 1)
        .map((_, place) => wordOf(next.rows.find(({ position }) => position === place)));
      const isNews = next.job !== given || next.rows.length > 0;
      const said = [`${next.job.state}${next.demanded ? "!" : ""}:`, ...after].join(" ");
      assert.is(isNews ? said : "", to);
      assert.equal(next.effects.map(inWords), effects);
      assert.equal(table.rows, rows, "nothing is changed by asking");
    });

  test("what ended when and why is told with it", () => {
    const of = (state: Job["state"], words: readonly RowState[], event: Happening) =>
      step({ ...job, state, ...strict }, new Table(words.map((word, place) => rowOf(word, place, 0))), at(event));
    const aborted = of("running", ["failed", "waiting"], { kind: "looked" });
    assert.match(aborted.job.why ?? "", /1 of 1 device failed/);
    assert.equal(
      [aborted.job.ended, aborted.rows[0]?.ended, aborted.rows[0]?.outcome],
      [now, now, "never sent: the job was aborted"],
    );
    assert.is(of("paused", ["waiting"], { kind: "cancelled", by: "bob" }).job.why, "cancelled by bob");
    assert.is(of("running", ["waiting"], { kind: "paused", by: "bob" }).job.why, "paused by bob");
    assert.is(of("running", ["waiting"], { kind: "held", why: "it was put back" }).job.why, "paused: it was put back");
    assert.is("why" in of("paused", ["waiting"], { kind: "resumed" }).job, false);
    const removed = of("running", ["waiting"], { kind: "removed", device: a, why: "it was removed" });
    assert.is(removed.rows[0]?.outcome, "never sent: it was removed");
    const refused = of("running", ["queued"], { kind: "refused", device: a, why: "it is not offered" }).rows[0];
    assert.equal(
      [refused?.command, refused?.sent, refused?.ended, refused?.outcome],
      [null, null, now, "it is not offered"],
    );
  });
});
