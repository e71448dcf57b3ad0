import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import type { UnitWordDocument } from "#api/unit-routes";
import { suite } from "../test/suite.ts";
import { deviceText } from "./device-text.ts";
import { sayUnit, type UnitFlags } from "./say-unit.ts";

const device = {
  id: "rpi-7",
  state: "online",
  lastSeen: 0,
  agent: "1",
  problem: null,
  reason: null,
  latest: [
    { measurement: "air", tags: { floor: "2" }, ts: 0, fields: { "pm2.5": 4, t: 21.5 } },
    { measurement: "room", tags: {}, ts: 0, fields: { temperature: 21, humidity: 40, power: "on" } },
    { measurement: "toString", tags: {}, ts: 0, fields: { valueOf: 1 } },
  ],
  measurements: { air: { fields: { t: { unit: "°C", title: "Upstairs\u001b[2J" } } } },
} as never;

/** A console that keeps what it is told. */
function place() {
  const said: object[] = [];
  const words: UnitWordDocument[] = [
    { scope: "default", measurement: "air", field: "t", unit: "", title: null, by: "ann", ts: 0 },
    { scope: "group:lab", measurement: "air", field: "t", unit: "K", title: "T", by: "bob", ts: 0 },
  ];
  const client = {
    getDevice: async () => device,
    listUnits: async () => ({ units: words }),
    setUnit: async (word: Partial<UnitWordDocument>) => {
      said.push(word);
      return { unit: null, title: null, by: "ann", ts: 0, ...word };
    },
  } as unknown as Client;
  const run = (text: string, flags: UnitFlags = {}): Promise<string> =>
    sayUnit(client, text.split(" ").filter(Boolean), flags, 0).catch(String);
  return { said, run };
}

suite("muster unit", ({ test }) => {
  test("says a unit and a title, for a device, a group and all, and takes them back", async () => {
    const { said, run } = place();
    assert.is(
      await run("rpi-7 air.t °F", { title: "Attic" }),
      "for device:rpi-7 air.t is in °F and is called Attic from now on",
    );
    assert.is(await run("air.t K", { group: "lab" }), "for group:lab air.t is in K from now on");
    assert.is(await run("air.t", { default: true, unset: true }), "of air.t nothing is said for default any more");
    await run("rpi-7 air.pm2.5 µg/m³");
    assert.match(
      await place().run("rpi-7 air.nosuch x"),
      /is in x from now on\nrpi-7 tells no air\.nosuch now: it is kept/,
    );
    assert.equal(said, [
      { scope: "device:rpi-7", measurement: "air", field: "t", unit: "°F", title: "Attic" },
      { scope: "group:lab", measurement: "air", field: "t", unit: "K" },
      { scope: "default", measurement: "air", field: "t", unit: null, title: null },
      { scope: "device:rpi-7", measurement: "air", field: "pm2.5", unit: "µg/m³" },
    ]);
  });

  test("shows what was said, for whom and by whom", async () => {
    const { run } = place();
    assert.match(
      await run(""),
      /FOR +FIELD +UNIT +TITLE +BY\ndefault +air\.t +\(none\) +ann\ngroup:lab +air\.t +K +T +bob/,
    );
    assert.not.match(await run("", { group: "lab" }), /default/);
    assert.match(await run("rpi-8 air.t"), /^nobody has said any: muster unit/);
    assert.match(await run("", { json: true }), /"scope": "group:lab"/);
  });

  test("a device's values stand with their units and titles, and nothing that a terminal obeys", async () => {
    const shown = deviceText(device, 0);
    assert.match(
      shown,
      /FIELD +VALUE +UNIT +TITLE\nair,floor=2\.pm2\.5 +4 +µg\/m³\nair,floor=2\.t +21\.5 +°C +Upstairs�\[2J\nroom\.temperature +21 +°C\nroom\.humidity +40 +%\nroom\.power +on\ntoString\.valueOf +1/,
    );
    assert.is(await place().run("rpi-7"), shown);
  });

  test("says what was meant where a word is none", async () => {
    const { run } = place();
    assert.match(await run("rpi-7 room °C"), /"room" is no field: expected MEASUREMENT\.FIELD/);
    assert.match(await run("rpi-7 air.t °C °F"), /°F: expected MEASUREMENT\.FIELD and a unit, and nothing more/);
    assert.match(await run("rpi-7", { unset: true }), /of which field\?/);
    assert.match(await run("rpi-7 air.t K", { unset: true }), /--unset takes unit and title back/);
  });
});
