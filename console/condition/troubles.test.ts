import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { lateLoop, tightRoom, toldBefore, troublesOf, type Looked } from "./troubles.ts";

const well: Looked = {
  now: 1_000_000_000,
  store: { kind: "embedded", health: { ok: true } },
  spool: {},
  broker: { connected: true },
  clock: { state: "trusted" },
  disk: { directory: "/data", free: tightRoom },
  certificates: [{ name: "certificate server.pem", until: 1_000_000_000 + toldBefore + 1 }],
  damaged: 0,
  faults: 0,
  rows: { ok: true },
  syslog: undefined,
  channels: [],
  loop: lateLoop,
};

/** What is wrong, and what is told of it: grave or not, which part, and a word of the sentence or the advice. */
const cases: [name: string, wrong: Partial<Looked>, told: RegExp][] = [
  [
    "a store that is away",
    { store: { kind: "influxdb", health: { ok: false, problem: "ECONNREFUSED" } } },
    /^true store No samples are stored: ECONNREFUSED.*InfluxDB runs/,
  ],
  [
    "more than the store takes",
    { store: { kind: "embedded", health: { ok: true, overload: "3 devices wait" } } },
    /^false ingest .*3 devices wait/,
  ],
  ["a full spool", { spool: { problem: "it is full" } }, /^true spool .*spool-size/],
  ["a clock of the past", { clock: { state: "behind", problem: "it is 1970" } }, /^true clock it is 1970/],
  ["a clock that is ahead", { clock: { state: "ahead", problem: "it is 2099" } }, /^false clock/],
  ["no broker", { broker: { connected: false } }, /^true broker .*check-broker/],
  ["rows that do not reach the disk", { rows: { ok: false, problem: "ENOSPC" } }, /^true database .*ENOSPC/],
  ["syslog away", { syslog: { target: "tcp://log:514", ok: false } }, /^false audit .*tcp:\/\/log:514/],
  ["a tight disk", { disk: { directory: "/data", free: tightRoom - 1 } }, /^true disk .*MB are free for \/data/],
  ["damage", { damaged: 2 }, /^true damage 2 things/],
  [
    "a certificate near its end",
    { certificates: [{ name: "authority.pem", until: well.now + toldBefore }] },
    /^false certificate authority\.pem ends in .*tls rotate/,
  ],
  [
    "one that ended",
    { certificates: [{ name: "server.pem", until: well.now - 60_000 }] },
    /^true certificate server\.pem ended 1m ago/,
  ],
  [
    "a channel that takes nothing",
    { channels: [{ name: "ops", waiting: 2, since: 1 }] },
    /^true channel .*by the channel ops: it takes nothing\. 2 notices wait for it\. .*Notifications/,
  ],
  ["faults", { faults: 1 }, /^false faults 1 fault .* was caught.*support/],
  ["an event loop that is late", { loop: lateLoop + 1 }, /^false load .*251 ms/],
];

suite("troubles of Muster itself", ({ test }) => {
  test("are none where all is well, up to the edge of each bound", () => {
    assert.equal(troublesOf(well), []);
  });

  for (const [name, wrong, told] of cases)
    test(`${name} is told with what to do`, () => {
      const [trouble, ...others] = troublesOf({ ...well, ...wrong });
      assert.equal(others, []);
      assert.match(`${trouble?.grave} ${trouble?.what} ${trouble?.says} ${trouble?.advice}`, told);
    });

  test("the gravest come first", () => {
    const all = troublesOf({ ...well, faults: 1, broker: { connected: false }, loop: lateLoop + 1, damaged: 1 });
    assert.equal(
      all.map(({ grave }) => grave),
      [true, true, false, false],
    );
  });
});
