import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { decode, encode } from "#shared/codec";
import { readTask, type Task } from "#shared/messages/command-messages";
import { testSigner } from "#shared/signing/fixture";
import { clockAllowance, maxSignedTime } from "#shared/signing/times";
import { suite, type Scope } from "../../test/suite.ts";
import { Signers } from "../signers.ts";
import { capacity, Ledger, margin } from "./ledger.ts";
import { SignatureGate } from "./signature-gate.ts";

const ann = testSigner(1, "ann");
const eve = testSigner(2, "eve");
const hour = 3_600_000;

/** A device that takes what Ann has signed, an hour after it was set up. */
async function device(scope: Scope, { pinned = [ann.public.line] }: { pinned?: readonly string[] } = {}) {
  const directory = await scope.directory();
  const clock = new ManualClock();
  const open = (before: boolean, id?: string): Ledger => {
    const opened = new Ledger({ directory, clock, log: silentLog });
    opened.start({ before, id });
    scope.cleanup(() => opened.stop());
    return opened;
  };
  const ledger = open(false);
  const signers = new Signers({ directory, pinned, log: silentLog });
  const gateOf = (of: Ledger): SignatureGate =>
    new SignatureGate({ device: parseDeviceId("rpi-7"), signers, ledger: of, clock });
  clock.advance(hour);
  const says = (task: Task, id = "c1", { gate = gateOf(ledger), begun = false } = {}): string => {
    const outcome = gate.refusal(parseCommandId(id), task, begun);
    return outcome === undefined ? "taken" : "error" in outcome ? outcome.error.code : outcome.state;
  };
  return { directory, clock, ledger, open, signers, gateOf, says };
}

/** As Ann's program makes it at `now`. */
function order(now: number, changes: Partial<Parameters<typeof ann.command>[0]> = {}, by = ann): Task {
  const told = {
    device: "rpi-7",
    id: "c1",
    key: "set-interval",
    args: { seconds: 5, list: [1.5, -0, 1e21, "ü\u2028"], nested: { b: null, a: true } },
    ts: now,
    expires: now + hour,
    ...changes,
  };
  const { key, args } = told;
  return { key, args, signature: by.command(told) };
}

interface Case {
  readonly name: string;
  readonly says: string;
  /** What becomes of it on its way; `now` is the device's. */
  readonly task: (now: number) => Task;
  readonly id?: string;
}

const with_ = (task: Task, changes: Partial<NonNullable<Task["signature"]>>): Task => {
  if (!task.signature) throw new Error("it is not signed");
  return { ...task, signature: { ...task.signature, ...changes } };
};

const cases: readonly Case[] = [
  { name: "as it was signed", says: "taken", task: (now) => order(now) },
  {
    name: "with other words beside it",
    says: "taken",
    task: (now) => ({ ...order(now), by: "eve", ts: 1, timeout: 9 }),
  },
  { name: "without arguments", says: "taken", task: (now) => ({ ...order(now, { args: {} }), args: undefined }) },
  { name: "through CBOR", says: "taken", task: (now) => again(order(now), "cbor") },
  { name: "through JSON and back", says: "taken", task: (now) => again(again(order(now), "cbor"), "json") },
  { name: "not signed", says: "unsigned", task: (now) => ({ ...order(now), signature: undefined }) },
  { name: "another id", says: "bad-signature", id: "c2", task: (now) => order(now) },
  { name: "another key", says: "bad-signature", task: (now) => ({ ...order(now), key: "reboot" }) },
  { name: "other arguments", says: "bad-signature", task: (now) => ({ ...order(now), args: { seconds: 6 } }) },
  { name: "an argument more", says: "bad-signature", task: (now) => more(order(now)) },
  { name: "no arguments", says: "bad-signature", task: (now) => ({ ...order(now), args: {} }) },
  { name: "signed for another device", says: "bad-signature", task: (now) => order(now, { device: "rpi-8" }) },
  { name: "another ts", says: "bad-signature", task: (now) => with_(order(now), { ts: now + 1 }) },
  { name: "another expires", says: "bad-signature", task: (now) => with_(order(now), { expires: now + 2 * hour }) },
  { name: "another value", says: "bad-signature", task: (now) => with_(order(now), { value: "A".repeat(86) }) },
  { name: "by a key that is not pinned", says: "unknown-signer", task: (now) => order(now, {}, eve) },
  {
    name: "by that key in the name of Ann's",
    says: "bad-signature",
    task: (now) => with_(order(now, {}, eve), { key: ann.public.id }),
  },
  {
    name: "a lone surrogate in what was signed",
    says: "bad-signature",
    task: (now) => ({ ...order(now), args: { a: "\ud800" } }),
  },
  {
    name: "made for a job",
    says: "bad-signature",
    task: (now) => with_(order(now), { job: { count: 1, index: 0, path: [] } }),
  },
  { name: "expired", says: "signature-expired", task: (now) => order(now, { ts: now - 2 * hour, expires: now }) },
  { name: "a moment before that", says: "taken", task: (now) => order(now, { ts: now - hour, expires: now + 1 }) },
  { name: "a signer's clock that is ahead", says: "taken", task: (now) => order(now, { ts: now + clockAllowance }) },
  { name: "too far ahead", says: "signature-time", task: (now) => order(now, { ts: now + clockAllowance + 1 }) },
  { name: "good for as long as may be", says: "taken", task: (now) => order(now, { expires: now + maxSignedTime }) },
  { name: "good for longer", says: "signature-time", task: (now) => order(now, { expires: now + maxSignedTime + 1 }) },
  { name: "good for nothing", says: "signature-time", task: (now) => order(now, { expires: now }) },
  {
    name: "signed before the device was set up",
    says: "replayed",
    task: (now) => order(now, { ts: now - hour - clockAllowance - 1 }),
  },
];

function again(task: Task, encoding: "cbor" | "json"): Task {
  const payload = encode(decode(encode(task, "json")).value, encoding);
  return readTask(payload).value;
}

function more(task: Task): Task {
  return { ...task, args: { ...task.args, more: 1 } };
}

suite("the signature gate", ({ test }) => {
  for (const { name, task, id, says: expected } of cases)
    test(`${expected}: ${name}`, async (scope) => {
      const { clock, says } = await device(scope);
      assert.is(says(task(clock.now()), id), expected);
    });

  test("without a pinned key all is taken, whatever signature it has", async (scope) => {
    const { clock, says } = await device(scope, { pinned: [] });
    assert.is(says({ key: "ping" }), "taken");
    assert.is(says(with_(order(clock.now()), { value: "A".repeat(86) })), "taken");
  });

  test("what was begun in time goes on after its end, if it is signed", async (scope) => {
    const { clock, says } = await device(scope);
    const task = order(clock.now());
    clock.advance(2 * hour);
    assert.is(says(task, "c1", { begun: true }), "taken");
    assert.is(says({ ...task, key: "reboot" }, "c1", { begun: true }), "bad-signature");
  });

  test("one signature of a job is good for each device of its list, and for no other", async (scope) => {
    const { clock, says } = await device(scope);
    const now = clock.now();
    const told = { id: "j1", key: "ping", ts: now, expires: now + hour };
    for (const devices of [["rpi-7"], ["a", "rpi-7"], ["a", "b", "rpi-7", "z"], ["rpi-7", "x", "y", "z", "zz"]]) {
      const signature = ann.job({ ...told, devices }, "rpi-7");
      assert.is(says({ key: "ping", signature }, "j1"), "taken", devices.join());
      assert.is(says({ key: "ping", signature }, "j2"), "bad-signature");
      assert.is(says({ key: "reboot", signature }, "j1"), "bad-signature");
      assert.is(says(with_({ key: "ping", signature }, { job: undefined }), "j1"), "bad-signature");
      const { count = 0, index = 0, path = [] } = signature.job ?? {};
      for (const job of [
        { count: count + 1, index, path },
        { count, index: index + 1, path },
        { count, index, path: [...path, "A".repeat(43)] },
      ])
        assert.is(says(with_({ key: "ping", signature }, { job }), "j1"), "bad-signature", JSON.stringify(job));
    }
    const others = ann.job({ ...told, devices: ["a", "b", "c"] }, "b");
    assert.is(says({ key: "ping", signature: others }, "j1"), "bad-signature");
  });

  test("what is signed before the ledger was lost is not taken any more", async (scope) => {
    const { clock, ledger, open, says, gateOf } = await device(scope);
    await ledger.stop();
    const lost = open(true, "another ledger");
    const noticed = clock.now();
    const gate = gateOf(lost);
    assert.is(says(order(noticed), "c1", { gate }), "replayed");
    clock.advance(2 * clockAllowance);
    assert.is(says(order(noticed + clockAllowance - 1), "c1", { gate }), "replayed");
    assert.is(says(order(noticed + clockAllowance), "c1", { gate }), "taken");
    await lost.stop();
    const next = gateOf(open(true, lost.id));
    assert.is(says(order(noticed), "c1", { gate: next }), "replayed", "also by the next run");
  });

  test("what was forgotten by a clock that was wrong for a while is not taken again", async (scope) => {
    const { clock, ledger, open, says, gateOf } = await device(scope);
    const now = clock.now();
    const task = order(now);
    const id = parseCommandId("c1");
    const { expires } = task.signature ?? { expires: 0 };
    await ledger.begin(id, { key: task.key, boot: "b", at: now, attempts: 1, expires, signed: true });
    await ledger.end(id, { reply: { id, state: "succeeded" }, encoding: "json" });
    ledger.settle(id);
    await ledger.stop();
    clock.advance(10 * 365 * 24 * hour);
    const ahead = open(true, ledger.id);
    assert.is(ahead.find(id), undefined, "forgotten");
    await ahead.stop();
    clock.setWall(now + 1);
    const back = open(true, ledger.id);
    assert.is(says(task, "c1", { gate: gateOf(back) }), "replayed");
    assert.is(says(order(now, { expires: now + hour + 1 }), "c1", { gate: gateOf(back) }), "taken");
  });

  test("no flood of others has a signed command forgotten while it could come again", async (scope) => {
    const { clock, ledger } = await device(scope);
    const now = clock.now();
    const put = async (name: string, signed: { signed?: true }): Promise<void> => {
      const id = parseCommandId(name);
      ledger.answer(id, { reply: { id, state: "succeeded" }, encoding: "json" });
      if (signed.signed)
        await ledger.begin(id, { key: "k", boot: "b", at: now, attempts: 1, expires: now + hour, ...signed });
      ledger.answer(id, { reply: { id, state: "succeeded" }, encoding: "json" });
      ledger.settle(id);
    };
    await put("signed", { signed: true });
    for (let at = 0; at < capacity + 100; at++) await put(`flood-${at}`, {});
    assert.ok(ledger.find(parseCommandId("signed")));
    clock.advance(hour + margin.afterExpiry + 1);
    for (let at = 0; at <= capacity; at++) await put(`more-${at}`, {});
    assert.is(ledger.find(parseCommandId("signed")), undefined);
    assert.is(ledger.forgottenUntil, now + hour);
  });

  test("as many signed commands as may be are remembered; the next is not begun, and others are", async () => {
    const clock = new ManualClock();
    const ledger = new Ledger({ directory: undefined, clock, log: silentLog });
    const now = clock.now();
    const begin = (name: string, signed?: true): Promise<void> =>
      ledger.begin(parseCommandId(name), { key: "k", boot: "b", at: now, attempts: 1, expires: now + hour, signed });
    const finish = (name: string): void => {
      const id = parseCommandId(name);
      ledger.answer(id, { reply: { id, state: "succeeded" }, encoding: "json" });
      ledger.settle(id);
    };
    for (let at = 0; at < capacity; at++) {
      await begin(`s-${at}`, true);
      finish(`s-${at}`);
    }
    const refused: unknown = await begin("one-more", true).catch((thrown: unknown) => thrown);
    assert.match(String(refused), /sign for a shorter time/);
    await begin("not-signed");
    clock.advance(hour + margin.afterExpiry + 1);
    await begin("later", true);
  });
});
