import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import type { Cost } from "../striker.ts";
import type { Kept } from "./check.ts";
import { mayHaveGone, simpleMayHaveGone, type Ledger } from "./costs.ts";
import type { Role } from "../setting.ts";
import { Remains } from "./remains.ts";

const sample = { at: 1_000, n: 7 };
const batch: Kept = { who: "dev-a", outbox: "o", seq: 5, on: 1_000, at: [sample.at], n: [sample.n] };
const acked = [{ who: "dev-a", outbox: "o", on: 1_100, ranges: [[4, 6]] }] as const;
const none: Ledger = { costs: [], acked, kept: [batch], store: "embedded", damage: [], looks: [], remains: new Map() };
const turned = (file: string, more: Partial<Cost> = {}): Cost => ({
  who: "server",
  what: "turned",
  from: 0,
  to: 2_000,
  file,
  ...more,
});
const putBack = (who: Role, from: number, to: number): Cost => ({ who, what: "put back", from, to });

interface Case {
  readonly cost: Cost;
  readonly may: boolean;
  readonly ledger?: Partial<Ledger>;
  /** What still reads, where it was looked at. */
  readonly left?: readonly { readonly at: number; readonly n: number }[];
}

/** An ack of a number behind the batch. */
const word = (on: number) => [{ who: "dev-a", outbox: "o", on, ranges: [[9, 9]] }] as const;
const told = (place: string, seen = 2_500) => ({ damage: [{ place, seen }] });

const ofBatches: Readonly<Record<string, Case>> = {
  "an agent put back, written since, no ack": { cost: putBack("dev-a", 900, 1_050), may: true, ledger: { acked: [] } },
  "an agent put back, written before": { cost: putBack("dev-a", 1_001, 1_050), may: false, ledger: { acked: [] } },
  "an agent put back, acknowledged meanwhile": { cost: putBack("dev-a", 900, 1_150), may: false },
  "another agent put back": { cost: putBack("dev-b", 900, 1_050), may: false, ledger: { acked: [] } },
  "the console put back, acknowledged since": { cost: putBack("server", 1_100, 1_500), may: true },
  "the console put back, acknowledged before": { cost: putBack("server", 1_101, 1_500), may: false },
  "the console put back, never acknowledged": {
    cost: putBack("server", 900, 1_500),
    may: false,
    ledger: { acked: [] },
  },
  "the console put back beside InfluxDB": {
    cost: putBack("server", 900, 1_500),
    may: false,
    ledger: { store: "influx" },
  },
  "the console put back, told since that it had left": {
    cost: putBack("server", 900, 1_500),
    may: true,
    ledger: { acked: word(1_100), store: "influx" },
  },
  "the console put back, told before that it had left": {
    cost: putBack("server", 1_101, 1_500),
    may: false,
    ledger: { acked: word(1_100), store: "influx" },
  },
  "the console put back, and what it was told since had samples": {
    cost: putBack("server", 900, 1_500),
    may: false,
    ledger: { acked: word(1_100), kept: [batch, { ...batch, seq: 9 }], store: "influx" },
  },
  "the console put back, told since of others": {
    cost: putBack("server", 900, 1_500),
    may: false,
    ledger: { acked: [...acked, ...word(1_100)], store: "influx" },
  },
  "the store's log, where it reads no more": { cost: turned("metrics.db-wal"), may: true, left: [] },
  "the store's log, where it still reads": { cost: turned("metrics.db-wal"), may: false, left: [sample] },
  "the store's log, which nobody has looked at": { cost: turned("metrics.db-wal"), may: false },
  "the store's file, which was told": {
    cost: turned("metrics.db"),
    may: true,
    left: [sample],
    ledger: told("metrics.db"),
  },
  "the store's file, of which another was told": {
    cost: turned("metrics.db"),
    may: false,
    left: [sample],
    ledger: told("spool.db"),
  },
  "the store's file, told before it was turned": {
    cost: turned("metrics.db"),
    may: false,
    left: [sample],
    ledger: told("metrics.db", 1_999),
  },
  "the store's file, taken afterwards": {
    cost: turned("metrics.db", { to: 500 }),
    may: false,
    left: [],
    ledger: told("metrics.db"),
  },
  "the store's file beside InfluxDB": { cost: turned("metrics.db"), may: false, left: [], ledger: { store: "influx" } },
  "the word of a gap that nobody has seen": { cost: turned("muster.db"), may: true, ledger: { looks: [1_000] } },
  "the word of a gap that was looked for": { cost: turned("muster.db"), may: false, ledger: { looks: [1_200] } },
  "a file that has no samples": { cost: turned("files.json"), may: false, ledger: told("files.json") },
};

const ofSimple: Readonly<Record<string, Case & { readonly on: number }>> = {
  "in the spool's log a moment ago": { cost: turned("spool.db-wal"), on: 1_900, may: true },
  "in the spool's log long ago": { cost: turned("spool.db-wal", { to: 9_000 }), on: 1_900, may: false },
  "in the spool's file, told": { cost: turned("spool.db"), on: 1_900, may: true, ledger: told("spool.db") },
  "in the spool's file, untold": { cost: turned("spool.db"), on: 1_900, may: false },
  "after it": { cost: turned("spool.db-wal", { to: 1_000 }), on: 1_900, may: false },
  "put back, acknowledged since": { cost: putBack("server", 1_900, 2_000), on: 1_900, may: true },
  "put back, acknowledged before": { cost: putBack("server", 1_901, 2_000), on: 1_900, may: false },
  "in the console's state": { cost: turned("muster.db"), on: 1_900, may: false, ledger: told("muster.db") },
  "in the store, where it reads no more": { cost: turned("metrics.db-wal"), on: 1_900, may: true, left: [] },
  "in the store, where it still reads": { cost: turned("metrics.db-wal"), on: 1_900, may: false, left: [sample] },
};

const ledgerOf = ({ cost, ledger, left }: Case): Ledger => ({
  ...none,
  costs: [cost],
  remains: new Map(left ? [[cost, new Remains(left)]] : []),
  ...ledger,
});

suite("chaos: what was done to a directory may have cost", ({ test }) => {
  for (const [name, one] of Object.entries(ofBatches))
    test(`${one.may ? "" : "not "}a sample: ${name}`, () =>
      assert.is(mayHaveGone(ledgerOf(one), batch, sample), one.may));

  for (const [name, one] of Object.entries(ofSimple))
    test(`${one.may ? "" : "not "}a simple sample: ${name}`, () =>
      assert.is(simpleMayHaveGone(ledgerOf(one), one.on, sample), one.may));
});
