import * as assert from "uvu/assert";
import type { SampleDocument, SampleTags } from "#api/device-routes";
import { suite } from "../../test/suite.ts";
import { looksByName, looksOf } from "../state/field-looks.ts";
import { maxOwnPanels, maxPanelFields, panelsOf } from "./own-panels.ts";
import { panels } from "./panels.ts";

type Sent = readonly [measurement: string, fields: SampleDocument["fields"], tags?: SampleTags];

const latestOf = (sent: readonly Sent[]): readonly SampleDocument[] =>
  sent.map(([measurement, fields, tags = {}]) => ({ measurement, tags, ts: 1_000, fields }));

const charted = (sent: readonly Sent[], own?: number) =>
  panelsOf(latestOf(sent), { looks: looksByName, hasAgent: false, ...(own === undefined ? {} : { own }) });

const shown = (sent: readonly Sent[], own?: number): string[] => charted(sent, own).shown.map(({ id }) => id);

const machine: readonly Sent[] = [
  ["cpu", { usage_idle: 90 }, { cpu: "cpu-total" }],
  ["cpu", { usage_idle: 90 }, { cpu: "cpu0" }],
  ["mem", { used_percent: 50, available: 1 }],
  ["net", { bytes_recv: 1, bytes_sent: 1 }, { interface: "eth0" }],
  ["system", { load1: 1, uptime: 5 }],
  ["system", { uptime_format: "1 day" }],
  ["kernel", { boot_time: 1 }],
];

suite("which charts a device has", ({ test }) => {
  const cases: readonly (readonly [what: string, sent: readonly Sent[], ids: string[]])[] = [
    ["those that were designed, where it measures one", machine, ["cpu", "mem", "net", "load"]],
    [
      "temperature, where there is a sensor",
      [...machine, ["temp", { temp: 40 }, { sensor: "soc" }]],
      ["cpu", "mem", "net", "load", "temp"],
    ],
    [
      "of a loopback alone, no network",
      [
        ["net", { bytes_recv: 1 }, { interface: "lo" }],
        ["room", { on: true }],
      ],
      ["room.on"],
    ],
    ["one field", [["room", { temperature: 21 }]], ["room.temperature"]],
    [
      "fields of one unit together, each other unit by itself",
      [["room", { temperature: 21, temperature_outside: 3, humidity: 40 }]],
      ["room.humidity", "room.°C"],
    ],
    ["what has no unit by itself", [["app", { jobs: 1, users: 2 }]], ["app.jobs", "app.users"]],
    [
      "texts and yes or no together, as bands",
      [["door", { open: true, state: "locked", battery: 90 }]],
      ["door.battery", "door.states"],
    ],
    ["a measurement that only has a known one's name", [["system", { temperature: 40 }]], ["system.temperature"]],
    ["a known one without the usual tags", [["temp", { temp: 21 }]], ["temp"]],
    [
      "a machine's and its own",
      [...machine, ["room", { temperature: 21 }]],
      ["cpu", "mem", "net", "load", "room.temperature"],
    ],
    [
      "what no chart was designed for, where there is nothing else",
      [["kernel", { boot_time: 1 }]],
      ["kernel.boot_time"],
    ],
    ["none, of nothing", [], []],
  ];
  for (const [what, sent, ids] of cases) test(what, () => assert.equal(shown(sent), ids));

  test("what else every machine measures comes when asked for", () => {
    const few = charted(machine);
    assert.equal([few.own, few.more > 0], [0, true]);
    const all = charted(machine, few.more);
    assert.equal([all.own, all.more], [few.more, 0]);
    assert.ok(all.shown.some(({ id }) => id === "kernel.boot_time"));
    assert.equal(
      all.shown.filter(({ id }) => id.startsWith("net.")).map(({ unit, sources }) => [unit, sources[0]?.counter]),
      [["bytes/s", true]],
    );
  });

  test("an agent that has not spoken yet has the designed ones, for what is in the store", () => {
    assert.is(panelsOf([], { looks: looksByName, hasAgent: true }).shown, panels);
  });

  test("no more charts at once than there is room for, and no more fields in one", () => {
    const fields = (count: number, suffix: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}${suffix}`, at]));
    const many = charted([["m", fields(maxOwnPanels + 5, "")]]);
    assert.equal([many.own, many.more], [maxOwnPanels, 5]);
    assert.is(charted([["m", fields(maxOwnPanels + 5, "")]], 2 * maxOwnPanels).more, 0);
    const wide = charted([["m", fields(maxPanelFields + 1, "_watts")]]).shown;
    assert.equal(
      wide.map(({ id, title, sources }) => [id, title, sources.length]),
      [
        ["m.W", "m, W", maxPanelFields],
        ["m.f9_watts", "m f9_watts", 1],
      ],
    );
    assert.is(charted([["m", fields(maxPanelFields, "_watts")]]).shown.length, 1);
  });

  test("lines are named by what tells them apart", () => {
    const names = (sent: readonly Sent[]): (string | undefined)[] => {
      const [panel] = charted(sent).shown;
      return sent.flatMap(([, , tags = {}]) => (panel?.sources ?? []).map(({ line }) => line(tags)));
    };
    assert.equal(names([["room", { temperature: 1 }]]), ["temperature"]);
    assert.equal(names([["room", { temperature: 1 }, { floor: "1" }]]), ["temperature"]);
    assert.equal(
      names([
        ["room", { temperature: 1 }, { house: "a", floor: "1" }],
        ["room", { temperature: 1 }, { house: "a", floor: "2" }],
      ]),
      ["1", "2"],
    );
    assert.equal(
      names([
        ["room", { on: true, open: "no" }, { floor: "1" }],
        ["room", { on: true }, {}],
      ]),
      ["1: on", "1: open", "on", "open"],
    );
    const [panel] = charted([["room", { temperature: 1 }, { floor: "1" }]]).shown;
    assert.is(panel?.sources[0]?.line({ floor: "3" }), "3", "one that is in the store alone");
  });

  test("a chart goes on for as long as its lines are the same", () => {
    const one: Sent = ["room", { temperature: 1 }];
    assert.is(charted([one]).shown[0]?.key, charted([one]).shown[0]?.key);
    assert.is.not(
      charted([one]).shown[0]?.key,
      charted([["room", { temperature: 1, temperature_2: 1 }]]).shown[0]?.key,
    );
  });

  test("they are called and measured as somebody has said, and their axes have the range that was said", () => {
    const looks = looksOf({
      room: {
        title: "Living room",
        description: "Upstairs",
        fields: {
          t: { unit: "°C", title: "Temperature", min: -10, max: 40 },
          rh: { unit: "%", title: "Humidity", description: "Relative", max: 100 },
          out: { unit: "°C", min: -30 },
        },
      },
      temp: { fields: { temp: { unit: "°F", by: "ann" } } },
      tank: {
        fields: { level: { title: "Water in the tank", unit: "" }, pumped: { counter: true, unit: "l", min: 5 } },
      },
    });
    const latest = latestOf([
      ["room", { t: 1, rh: 2, out: 3 }],
      ["temp", { temp: 100 }, { sensor: "soc" }],
      ["tank", { level: 4, pumped: 8 }],
    ]);
    const { shown } = panelsOf(latest, { looks, hasAgent: false });
    assert.equal(
      shown.map(({ title, unit, description, range }) => [title, unit, description, range]),
      [
        ["Temperature", " °F", undefined, undefined],
        ["Living room, °C", "celsius", "Upstairs", { min: -30, max: 40 }],
        ["Living room: Humidity", "percent", "Relative", { min: undefined, max: 100 }],
        ["Water in the tank", "number", undefined, undefined],
        ["tank pumped", " l/s", undefined, undefined],
      ],
    );
    assert.equal(
      shown[1]?.sources.map(({ line }) => line({})),
      ["out", "Temperature"],
    );
  });
});
