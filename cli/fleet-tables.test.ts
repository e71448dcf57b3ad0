import * as assert from "uvu/assert";
import type { DeviceDocument } from "#api/device-routes";
import { suite } from "../test/suite.ts";
import { deviceTable } from "./fleet-tables.ts";

suite("the fleet as a table", ({ test }) => {
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
