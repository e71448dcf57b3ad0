import * as assert from "uvu/assert";
import type { DeviceDocument } from "#api/device-routes";
import { suite } from "../test/suite.ts";
import { deviceTable } from "./fleet-tables.ts";

suite("the fleet as a table", ({ test }) => {
  test("has what people have said, where they have said any", () => {
    const device = { id: "rpi-7", online: true, lastSeen: 2, agent: "1", latest: [] } as unknown as DeviceDocument;
    const other = {
      ...device,
      id: "rpi-8",
      name: "Garage",
      groups: ["eu", "lab"],
      tags: ["outdoor"],
      note: "key at Ann",
    };
    assert.not.match(deviceTable([device], 3), /NAME|GROUPS|TAGS|NOTE/);
    const shown = deviceTable([device, other], 3);
    assert.match(shown, /^DEVICE +NAME +STATE .* IDENTITY +GROUPS +TAGS +NOTE/);
    assert.match(shown, /^rpi-8 +Garage +online .* eu lab +outdoor +key at Ann/m);
  });

  test("has the newest values, where a device was given other tags", () => {
    const load = (tags: Record<string, string>, ts: number, load1: number) => ({
      measurement: "system",
      tags,
      ts,
      fields: { load1 },
    });
    const device = { id: "rpi-7", online: true, lastSeen: 2, latest: [load({}, 1, 9), load({ site: "berlin" }, 2, 1)] };
    assert.match(deviceTable([device as unknown as DeviceDocument], 3), /rpi-7 .* 1\.00 /);
  });
});
