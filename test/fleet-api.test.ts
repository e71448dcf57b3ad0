import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import type { SeriesColumns } from "../console/store/store.ts";
import { serveApi } from "./api-server.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { suite, type Scope } from "./suite.ts";

const statusOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "ok",
    (error: Error) => error.message,
  );

function born(fleet: Fleet, id: string, agent: string, facts: Record<string, string>): DeviceId {
  const device = parseDeviceId(id);
  fleet.console.registry.presence(device, {
    v: 1,
    online: true,
    ts: Date.now(),
    boot: `${id}-boot`,
    session: "s",
    instance: id,
    agent,
    interval: 1_000,
    paused: false,
    facts,
    commands: { ping: {} },
  });
  return device;
}

const series = (
  measurement: string,
  tags: Record<string, string>,
  fields: SeriesColumns["fields"],
): Omit<SeriesColumns, "device"> => ({ measurement, tags, times: [Date.now()], fields });

/** Two devices of the lab and one outside, with a few values. */
async function lab(scope: Scope): Promise<{ fleet: Fleet; as: (login?: string) => Client }> {
  const fleet = await startFleet(scope, "embedded");
  const { registry, jobs } = fleet.console;
  const one = born(fleet, "lab-1", "0.2.0", { os: "linux", model: "Pi 4" });
  const two = born(fleet, "lab-2", "0.3.0", { os: "linux", model: "Pi 5" });
  born(fleet, "roof", "0.2.0", { os: "freebsd", secret: "of-the-roof" });
  const observe = (device: DeviceId, all: readonly Omit<SeriesColumns, "device">[]): void =>
    void registry.observe(
      device,
      all.map((one) => ({ ...one, device })),
    );
  for (const [id, idle] of [
    [one, 10],
    [two, 80],
  ] as const)
    observe(id, [
      series("cpu", { cpu: "cpu0" }, { usage_idle: [1] }),
      series("cpu", { cpu: "cpu-total" }, { usage_idle: [idle] }),
      series("disk", { path: "/" }, { used_percent: [20] }),
      series("disk", { path: "/data" }, { used_percent: [90] }),
    ]);
  for (const id of [one, two]) jobs.groups.set(id, ["lab"]);
  fleet.state.accounts.set("boss", "admin", "correct horse");
  fleet.state.accounts.set("lou", "viewer", "correct horse", ["lab"]);
  const { as } = await serveApi(scope, fleet);
  return { fleet, as: (who = "boss") => as(`${who}:correct horse`) };
}

suite("the fleet over HTTP", ({ test }) => {
  test("is chosen from by the filter language, within one's reach, and a fault is told with its place", async (scope) => {
    const { as } = await lab(scope);
    const chosen = async (where: string, who?: string): Promise<string[]> =>
      (await as(who).listDevices({ where })).devices.map(({ id }) => id);
    assert.equal(await chosen(" "), ["lab-1", "lab-2", "roof"]);
    assert.equal(await chosen("group=lab cpu.usage_idle<20 version<0.3"), ["lab-1"]);
    assert.equal(await chosen("disk.used_percent>80"), ["lab-1", "lab-2"]);
    assert.equal(await chosen('model="pi 5" or os!=linux'), ["lab-2", "roof"]);
    assert.equal(await chosen("lab"), ["lab-1", "lab-2"]);
    assert.equal(await chosen("state=online", "lou"), ["lab-1", "lab-2"]);
    assert.equal(
      (await as().selectTargets({ where: "group=lab cpu.usage_idle<20" })).devices.map((one) => one.device),
      ["lab-1"],
    );
    assert.match(await statusOf(chosen("group=lab and")), /character 14: expected a name/);
    assert.match(
      await statusOf(chosen("group=lab so=linux")),
      /character 11: no device tells "so"; there are .*secret/,
    );
    // A name that only another's device tells is none.
    assert.match(
      await statusOf(chosen("secret=of-the-roof", "lou")),
      /no device tells "secret"; there are (?!.*\bsecret, )/,
    );
  });
});
