import * as assert from "uvu/assert";
import type { DeviceDocument, PresenceDocument } from "#api/device-routes";
import { silentByDefault, type Liveness } from "#shared/liveness";
import { suite } from "../../test/suite.ts";
import { fleet, forgetFleet, takeDevice, takePresence, takeSamples } from "./fleet-state.ts";
import { nextMoment } from "./newest.ts";
import { now } from "./now.ts";

const start = 1_800_000_000_000;

const device = (id: string, more: Partial<PresenceDocument> = {}): DeviceDocument => ({
  id,
  online: false,
  since: null,
  lastSeen: start,
  reason: null,
  boot: null,
  session: null,
  agent: null,
  interval: null,
  paused: false,
  facts: {},
  commands: {},
  problem: null,
  skew: null,
  latest: [],
  missing: 0,
  ...more,
});

const sends = (id: string, at: number): void => {
  now.value = at;
  takeSamples({ device: id, samples: [{ measurement: "room", tags: {}, ts: at, fields: { temperature: 21 } }] });
};

const stateOf = (id: string): Liveness | undefined => fleet.value.get(id)?.state.value;

suite("how devices are, on the page", ({ test }) => {
  test("what only publishes is reporting, and silent once its rhythm is over, by the clock alone", () => {
    now.value = start;
    takeDevice(device("esp", { silentAfter: 65_000 }));
    takeDevice(device("pi", { online: true, boot: "b" }));
    takeDevice(device("off", { boot: "b" }));
    assert.equal([stateOf("esp"), stateOf("pi"), stateOf("off")], ["reporting", "online", "offline"]);
    now.value = start + 65_001;
    assert.is(stateOf("esp"), "silent");
    sends("esp", start + 70_000);
    assert.is(stateOf("esp"), "reporting");
    forgetFleet();
  });

  test("of one that has just come the page hears the rhythm itself", () => {
    now.value = start;

    takeDevice(device("esp", { silentAfter: silentByDefault }));
    for (let round = 0; round < 3; round++) sends("esp", start + round * 10_000);
    assert.is(fleet.value.get("esp")?.silentAfter.value, 35_000);
    now.value = start + 20_000 + 35_001;
    assert.is(stateOf("esp"), "silent");
    forgetFleet();
  });

  test("a console of before tells no rhythm: it is heard, or the usual one counts", () => {
    now.value = start + silentByDefault;
    takeDevice(device("esp"));
    assert.is(stateOf("esp"), "reporting");
    now.value += 1;
    assert.is(stateOf("esp"), "silent");
    forgetFleet();
  });

  test("what was fetched is no word of its presence: by such a one it is fetched anew", () => {
    takeDevice(device("esp"));
    takeDevice(device("esp", { problem: "no room" }));
    const tracked = fleet.value.get("esp");
    assert.is(tracked?.told.value, 0);
    takePresence(device("esp"));
    assert.is(tracked?.told.value, 1);
    forgetFleet();
  });

  test("what was asked for before something newer was told has no say", () => {
    const asked = nextMoment();
    takeDevice(device("esp"));
    takePresence(device("esp", { problem: "no room" }));
    takeDevice(device("esp"), asked);
    assert.is(fleet.value.get("esp")?.presence.value.problem, "no room");
    takeDevice(device("esp"));
    assert.is(fleet.value.get("esp")?.presence.value.problem, null);
    forgetFleet();
  });
});
