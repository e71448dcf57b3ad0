import * as assert from "uvu/assert";
import type { SampleDocument } from "#api/device-routes";
import { suite } from "../../test/suite.ts";
import { mergeLatest, type Latest } from "../state/latest.ts";
import { endsOf, runsOf } from "./ends.ts";
import { maxLegendLines, namedLines } from "./legend.ts";
import { panels, type Panel } from "./panels.ts";
import { ranges, stepFor } from "./time-ranges.ts";
import { isCounter, pairRate, rate } from "./rates.ts";
import { historyReadings, liveReadings } from "./readings.ts";
import { ChartWindow } from "./window.ts";

const start = 1_800_000_000_000;

function panel(id: string): Panel {
  const found = panels.find((one) => one.id === id);
  if (!found) throw new Error(`no panel "${id}"`);
  return found;
}

const sample = (
  measurement: string,
  tags: Record<string, string>,
  ts: number,
  fields: SampleDocument["fields"],
): SampleDocument => ({
  measurement,
  tags,
  ts,
  fields,
});

const at = (ts: number, eth: number, wifi: number): SampleDocument[] => [
  sample("net", { interface: "eth0" }, ts, { bytes_recv: eth, bytes_sent: 0 }),
  sample("net", { interface: "wlan0" }, ts, { bytes_recv: wifi, bytes_sent: 0 }),
  sample("net", { interface: "lo" }, ts, { bytes_recv: ts, bytes_sent: ts }),
];

const shown = (id: string, tag: string, names: string[]): string[] =>
  names.filter((name) => panel(id).sources[0]?.line({ [tag]: name }) !== undefined);

const open = (span = 10_000, every = 1_000): ChartWindow => new ChartWindow({ span, every, combine: "max", to: start });

const value = (ts: number, line = "used", number = 1) => ({ ts, line, value: number });

suite("web chart rates", ({ test }) => {
  test("are growth per second, and none where a counter fell or time stood", () => {
    assert.is(rate([0, 100], [2_000, 300]), 100);
    assert.is(rate([0, 300], [2_000, 100]), undefined);
    assert.is(rate([5, 1], [5, 2]), undefined);
  });

  test("belong to Telegraf's counters only", () => {
    assert.ok(isCounter("net", "bytes_recv"));
    assert.ok(isCounter("diskio", "io_time"));
    assert.ok(isCounter("internal_agent", "file_bytes"), "what an agent writes");
    assert.not(isCounter("diskio", "iops_in_progress"));
    assert.not(isCounter("mem", "used"));
    assert.not(isCounter("garden", "bytes_recv"));
  });
});

suite("web chart readings", ({ test }) => {
  test("of history: counters become rates, a restart and an empty step leave a hole, loopback is left out", () => {
    const [received] = panel("net").sources;
    assert.ok(received);
    const readings = historyReadings(received, [
      {
        tags: { interface: "eth0" },
        points: [
          [0, 0],
          [1_000, 500],
          [2_000, null],
          [3_000, 700],
          [4_000, 10],
          [5_000, 20],
        ],
      },
      {
        tags: { interface: "lo" },
        points: [
          [0, 0],
          [1_000, 9_999],
        ],
      },
    ]);
    assert.equal(
      readings.map(({ ts, value }) => [ts, value]),
      [
        [1_000, 500],
        [3_000, 100],
        [5_000, 10],
      ],
    );
  });

  test("of live samples: the rate to the sample before, summed over interfaces by the window", () => {
    const first = mergeLatest(new Map(), at(start, 1_000, 50));
    const second = mergeLatest(first.latest, at(start + 1_000, 1_400, 150));
    const window = new ChartWindow({ span: 60_000, every: 1_000, combine: "sum", to: start });
    window.add(liveReadings(panel("net"), first.steps));
    window.add(liveReadings(panel("net"), second.steps));
    assert.equal(window.frame().lines, [
      { name: "received", cells: [500] },
      { name: "sent", cells: [0] },
    ]);
  });

  test("leave out what is counted twice: partitions, loop devices, single cores", () => {
    assert.equal(
      shown("diskio", "name", ["sda", "sda1", "nvme0n1", "nvme0n1p2", "mmcblk0", "mmcblk0p1", "loop3", "dm-0"]),
      ["sda", "nvme0n1", "mmcblk0"],
    );
    assert.equal(shown("cpu", "cpu", ["cpu-total", "cpu0"]), ["cpu-total"]);
    assert.equal(shown("net", "interface", ["eth0", "lo", "wlan0", "veth12ab", "docker0"]), ["eth0", "wlan0"]);
  });

  test("of processor time: busy is what is not idle", () => {
    const { steps } = mergeLatest(new Map(), [
      sample("cpu", { cpu: "cpu-total" }, start, { usage_idle: 75, usage_system: 5 }),
    ]);
    assert.equal(
      liveReadings(panel("cpu"), steps).map(({ line, value }) => [line, value]),
      [
        ["busy", 25],
        ["system", 5],
      ],
    );
  });
});

suite("web latest values", ({ test }) => {
  test("take only newer samples, whatever the order and the order of tags", () => {
    const newer = sample("disk", { path: "/", device: "sda1" }, start + 1_000, { used: 2 });
    const older = sample("disk", { device: "sda1", path: "/" }, start, { used: 1 });
    const { latest, steps } = mergeLatest(new Map(), [newer, older, newer]);
    assert.is(latest.size, 1);
    assert.equal(steps, [{ sample: older }, { sample: newer, before: older }]);
  });

  test("a field that a sample leaves out stays, and is no new value of a chart", () => {
    const both = sample("room", {}, start, { temperature: 20, humidity: 40 });
    const one = sample("room", {}, start + 1_000, { temperature: 35 });
    const { latest, steps } = mergeLatest(mergeLatest(new Map(), [both]).latest, [one]);
    assert.equal(steps, [{ sample: one, before: both }]);
    const [known] = [...latest.values()];
    assert.equal(known?.sample, { ...one, fields: { temperature: 35, humidity: 40 }, times: { humidity: start } });
    const later = mergeLatest(latest, [sample("room", {}, start + 2_000, { humidity: 42 })]);
    assert.is(later.steps[0] && pairRate(later.steps[0], "humidity"), 1, "a rate is by the field's own times");
  });
});

suite("web chart window", ({ test }) => {
  test("drops the oldest at the left as new ones come at the right", () => {
    const window = open();
    for (let second = 0; second <= 30; second++) window.add([value(start + second * 1_000)]);
    const frame = window.frame();
    assert.is(frame.points, 11);
    assert.is(frame.times[0], start + 20_000);
    assert.is(frame.last, start + 30_000);
    assert.equal([frame.from, frame.to], [start + 20_000, start + 30_000]);
  });

  test("averages what falls into one step, and keeps the newest moment", () => {
    const window = open(100_000, 10_000);
    window.add([value(start, "used", 10), value(start + 4_000, "used", 20), value(start + 8_000, "used", 60)]);
    const frame = window.frame();
    assert.equal(frame.times, [start + 8_000]);
    assert.equal(frame.lines, [{ name: "used", cells: [30], ends: [[10, 60]] }]);
  });

  test("knows between which values a mean lies: of what is shown, of several series, and not of a counter", () => {
    const points = [
      [start, 50],
      [start + 1_000, 50],
    ] as const;
    const series = [{ tags: { cpu: "cpu-total" }, points, lows: [2, 50], highs: [90, 50] }];
    const [idle] = panel("cpu").sources;
    assert.ok(idle);
    assert.equal(
      historyReadings(idle, series).map(({ ends }) => ends),
      [
        [10, 98],
        [50, 50],
      ],
    );
    const counter = { measurement: "net", field: "bytes_recv", counter: true, line: () => "received" } as const;
    assert.is(historyReadings(counter, series)[0]?.ends, undefined);
    const of = (combine: Panel["combine"]) => {
      const window = new ChartWindow({ span: 60_000, every: 1_000, combine, to: start });
      window.add([
        { ts: start, line: "x", value: 5, ends: [1, 9] },
        { ts: start, line: "x", value: 6, ends: [4, 7] },
      ]);
      return window.frame().lines;
    };
    assert.equal(of("sum"), [{ name: "x", cells: [11], ends: [[5, 16]] }]);
    assert.equal(of("max"), [{ name: "x", cells: [6], ends: [[4, 9]] }]);
  });

  test("its band goes around each mean, and not over a gap; the axis reaches its ends", () => {
    const ends = [[1, 3], undefined, undefined, [2, 8], [2, 2]] as const;
    const line = { name: "x", cells: [2, undefined, null, 4, 2], ends };
    assert.equal(runsOf(line), [[0], [3, 4]]);
    assert.equal(runsOf({ cells: [1, 2] }), []);
    const frame = { times: [1, 2, 3, 4, 5], lines: [line], points: 3, last: 5, from: 0, to: 5 };
    assert.equal(endsOf(frame, 2, 4), [1, 8]);
  });

  test("breaks a line where nothing was heard, and not where only another line has a value", () => {
    const window = open(60_000);
    window.add([0, 1, 2, 20, 21].map((second) => value(start + second * 1_000)));
    window.add([value(start + 22_000, "swap", 5)]);
    const { lines, points, times } = window.frame();
    assert.is(points, 6);
    assert.is(times.length, 7);
    assert.equal(lines[0]?.cells, [1, 1, 1, null, 1, 1, undefined]);
    assert.equal(lines[1]?.cells, [undefined, undefined, undefined, null, undefined, undefined, 5]);
  });

  test("ignores what is older than its newest step, and is empty without readings", () => {
    const window = open();
    assert.equal(window.frame().times, []);
    assert.is(window.frame().last, undefined);
    window.add([value(start + 5_000)]);
    window.add([value(start + 1_000)]);
    assert.is(window.frame().points, 1);
  });

  test("has for each range a round step and at most 360 points", () => {
    assert.equal(
      ranges.map(({ span }) => stepFor(span) / 1_000),
      [1, 3, 10, 60, 300, 3_600],
    );
  });
});

suite("a chart's legend", ({ test }) => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `/mnt/${index}`, cells: [index, 100 - index, null] }));

  test("names every line with its newest value, or the one that is pointed at", () => {
    assert.equal(namedLines(lines(2), undefined), {
      named: [
        { name: "/mnt/0", index: 0, value: 100 },
        { name: "/mnt/1", index: 1, value: 99 },
      ],
      more: 0,
    });
    assert.equal(
      namedLines(lines(2), 0).named.map(({ value }) => value),
      [0, 1],
    );
    assert.equal(
      namedLines(lines(1), 2).named.map(({ value }) => value),
      [undefined],
    );
    assert.equal([namedLines(lines(maxLegendLines), undefined).more], [0]);
  });

  test("of very many lines names the highest, in their order and colours, and counts the others", () => {
    const { named, more } = namedLines(lines(maxLegendLines + 30), 0);
    assert.is(more, 30);
    assert.equal(
      named.map(({ index }) => index),
      Array.from({ length: maxLegendLines }, (_, at) => at + 30),
    );
  });
});

suite("newest values on the page", ({ test }) => {
  test("one that stands in the future hides nothing newer; an older one changes nothing", () => {
    const at = (ts: number, value: number) => sample("mem", {}, ts, { used_percent: value });
    const shown = (...samples: SampleDocument[]): unknown => {
      let latest: Latest = new Map();
      for (const one of samples) ({ latest } = mergeLatest(latest, [one], false, start));
      return [...latest.values()].map(({ sample: { fields } }) => fields["used_percent"]);
    };
    assert.equal(shown(at(start + 8 * 86_400_000, 1), at(start, 2)), [2]);
    assert.equal(shown(at(start, 1), at(start - 1_000, 2)), [1]);
    assert.equal(shown(at(start + 60_000, 1), at(start, 2)), [1]);
  });
});
