import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { labelDevice } from "../cli/label-device.ts";
import { Labels } from "../console/devices/labels.ts";
import { openState } from "../console/state/state.ts";
import { hearEvents, serveApi } from "./api-server.ts";
import { assertRefused } from "./checked-client.ts";
import { startFleet } from "./fleet.ts";
import { suite } from "./suite.ts";

const password = "correct horse";
const device = "rpi-7" as DeviceId;
const all = { name: "Garage <b>north</b>", note: "key at Ann's\nsecond shelf", tags: ["outdoor", "rack:3"] };

suite("what people call a device", ({ test }) => {
  test("is in its document, list and events, in the audit log, and outlives a start; a removal takes it away", async (scope) => {
    const directory = await scope.directory();
    const state = openState(directory, systemClock);
    const fleet = await startFleet(scope, "embedded", { state });
    state.accounts.set("eve", "viewer", password);
    state.accounts.set("olga", "operator", password);
    state.accounts.set("admin", "admin", password);
    const { as } = await serveApi(scope, fleet);
    const [olga, eve, admin] = [as(`olga:${password}`), as(`eve:${password}`), as(`admin:${password}`)];
    await fleet.agent(device);
    const { hear } = await hearEvents(scope, eve);

    assert.equal(await olga.setLabels(device, { ...all, tags: ["rack:3", "outdoor"] }), { device, ...all });
    await olga.setGroups(device, { groups: ["lab"] });
    await hear("the name and the group", ({ event, data }) => {
      return event === "presence" && data.name === all.name && data.groups?.[0] === "lab";
    });
    const seen = await eve.getDevice(device);
    const [listed] = (await eve.listDevices()).devices;
    for (const { name, note, tags, groups } of [seen, listed ?? seen])
      assert.equal({ name, note, tags, groups }, { ...all, groups: ["lab"] });
    assert.equal(await olga.setLabels(device, { note: null }), { device, name: all.name, tags: all.tags });

    assert.is(
      await labelDevice(olga, "rename", { device, words: ["Shed,", "\u00e9"] }),
      `${device} is called Shed, \u00e9`,
    );
    assert.is(await labelDevice(olga, "rename", { device, words: [all.name] }), `${device} is called ${all.name}`);
    assert.is(await labelDevice(eve, "tag", { device, words: [] }), "outdoor\nrack:3");
    assert.is(await labelDevice(olga, "note", { device, words: [], none: true }), `${device} has no note`);
    await assertRefused(eve.setLabels(device, { name: "x" }), 403, /needs the role operator/);
    await assertRefused(olga.setLabels("nobody", { name: "x" }), 404, /no device "nobody"/);
    await assertRefused(olga.setLabels(device, { tags: ["two words"] }), 400, /the tag "two words" is not valid/);
    assert.is((await eve.getDevice(device)).name, all.name, "what was refused has changed nothing");
    const entries = (await admin.listAudit({ what: "device.labelled" })).entries;
    assert.equal(
      entries.map(({ who, on, result }) => [who, on, result.slice(0, 7)]),
      [
        ["olga", device, "refused"],
        ["olga", "nobody", "refused"],
        // To take away the note that was taken away already has changed nothing.
        ...Array.from({ length: 4 }, () => ["olga", device, "ok"]),
      ],
    );

    const again = new Labels(state.database);
    assert.equal(again.of(device), { name: all.name, tags: all.tags });
    state.database.prepare("UPDATE device_labels SET tags = '{'").run();
    assert.equal(new Labels(state.database).of(device), {}, "a row that does not read costs that row");
    assert.is(fleet.console.damage.list(5)[0]?.place, "device_labels");

    await olga.setLabels(device, all);
    await admin.removeDevice(device);
    assert.equal(fleet.console.labels.of(device), {});
    assert.is(state.database.prepare("SELECT count(*) AS n FROM device_labels").get()?.["n"], 0);
  });
});
