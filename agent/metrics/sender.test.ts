import * as assert from "uvu/assert";
import type { Bus } from "#shared/bus";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { readBatch } from "#shared/messages/batch-reading";
import { commonNames } from "#shared/messages/common-names";
import type { ConsoleStatus } from "#shared/messages/presence-messages";
import { suite } from "../../test/suite.ts";
import { columns } from "./outbox/fixture.ts";
import { inVain } from "./in-flight-window.ts";
import { DailyBudget } from "./daily-budget.ts";
import { Outbox } from "./outbox/outbox.ts";
import { Sender, window } from "./sender.ts";

/** A sender over an outbox in memory and a bus that notes what goes out, and acknowledges `delay` ms later if it is to. */
class Rig {
  readonly clock = new ManualClock();
  readonly sent: { seq: number; at: number; value: unknown; short: boolean }[] = [];
  readonly outbox: Outbox;
  readonly sender: Sender;
  readonly budget: DailyBudget;
  connected = false;
  acking = false;
  /** Whether this one is ever acknowledged. */
  accepts = (_seq: number): boolean => true;
  inFlight = 0;
  most = 0;

  constructor(delay = 20, budgeted = false) {
    const { clock, sent } = this;
    const isConnected = (): boolean => this.connected;
    const bus: Pick<Bus, "connected" | "publish"> = {
      get connected() {
        return isConnected();
      },
      publish: (_topic, payload) => {
        const { seq, outbox, m } = readBatch(payload);
        this.budget.spend(payload.length);
        const short = (payload[0] ?? 0) < 0xa0;
        sent.push({ seq, at: clock.monotonic(), value: m[0]?.f["value"], short });
        this.most = Math.max(this.most, ++this.inFlight);
        clock.after(delay, () => {
          this.inFlight -= 1;
          if (this.acking && this.accepts(seq)) this.sender.acked({ outbox, ranges: [[seq, seq]] });
        });
        return Promise.resolve();
      },
    };
    this.outbox = new Outbox({
      maxBytes: 64 * 1024 * 1024,
      maxAge: 7 * 86_400_000,
      epoch: { id: "run", machine: false },
      run: "r1",
      clock,
      log: silentLog,
      ready: (queue, seq) => this.sender.offer(queue, seq),
    });
    const budget = new DailyBudget({ max: 10_000, clock, log: silentLog, changed: () => {} });
    const isShort = budgeted ? { budget } : {};
    this.budget = budget;
    this.sender = new Sender({ outbox: this.outbox, bus: bus as Bus, topic: "m", clock, random: () => 0, ...isShort });
  }

  add(count: number, every = 0, value = "waited"): void {
    for (let at = 0; at < count; at++) {
      this.outbox.append(columns(this.clock, value));
      this.clock.advance(every);
    }
  }

  connect(): void {
    this.connected = true;
    this.sender.connected();
  }

  status(more: Partial<ConsoleStatus>): void {
    this.sender.consoleStatus({ v: 1, online: true, session: "s1", ...more });
  }

  /** The numbers that go out while the clock goes on. */
  during(ms: number): number[] {
    const before = this.sent.length;
    this.clock.advance(ms);
    return this.sent.slice(before).map(({ seq }) => seq);
  }
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

suite("sender", ({ test }) => {
  test("after a day offline the present is there at once, and the past oldest first at a bounded rate", () => {
    const rig = new Rig();
    rig.add(8_640, 10_000);
    rig.acking = true;
    const began = rig.clock.monotonic();
    rig.connect();
    for (let turn = 0; turn < 30; turn++) {
      const at = rig.clock.monotonic();
      rig.add(1, 0, "live");
      assert.ok(
        rig.sent.some((one) => one.value === "live" && one.at === at),
        "without delay",
      );
      rig.clock.advance(1_000);
    }
    const past = rig.sent.filter(({ value }) => value === "waited");
    assert.equal(
      past.map(({ seq }) => seq),
      numbers(1, past.length),
    );
    assert.ok(past.length > 2_900 && past.length <= 3_101, `${past.length} in 30 s`);
    assert.ok(rig.most <= 40, `${rig.most} on their way`);
    rig.clock.advance(60_000);
    assert.is(rig.outbox.size.batches, 0);
    assert.is(rig.sent.length, 8_640 + 30, "each once");
    assert.ok(rig.clock.monotonic() - began < 91_000);
  });

  test("large batches go at a bounded number of bytes", () => {
    const rig = new Rig();
    const text = "x".repeat(1_000);
    const m = Array.from({ length: 100 }, (_, at) => ({ n: `m${at}`, f: { text } }));
    for (let at = 0; at < 60; at++) rig.outbox.append({ ...columns(rig.clock), m });
    rig.acking = true;
    rig.connect();
    rig.clock.advance(5_000);
    const bytes = rig.sent.length * 103_000;
    assert.ok(bytes < 512 * 1024 * 6.3 && bytes > 512 * 1024 * 5, `${bytes} bytes in 5 s`);
  });

  test("without an ack it sends again after 10 s, 20 s, … at most 5 minutes, and 10 s again after progress", () => {
    const rig = new Rig();
    rig.add(1);
    rig.connect();
    rig.clock.advance(1_700_000);
    const times = rig.sent.map(({ at }) => at / 1_000);
    assert.equal(times, [0, 10, 30, 70, 150, 310, 610, 910, 1_210, 1_510]);
    rig.acking = true;
    rig.clock.advance(200_000);
    assert.is(rig.outbox.size.batches, 0);
    rig.acking = false;
    rig.add(1);
    const from = rig.clock.monotonic();
    rig.clock.advance(40_000);
    assert.equal(
      rig.sent.filter(({ seq }) => seq === 2).map(({ at }) => (at - from) / 1_000),
      [0, 10, 30],
    );
  });

  test("at most a window is on its way; what got no ack goes again before the rest", () => {
    const rig = new Rig();
    rig.add(100);
    rig.connect();
    assert.equal(
      rig.sent.map(({ seq }) => seq),
      numbers(1, 32),
    );
    assert.equal(rig.during(9_999), []);
    assert.equal(rig.during(1), numbers(1, 32));
  });

  test("batches that nobody ever acknowledges stop none of those behind them, also not new ones", () => {
    const rig = new Rig();
    const bad = 100;
    rig.acking = true;
    rig.accepts = (seq) => seq > bad;
    rig.add(bad + 500);
    rig.connect();
    rig.clock.advance(100_000);
    for (let at = 0; at < 20; at++) {
      rig.add(1);
      rig.clock.advance(10_000);
    }
    assert.is(rig.outbox.size.batches, bad);
    assert.ok(rig.most <= window.backlog + window.live);
    const before = rig.sent.length;
    rig.clock.advance(3_600_000);
    const again = rig.sent.slice(before).map(({ seq }) => seq);
    assert.is(new Set(again).size, bad, "and each of them is tried again");
    const times = rig.sent.slice(before).map(({ at }) => at);
    for (const time of times) assert.ok(times.filter((at) => at === time).length <= window.stubborn);
    const first = rig.sent.filter(({ seq, at }) => seq === 1 && at <= 30_000);
    assert.is(first.length, inVain, "others go first after so many tries");
    rig.connected = false;
    rig.sender.disconnected();
    rig.connect();
    rig.add(1);
    rig.clock.advance(1_000);
    assert.is(rig.outbox.size.batches, bad, "after a reconnect neither");
  });

  test("a few that were lost on the way go again at once, before the rest", () => {
    const rig = new Rig();
    const lost = new Set([3, 7]);
    rig.acking = true;
    rig.accepts = (seq) => !lost.delete(seq);
    rig.add(3_000);
    rig.connect();
    rig.clock.advance(11_000);
    assert.equal(rig.sent.filter(({ seq }) => [3, 7].includes(seq)).length, 4);
    assert.ok(rig.outbox.size.batches > 1_000);
  });

  test("a new connection sends everything again; without one nothing goes", () => {
    const rig = new Rig();
    rig.add(5);
    rig.connect();
    rig.connected = false;
    rig.sender.disconnected();
    rig.add(1);
    assert.equal(rig.during(600_000), []);
    rig.connect();
    assert.equal(
      rig.sent.slice(5).map(({ seq }) => seq),
      numbers(1, 6),
    );
  });

  test("while the store takes nothing one batch tries it; when it takes again all go on within a second", () => {
    const rig = new Rig();
    rig.connect();
    rig.status({ taking: false });
    rig.add(50, 1_000);
    assert.equal(
      rig.sent.map(({ seq }) => seq),
      [1, 1, 1],
      "at 0, 10 and 30 s",
    );
    rig.acking = true;
    rig.status({ taking: true });
    assert.ok(rig.during(1_000).length >= 49);
    assert.is(rig.outbox.size.batches, 0);
  });

  test("while the console is away one batch tries it; one that comes back finds all sent again", () => {
    const rig = new Rig();
    rig.connect();
    rig.status({ taking: true });
    rig.add(3);
    rig.status({ online: false });
    assert.equal(rig.during(9_000), []);
    rig.status({ session: "s2", taking: true });
    assert.equal(rig.during(1), [1, 2, 3]);
    rig.status({ session: "s3" });
    assert.equal(rig.during(1), [1, 2, 3], "restarted without having said goodbye");
    rig.status({ session: "s3" });
    assert.equal(rig.during(1), []);
  });

  test("a store that says no but takes the batch that tries it gets the next at once", () => {
    const rig = new Rig();
    rig.acking = true;
    rig.connect();
    rig.status({ taking: false });
    rig.add(10);
    rig.clock.advance(20 * 11);
    assert.is(rig.outbox.size.batches, 0);
    assert.is(rig.most, 1);
  });

  test("when the day's bytes are used up what is new and what has waited waits, and goes by itself when the day is over", () => {
    const rig = new Rig(20, true);
    rig.acking = true;
    rig.connect();
    rig.add(300, 10_000);
    const sent = rig.sent.length;
    assert.ok(sent > 50 && sent < 150, String(sent));
    assert.is(rig.outbox.size.batches, 300 - sent);
    assert.equal(rig.during(3_600_000), []);
    rig.clock.advance(86_400_000);
    // Each has a few bytes more: its age.
    assert.ok(rig.sent.length > 1.8 * sent && rig.sent.length <= 2 * sent, String(rig.sent.length));
    assert.equal(
      rig.sent.map(({ seq }) => seq),
      numbers(1, rig.sent.length),
    );
    rig.sender.stop();
  });

  test("batches go short where the console knows names, and whole where it says nothing, is gone, or gave no ack", () => {
    const rig = new Rig();
    const m = [{ n: "mem", f: { value: "v", total: 1, free: 1, active: 1 } }];
    const sent = (): boolean[] => {
      rig.outbox.append({ ...columns(rig.clock), m });
      rig.clock.advance(1_000);
      return rig.sent.splice(0).map(({ short }) => short);
    };
    rig.acking = true;
    rig.connect();
    assert.equal(sent(), [false], "before the console's word");
    rig.status({ names: commonNames.length });
    assert.equal(sent(), [true]);
    rig.status({ names: commonNames.length + 9 });
    assert.equal(sent(), [true], "one that knows more");
    rig.status({});
    assert.equal(sent(), [false], "one of before");
    rig.status({ names: commonNames.length });
    rig.acking = false;
    assert.equal(sent(), [true]);
    rig.clock.advance(10_000);
    assert.equal(
      rig.sent.splice(0).map(({ short }) => short),
      [false],
      "again, where it may not have been understood",
    );
    rig.acking = true;
    rig.sender.disconnected();
    rig.connect();
    assert.equal(sent(), [false, false], "the console of another connection may be another one");
    rig.status({ names: 1 });
    rig.outbox.append({ ...columns(rig.clock), m: [{ n: "of", f: { somebody: 1, alone: 1 } }] });
    assert.equal(
      rig.sent.map(({ short }) => short),
      [true],
      "by whatever names",
    );
  });

  test("a stopped sender sends nothing and leaves no timer", () => {
    const rig = new Rig();
    rig.add(200);
    rig.connect();
    rig.sender.stop();
    rig.add(1);
    rig.sender.acked({ ranges: [] });
    rig.status({ taking: true });
    assert.equal(rig.during(600_000), []);
  });
});
