import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { checkAlerts, type AlertEvidence, type SeenAlert } from "./check.ts";
import { isHighAt, nextNumber, wordOf } from "./wave.ts";

/** One sample each 100 ms from 1,000 on, by `h` where it is high: in batches of one, each acknowledged at once. */
function measured(wave: string, lost: readonly number[] = []): Pick<AlertEvidence, "kept" | "acked" | "stored"> {
  let n = 0;
  const all = wave.split("").map((one, place) => ({
    at: 1_000 + 100 * place,
    n: (n = nextNumber(n, one === "h" ? "high" : one === "l" ? "low" : "nothing")),
  }));
  return {
    kept: all.map((one, seq) => ({ who: "dev-a", outbox: "o", seq, on: one.at, at: [one.at], n: [one.n] })),
    acked: all.map(({ at }, seq) => ({ who: "dev-a", outbox: "o", on: at + 20, ranges: [[seq, seq]] })),
    stored: all.filter(({ at }) => !lost.includes(at)),
  };
}

const alert = (id: string, since: number, resolved: number | null): SeenAlert => ({
  id,
  since,
  resolved,
  why: null,
  history: [],
});

const notice = (id: string, kind: string, since: number) => ({
  alert: id,
  kind,
  device: "dev-a",
  since,
  on: since + 50,
});

const told = (...alerts: readonly SeenAlert[]) =>
  alerts.flatMap(({ id, since, resolved }) => [
    notice(id, "firing", since),
    ...(resolved === null ? [] : [notice(id, "resolved", since)]),
  ]);

/** Twice high, from 1,100 to 1,200 and from 1,400 on. */
const wave = "lhhlhl";
const [one, two] = [alert("one", 1_100, 1_300), alert("two", 1_400, 1_500)];

const cases: readonly {
  readonly what: string;
  readonly of?: Partial<AlertEvidence>;
  readonly alerts?: readonly SeenAlert[];
  readonly found: readonly string[];
}[] = [
  { what: "each crossing once", found: [] },
  { what: "a crossing without an alert", alerts: [one], found: ["each crossing fires"] },
  {
    what: "a crossing of two alerts",
    alerts: [alert("one", 1_100, 1_300), alert("more", 1_200, 1_300), two],
    found: ["each crossing fires once"],
  },
  {
    what: "two where a low sample between them was lost afterwards",
    of: measured("lhlhl", [1_200]),
    alerts: [alert("one", 1_100, 1_200), alert("more", 1_300, 1_400)],
    found: [],
  },
  {
    what: "an alert of a time in which nothing was high",
    alerts: [one, two, alert("no", 1_300, 1_500)],
    found: ["each crossing fires once", "an alert is of what was measured"],
  },
  { what: "an end that nobody has found", alerts: [one, alert("two", 1_400, null)], found: ["each end is told"] },
  { what: "an alert that lasts", of: measured("lhhlh"), alerts: [one, alert("two", 1_400, null)], found: [] },
  {
    what: "an end at a time that was not low",
    alerts: [alert("one", 1_100, 1_250), two],
    found: ["an alert is of what was measured"],
  },
  {
    what: "one alert for both, though all came in their order",
    alerts: [alert("one", 1_100, 1_500)],
    found: ["two crossings are two alerts"],
  },
  {
    what: "the same where the low one between came late",
    of: { acked: measured(wave).acked.map((ack, seq) => (seq === 3 ? { ...ack, on: 5_000 } : ack)) },
    alerts: [alert("one", 1_100, 1_500)],
    found: [],
  },
  { what: "a notice that has not come", of: { received: told(one) }, found: ["each alert is delivered"] },
  {
    what: "one that has come twice",
    of: { received: [...told(one, two), notice("two", "resolved", 1_400)] },
    found: [],
  },
  {
    what: "word of an alert that there is not",
    of: { received: [...told(one, two), notice("no", "firing", 1_400)] },
    found: ["nothing is told of what did not happen"],
  },
  {
    what: "word of one that stands for many",
    of: { received: [...told(one, two), notice("many", "firing", 1_400)], ofMany: new Set(["many"]) },
    found: [],
  },
  {
    what: "word of an end that there is not",
    of: { ...measured("lhhlh"), received: told(one, two) },
    alerts: [one, alert("two", 1_400, null)],
    found: ["nothing is told of what did not happen"],
  },
  {
    what: "what a directory that was put back may have lost",
    of: { clouds: [[1_000, 2_000]], received: told(one) },
    alerts: [],
    found: [],
  },
  {
    what: "an agent on a copied directory, of whose samples the rule sees nothing",
    of: measured("lhchlcchcl"),
    alerts: [alert("one", 1_100, 1_400), alert("two", 1_700, 1_900)],
    found: [],
  },
  { what: "what was before the rule", of: { from: 1_300 }, alerts: [two], found: [] },
];

suite("chaos: what is checked of alerts", ({ test }) => {
  for (const { what, of = {}, alerts = [one, two], found } of cases)
    test(what, () => {
      const common = {
        device: "dev-a",
        from: 0,
        now: 9_000,
        clouds: [],
        struck: [],
        ofMany: new Set<string>(),
        received: told(...alerts),
      };
      const rules = checkAlerts({ ...common, ...measured(wave), alerts, ...of }).map(({ rule }) => rule);
      assert.equal(rules, found);
    });

  test("numbers tell the wave, grow, and follow the clock", () => {
    for (const word of ["low", "high", "nothing"] as const)
      for (const n of [7, 8, 9]) {
        const next = nextNumber(n, word);
        assert.ok(next > n && next <= n + 3);
        assert.is(wordOf(next), word);
      }
    assert.equal([0, 2_199, 2_200, 4_999, 5_000].map(isHighAt), [true, true, false, false, true]);
  });
});
