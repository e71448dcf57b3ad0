import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import type { Incident } from "../incident.ts";
import { check, telling } from "./checks.ts";
import type { Evidence, Row, Told } from "./evidence.ts";
import type { PlannedOrder } from "./orders.ts";
import { rules } from "./rules.ts";

const order: PlannedOrder = {
  token: "3-0",
  device: "dev-a",
  key: "once",
  way: "queued",
  at: 0,
  before: 0,
  after: 0,
  timeout: 1_000,
  ttl: 60_000,
};
const row: Row = {
  id: "c1",
  device: "dev-a",
  key: "once",
  token: "3-0",
  state: "succeeded",
  expires: 60_000,
  ended: 200,
  document: "{}",
};
const begin = { id: "c1", key: "once", token: "3-0", who: "dev-a", pid: 7, at: 100, before: 0, after: 0 };
const version = { n: 1, at: 200, device: "dev-a", id: "c1", state: "succeeded", ended: 200, result: null };
const told: Told[] = [
  { token: "3-0", device: "dev-a" as const, at: 1, what: "asked" },
  { token: "3-0", device: "dev-a" as const, at: 201, what: "answer", id: "c1", state: "succeeded" },
];

/** A command's good end, as every file has it; the cases below spoil one thing each. */
const good: Evidence = {
  orders: [order],
  rows: [row],
  versions: [version],
  begins: [begin],
  effects: [begin],
  told,
  incidents: [],
  seen: [],
  healed: new Map([[3, 1_000]]),
  until: 1_000 + telling,
  costs: [],
  damage: 0,
};
const ended = (state: string, more: Partial<Evidence> = {}): Partial<Evidence> => ({
  rows: [{ ...row, state }],
  versions: [{ ...version, state }],
  told: told.map((one) => (one.what === "answer" ? { ...one, state } : one)),
  ...more,
});
const keyed = (key: PlannedOrder["key"]): Partial<Evidence> => ({ orders: [{ ...order, key }] });
const restarted = {
  incidents: [
    { at: 140, who: "dev-a", what: "killed" },
    { at: 150, who: "dev-a", what: "started again" },
  ],
};

const cases: readonly (readonly [rule: string, spoiled: Partial<Evidence>])[] = [
  ["one final state, for ever", ended("running", { told })],
  [
    "one final state, for ever",
    {
      versions: [
        { ...version, state: "expired" },
        { ...version, n: 2 },
      ],
    },
  ],
  ["one final state, for ever", { versions: [version, { ...version, n: 2, state: "running" }] }],
  ["once and verify take effect at most once", { effects: [begin, { ...begin, pid: 8 }] }],
  ["what succeeded has its effect", { effects: [] }],
  ["what succeeded has its effect", { ...keyed("rerun"), effects: [] }],
  ["no id is begun twice", { begins: [begin, begin] }],
  ["no id is begun twice", { begins: [begin, { ...begin, pid: 8 }], ...restarted }],
  ["no id is begun twice", { ...keyed("rerun"), begins: [begin, { ...begin, pid: 8 }] }],
  ["verify tells what is so", { ...ended("failed"), ...keyed("verify") }],
  ["verify tells what is so", { ...ended("interrupted"), ...keyed("verify"), ...restarted }],
  ["interrupted only when its agent died", ended("interrupted")],
  ["what can be run again is not interrupted", { ...ended("interrupted"), ...keyed("rerun"), ...restarted }],
  ["nothing expired or rejected has begun", ended("expired")],
  ["what comes too late is kept", { ...ended("expired"), ...restarted }],
  ["what comes too late is kept", { ...ended("timed_out"), ...restarted }],
  ["nothing expired or rejected has begun", ended("rejected")],
  ["nothing expires before its time", ended("expired")],
  ["nothing begins after its expiry", { begins: [{ ...begin, at: 61_000 }] }],
  ["nothing begins after its expiry", { begins: [{ ...begin, at: 61_000 }], ...restarted }],
  ["nothing begins once it was withdrawn", { ...ended("cancelled"), begins: [{ ...begin, at: 5_000 }] }],
  [
    "nothing of a backup begins once it is restored",
    {
      versions: [{ ...version, at: 50 }],
      begins: [{ ...begin, at: 900 }],
      costs: [{ who: "server", what: "restored", from: 60, to: 300 }],
      incidents: [{ at: 400, who: "server", what: "serves" }],
    },
  ],
  ["every caller gets an answer", { told: told.slice(0, 1) }],
  [
    "every caller gets an answer",
    { told: [...told, { token: "3-0", device: "dev-a" as const, at: 300, what: "odd", detail: "500" }] },
  ],
  ["callers are told what the history says", { told: told.map((one) => ({ ...one, state: "failed" })) }],
  [
    "callers are told what the history says",
    { told: [...told, { token: "3-0", device: "dev-a" as const, at: 9, what: "refused" }] },
  ],
  ["what was taken is not lost", { rows: [] }],
  ["every effect is in the history", { rows: [] }],
];

suite("the checker", ({ test }) => {
  test("finds nothing in a good end", () => {
    assert.equal(check(good), []);
  });

  test("finds nothing in what an interruption explains", () => {
    const again = [begin, { ...begin, pid: 8, at: 160 }];
    assert.equal(check({ ...good, ...keyed("rerun"), begins: again, effects: again, ...restarted }), []);
    assert.equal(check({ ...good, ...ended("interrupted"), ...restarted }), []);
    const resumed = [{ ...begin, at: 61_000 }];
    assert.equal(check({ ...good, ...keyed("rerun"), begins: resumed, ...restarted }), []);
    const late = [{ ...row, state: "expired", document: '{"late":[{"state":"succeeded"}]}' }];
    const expired = ended("expired", { versions: [{ ...version, state: "expired", at: 60_500 }] });
    assert.equal(check({ ...good, ...expired, rows: late, ...restarted }), []);
  });

  test("finds what was typed and never taken, unless its console could take nothing, however long that had lasted", () => {
    const typed: PlannedOrder = { ...order, way: "typed-short" };
    const absent: Told[] = [
      { token: "3-0", device: "dev-a" as const, at: 1, what: "asked" },
      { token: "3-0", device: "dev-a" as const, at: 201, what: "absent" },
    ];
    const nowhere = { ...good, orders: [typed], rows: [], versions: [], begins: [], effects: [], told: absent };
    const found = (...incidents: Incident[]): number => check({ ...nowhere, incidents }).length;
    const full = { at: -5_000, who: "server", what: "its disk is full" };
    assert.is(found(), 1);
    assert.is(found(full), 0);
    assert.is(found(full, { at: -4_000, who: "server", what: "its disk has room again" }), 1);
  });

  test("finds nothing in what a console's older directory cannot know, and nothing else is excused by it", () => {
    const older = (from: number) => [{ who: "server", what: "put back", from, to: 900 }] as const;
    const lost = { ...good, rows: [], versions: [] };
    assert.equal(check({ ...lost, costs: older(-500) }), []);
    assert.is(check({ ...lost, costs: older(700) }).length > 0, true);
    const doubled = { ...lost, effects: [begin, { ...begin, pid: 8 }], costs: older(-500) };
    assert.equal(
      check(doubled).map(({ rule }) => rule),
      ["once and verify take effect at most once"],
    );
  });

  test("excuses by a turned bit what came before it, if the console tells of damage, and no second effect", () => {
    const turned = [{ who: "server", what: "turned", from: 0, to: 900 }] as const;
    const lost = { ...good, rows: [], versions: [] };
    assert.equal(check({ ...lost, costs: turned, damage: 1 }), []);
    assert.is(check({ ...lost, costs: [{ ...turned[0], to: -900 }], damage: 1 }).length > 0, true);
    const doubled = { ...good, effects: [begin, { ...begin, pid: 8 }], costs: turned, damage: 1 };
    assert.equal(
      check(doubled).map(({ rule }) => rule),
      ["once and verify take effect at most once", "what succeeded has its effect"],
    );
  });

  test("takes a beginning after the expiry for one in time by what its agent knew of the console's clock, as far as that may lag", () => {
    const found = (at: number, over: number): string[] =>
      check({ ...good, begins: [{ ...begin, at: 61_500, judged: { at, over } }] }).map(({ rule }) => rule);
    const broken = ["nothing begins after its expiry"];
    assert.equal(found(60_400, -600), []);
    assert.equal(found(59_999, -1), []);
    assert.equal(found(60_401, -600), broken);
    assert.equal(found(60_400, 0), broken);
  });

  test("waits with what was begun and closed for the device's word until nothing keeps it from telling", () => {
    const silent = { ...good, ...ended("timed_out"), ...restarted };
    const found = (more: Partial<Evidence>): string[] => check({ ...silent, ...more }).map(({ rule }) => rule);
    const broken = ["what comes too late is kept"];
    const struck = (who: string, at: number) => ({
      incidents: [...restarted.incidents, { at, who, what: "killed" }, { at: at + 50, who, what: "serves" }],
    });
    assert.equal(found({}), broken);
    assert.equal(found({ until: 999 + telling }), []);
    for (const who of ["dev-a", "server", "broker"]) assert.equal(found(struck(who, 999 + telling)), []);
    assert.equal(found(struck("dev-a", 1_000 + telling)), broken);
    assert.equal(found(struck("dev-b", 1_100)), broken);
    // The rounds after it give it the time.
    const later = { healed: new Map([3, 4].map((round) => [round, 1_000 * (round - 2)])), until: 2_000 + telling };
    assert.equal(found({ ...struck("dev-a", 1_100), ...later }), broken);
    assert.equal(found({ ...struck("dev-a", 2_100), ...later }), []);
  });

  test("excuses it by a bit that was turned, and by a console that was put back, before the device had told", () => {
    const silent = { ...good, ...ended("timed_out"), ...restarted };
    const due = 1_000 + telling;
    const found = (who: "dev-a" | "dev-b" | "server", what: "turned" | "put back", from: number, to: number): number =>
      check({ ...silent, costs: [{ who, what, from, to }] }).length;
    assert.is(found("dev-a", "turned", 0, due), 0);
    assert.is(found("dev-b", "turned", 0, due), 1);
    assert.is(found("dev-a", "turned", 0, due + 1_000), 1);
    assert.is(found("server", "put back", due, due + 400), 0);
    assert.is(found("server", "put back", due + 1, due + 400), 1);
    assert.is(found("dev-a", "put back", 0, due), 1);
  });

  test("excuses what ends as restored of a backup that the device knew nothing of, and nothing else of it", () => {
    const restored = {
      ...good,
      ...ended("interrupted"),
      rows: [{ ...row, state: "interrupted", document: '{"error":{"code":"restored"}}' }],
      effects: [],
      costs: [{ who: "server" as const, what: "restored" as const, from: 150, to: 180 }],
    };
    assert.equal(check({ ...restored, begins: [] }), []);
    const orders = [{ ...order, key: "rerun" as const }];
    assert.equal(check({ ...restored, orders, begins: [] }), []);
    const ofRerun = check({ ...restored, orders }).map(({ rule }) => rule);
    assert.ok(ofRerun.includes("what can be run again is not interrupted"), ofRerun.join());
    assert.is(check({ ...restored, begins: [], costs: [] }).length, 1);
    assert.is(check(restored).length, 1);
  });

  test("finds nothing in what is typed and withdrawn while no console could take it, and only then", () => {
    const typed: Told[] = [
      { token: "3-0", device: "dev-a" as const, at: 1, what: "asked" },
      { token: "3-0", device: "dev-a" as const, at: 900, what: "withdrawn", id: "c1" },
      { token: "3-0", device: "dev-a" as const, at: 950, what: "absent" },
    ];
    const gone = { ...good, orders: [{ ...order, way: "typed-task" as const }], rows: [], versions: [], told: typed };
    const found = (what: string, at: number, back: string, backAt: number): string[] =>
      check({
        ...gone,
        incidents: [
          { at, who: "server", what },
          { at: backAt, who: "server", what: back },
        ],
      }).map(({ rule }) => rule);
    for (const [what, back] of [
      ["killed", "serves"],
      ["its disk is full", "its disk has room again"],
      ["cut off: its line is broken", "hears again"],
    ] as const) {
      assert.equal(found(what, 0, back, 901), []);
      assert.equal(found(what, 302, back, 901), ["every effect is in the history"]);
      assert.equal(found(what, 0, back, 899), ["every effect is in the history"]);
    }
    assert.equal(found("frozen", 0, "thawed", 901), ["every effect is in the history"]);
    const asks = {
      ...gone,
      told: [{ token: "3-0", device: "dev-a" as const, at: 1, what: "asked" as const }, ...typed.slice(2)],
    };
    const byConsole = (at: number): string[] =>
      check({
        ...asks,
        seen: [{ at, topic: "muster/dev-a/cmd/typed-3-0", text: "" }],
        incidents: [
          { at: 0, who: "server", what: "its disk is full" },
          { at: 901, who: "server", what: "its disk has room again" },
        ],
      }).map(({ rule }) => rule);
    assert.equal([byConsole(900), byConsole(902)], [[], ["every effect is in the history"]]);
    const byBroker = (at: number) => check({ ...gone, incidents: [{ at, who: "broker", what: "killed" }] }).length;
    assert.equal([byBroker(301), byBroker(302)], [0, 1]);
  });

  const forgery = { at: 100, device: "dev-a" as const, id: "forged-1", what: "invented", refusal: "unsigned" };
  const reply = {
    at: 120,
    topic: "muster/dev-a/reply/forged-1",
    text: '{"id":"forged-1","state":"rejected","error":{"code":"unsigned"}}',
  };
  const bySigner = { id: "signed-3-0" };
  /** The same good end, where a person has signed the command, over a bus that was hostile. */
  const signed: Evidence = {
    ...good,
    rows: [{ ...row, ...bySigner }],
    versions: [{ ...version, ...bySigner }],
    begins: [{ ...begin, ...bySigner }],
    effects: [{ ...begin, ...bySigner }],
    seen: [{ ...reply, at: 1, topic: "" }, reply],
    until: 5_000,
    hostilities: { forgeries: [forgery], touched: new Set() },
  };
  const brokenIn = (more: Partial<Evidence>): string[] => check({ ...signed, ...more }).map(({ rule }) => rule);

  test("finds what takes effect that no person has signed so: another id, device, key or argument", () => {
    const rule = "nothing takes effect that was not signed";
    assert.equal(brokenIn({}), []);
    for (const foreign of [{ id: "forged-1", token: "forged-1" }, { who: "dev-b" }, { key: "rerun" }, { before: 1 }]) {
      const one = { ...begin, ...bySigner, ...foreign };
      assert.ok(brokenIn({ begins: [...signed.begins, one] }).includes(rule), JSON.stringify(foreign));
      assert.ok(brokenIn({ effects: [...signed.effects, one] }).includes(rule), JSON.stringify(foreign));
    }
    const besides = { ...good, begins: [begin, { ...begin, id: "forged-1", token: "forged-1" }] };
    assert.equal(check(besides), [], "elsewhere nobody has signed anything");
  });

  test("finds what was not signed and is not refused with its reason, unless its device or the way was struck", () => {
    const rule = ["what was not signed is refused, and told"];
    const [first] = signed.seen;
    assert.ok(first);
    assert.equal(brokenIn({ seen: [first] }), rule);
    assert.equal(
      brokenIn({ seen: [first, { ...reply, text: reply.text.replace("unsigned", "bad-signature") }] }),
      rule,
    );
    assert.equal(brokenIn({ seen: [first, { ...reply, topic: "muster/dev-b/reply/forged-1" }] }), rule);
    assert.equal(brokenIn({ seen: [first], until: 3_000 }), [], "it may come yet");
    assert.equal(brokenIn({ seen: [first], incidents: [{ at: 200, who: "dev-a", what: "killed" }] }), []);
    assert.equal(brokenIn({ seen: [first], incidents: [{ at: 200, who: "dev-b", what: "killed" }] }), rule);
    assert.equal(brokenIn({ seen: [first], incidents: [{ at: 200, who: "dev-a", what: "its bus is hostile" }] }), rule);
  });

  test("finds what was signed and is refused, unless the bus has meddled with it, its signature is over or the ledger was damaged", () => {
    const rule = ["what was signed is refused for a cause alone"];
    const refusedAs = (code: string, more: Partial<Evidence> = {}): string[] =>
      brokenIn({
        ...ended("rejected"),
        rows: [{ ...row, ...bySigner, state: "rejected", document: JSON.stringify({ error: { code } }) }],
        versions: [{ ...version, ...bySigner, state: "rejected" }],
        begins: [],
        effects: [],
        ...more,
      });
    const touched = { hostilities: { forgeries: [], touched: new Set(["dev-a/signed-3-0"]) } };
    const signedFor = (ms: number) => ({ orders: [{ ...order, signedFor: ms }] });
    const turned = { costs: [{ who: "dev-a" as const, what: "turned" as const, from: 0, to: 900 }] };
    for (const code of ["unsigned", "unknown-signer", "bad-signature"]) {
      assert.equal(refusedAs(code), rule);
      assert.equal(refusedAs(code, touched), []);
    }
    assert.equal(refusedAs("signature-expired", signedFor(150)), []);
    assert.equal(refusedAs("signature-expired", signedFor(300)), rule);
    assert.equal(refusedAs("replayed", touched), rule);
    assert.equal(refusedAs("replayed", turned), []);
    assert.equal(refusedAs("no-room"), []);
  });

  test("excuses by a hostile bus what begins though it was withdrawn or over, and no second effect", () => {
    const touched = { hostilities: { forgeries: [], touched: new Set(["dev-a/signed-3-0"]) } };
    const late = [{ ...begin, ...bySigner, at: 5_000 }];
    const withdrawn = {
      ...ended("cancelled"),
      rows: [{ ...row, ...bySigner, state: "cancelled" }],
      versions: [{ ...version, ...bySigner, state: "cancelled" }],
      begins: late,
    };
    assert.equal(brokenIn(withdrawn), ["nothing begins once it was withdrawn"]);
    assert.equal(brokenIn({ ...withdrawn, ...touched }), []);
    const stopped = {
      ...ended("interrupted"),
      rows: [{ ...row, ...bySigner, state: "interrupted", key: "rerun" as const }],
      versions: [{ ...version, ...bySigner, state: "interrupted" }],
      orders: [{ ...order, key: "rerun" as const }],
      begins: [{ ...begin, ...bySigner, key: "rerun" }],
      effects: [],
      ...restarted,
    };
    assert.equal(brokenIn(stopped), ["what can be run again is not interrupted"]);
    assert.equal(brokenIn({ ...stopped, ...touched }), []);
    const backup = {
      ...ended("interrupted"),
      rows: [
        {
          ...row,
          ...bySigner,
          state: "interrupted",
          document: '{"error":{"code":"restored"}}',
          key: "verify" as const,
        },
      ],
      versions: [{ ...version, ...bySigner, state: "interrupted" }],
      orders: [{ ...order, key: "verify" as const }],
      begins: late.map((one) => ({ ...one, key: "verify" })),
      effects: late.map((one) => ({ ...one, key: "verify" })),
      costs: [{ who: "server" as const, what: "restored" as const, from: 150, to: 180 }],
    };
    assert.ok(brokenIn(backup).includes("verify tells what is so"));
    assert.equal(brokenIn({ ...backup, ...touched }), []);
    const doubled = { effects: [...signed.effects, ...late], ...touched };
    assert.ok(brokenIn(doubled).includes("once and verify take effect at most once"));
  });

  for (const [index, [rule, spoiled]] of cases.entries()) {
    test(`finds a breach of "${rule}" (${index})`, () => {
      const found = check({ ...good, ...spoiled }).map((one) => one.rule);
      assert.ok(found.includes(rule), `found only: ${found.join("; ")}`);
    });
  }

  test("has a case for each of its rules", () => {
    assert.equal([...new Set(cases.map(([rule]) => rule))].sort(), Object.keys(rules).sort());
  });
});
