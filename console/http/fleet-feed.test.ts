import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import type { Device } from "../devices/device.ts";
import { readColumns, type FleetRow } from "../devices/fleet-columns.ts";
import { Revisions } from "../devices/revisions.ts";
import { bundleEvery, FleetFeeds, maxBundleRows, type FeedOptions } from "./fleet-feed.ts";

suite("bundles of changes", ({ test }) => {
  test("are bounded, made once for all who follow, and what is left comes with the next", () => {
    const clock = new ManualClock();
    const revisions = new Revisions("life");
    const all = Array.from({ length: maxBundleRows + 1 }, (_, at) => ({ id: `d${at}` }) as unknown as Device);
    const changedAt = new Map<Device, number>();
    let made = 0;
    const registry: FeedOptions["registry"] = {
      revisions,
      changedSince: (revision, most) => {
        const devices = all.filter((one) => (changedAt.get(one) ?? 0) > revision).slice(0, most);
        const last = devices.at(-1);
        return { devices, upTo: (last && changedAt.get(last)) ?? revision };
      },
    };
    const rowOf = (device: Device): FleetRow => {
      made += 1;
      return { device } as unknown as FleetRow;
    };
    const feeds = new FleetFeeds({ registry, clock, rowOf, groupsOf: () => [] });
    const heard: string[] = [];
    const join = (): (() => void) => feeds.join(readColumns("id"), {}, (text) => heard.push(text));
    const leave = [join(), join()];
    assert.is(heard.splice(0).length, 2);
    for (const device of all) changedAt.set(device, revisions.next());
    const rowsIn = (text = ""): number =>
      (JSON.parse(text.split("data: ")[1] ?? "") as { rows: unknown[] }).rows.length;
    clock.advance(bundleEvery);
    assert.equal(heard.splice(0).map(rowsIn), [maxBundleRows, maxBundleRows]);
    assert.is(made, maxBundleRows);
    clock.advance(bundleEvery);
    assert.equal(heard.splice(0).map(rowsIn), [1, 1]);
    clock.advance(bundleEvery);
    assert.equal(heard, []);
    leave.forEach((one) => one());
    for (const device of all) changedAt.set(device, revisions.next());
    clock.advance(bundleEvery);
    assert.equal(heard, []);
  });
});
