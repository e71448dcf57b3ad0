import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { emptyHash, configurationHash } from "#shared/configuration";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import { maxDrifting } from "../console/http/routes/serve-configurations.ts";
import { Lifetime } from "#shared/lifetime";
import { silentLog } from "#shared/log";
import { SafetyNet } from "#shared/safety-net";
import { systemClock } from "#shared/clock";
import { loadSettings } from "#shared/settings/load-settings";
import { serveAgent } from "../agent/agent-service.ts";
import { serveApi } from "./api-server.ts";
import { brokerKinds, startFleet, type BrokerKind, type Fleet } from "./fleet.ts";
import { freePort } from "./mosquitto.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const seven = "rpi-7" as DeviceId;

/** A console, and an agent as the program begins it, which begins anew by itself. */
async function place(
  scope: Scope,
  kind: BrokerKind = "embedded",
  flags: Readonly<Record<string, string>> = {},
  trial: { settingsPatience?: number } = {},
) {
  const fleet = await startFleet(scope, kind);
  fleet.state.accounts.set("admin", "admin", "correct horse");
  const { as } = await serveApi(scope, fleet);
  const client: Client = as("admin:correct horse");
  const data = await scope.directory();
  const begin = async (): Promise<() => Promise<void>> => {
    const { values, given } = loadSettings({
      flags: { data, device: "rpi-7", interval: "1s", logLevel: "silent", metricsSocket: "off", ...flags },
    });
    const lifetime = new Lifetime();
    const net = new SafetyNet(silentLog, systemClock);
    const around = { lifetime, net, given, ...trial };
    await serveAgent(
      { ...values, mqttUrl: fleet.url, mqttVersion: fleet.mosquitto ? "auto" : 4 },
      fleet.secretOf("rpi-7"),
      around,
    );
    scope.cleanup(() => lifetime.stop());
    await fleet.sees("rpi-7", true);
    return () => lifetime.stop();
  };
  const end = await begin();
  const device = () => fleet.console.registry.get(seven);
  const settings = () => client.getDeviceSettings("rpi-7");
  const state = (wanted: string): Promise<unknown> =>
    eventually(`settings ${wanted}`, async () => (await settings()).state === wanted);
  return { fleet, client, data, begin, end, device, settings, state };
}

async function info(fleet: Fleet): Promise<Record<string, never>> {
  return (await fleet.console.send("rpi-7", { key: "info" }, { timeout: "30s" })).result as Record<string, never>;
}

/** Why something was not done. */
const refusal = (asked: Promise<unknown>): Promise<string> => asked.then(() => "done", String);

suite("settings from afar", ({ test }) => {
  for (const kind of brokerKinds)
    test(
      `over ${kind}: what is wanted for all, a group and a device reaches it, holds over its restart, and is taken back`,
      async (scope) => {
        const { fleet, client, begin, end, device, settings, state } = await place(scope, kind);
        assert.is((await settings()).state, "none");
        await client.setGroups("rpi-7", { groups: ["lab"] });
        await client.setConfiguration("default", {
          settings: { interval: "7s", tags: "site=berlin", collectors: "!temp" },
        });
        await client.setConfiguration("group:lab", { settings: { interval: "6s" } });
        const { version } = await client.setConfiguration("device:rpi-7", { settings: { interval: "500ms" } });
        await state("in-step");
        const wanted = { interval: "500ms", tags: "site=berlin", collectors: "!temp" };
        const { desired, reported } = await settings();
        assert.equal(desired.settings, wanted);
        assert.equal(desired.from, { interval: "device:rpi-7", tags: "default", collectors: "default" });
        assert.equal(reported, { version, hash: configurationHash(wanted) });
        await eventually("the interval", () => device()?.interval === 500);
        await eventually("a sample with the tag", () =>
          fleet.console.registry.latest(seven).some(({ tags }) => tags["site"] === "berlin"),
        );
        const told = (await info(fleet)) as unknown as { settings: Record<string, object>; collectors: object };
        assert.equal(told.settings["interval"], { value: "500ms", from: "console" });
        assert.equal(told.settings["outbox-size"], { value: "64", from: "default" });
        assert.equal(told.settings["metrics-directory"], { value: null, from: "default" });

        await end();
        await fleet.sees("rpi-7", false);
        // The same broker by name: the way to the console may change, and is tried.
        await client.setConfiguration("device:rpi-7", { settings: { "mqtt-url": fleet.url } });
        assert.is((await settings()).state, "waiting");
        const again = await begin();
        await state("in-step");
        await eventually("the group's interval", () => device()?.interval === 6_000);
        await client.setConfiguration("device:rpi-7", { settings: {} });
        await state("in-step");
        await client.setGroups("rpi-7", { groups: [] });
        await eventually("the interval of all", () => device()?.interval === 7_000);
        await client.setConfiguration("default", { settings: {} });
        await eventually("the machine's own", () => device()?.interval === 1_000);
        await state("in-step");
        assert.is((await settings()).reported?.hash, emptyHash);
        await again();
      },
      { seconds: 40 },
    );

  test(
    "what is wrong is refused with every reason, and nothing of it is taken",
    async (scope) => {
      const outside = await scope.directory();
      const within = await scope.directory();
      await symlink(outside, join(within, "link"));
      await mkdir(join(within, "tools"));
      await writeFile(join(within, "tools", "hello"), "#!/bin/sh\necho '{}'\n", { mode: 0o755 });
      const { client, settings, state, device, fleet } = await place(scope, "embedded", { remoteDirectories: within });
      for (const [settingsOf, why] of [
        [{ interval: "5" }, /interval is "5": expected a unit/],
        [{ device: "x" }, /no setting that is changed from the console/],
        [{ "mqtt-url": "mqtt://ann:secret@x" }, /mqtt-url is not usable: expected a URL without user/],
        [{ ca: "/etc/ca.pem" }, /expected the certificates themselves/],
        [{ allow: "!configure" }, /nobody able to change it back/],
        [{ tags: "host=x" }, /no tag may be called host/],
      ] as const) {
        assert.match(await refusal(client.setConfiguration("device:rpi-7", { settings: settingsOf })), why);
      }
      await client.setConfiguration("device:rpi-7", {
        settings: { interval: "2s", "exec-directory": join(within, "link"), collectors: "cpu,mem,tempo" },
      });
      await state("refused");
      const { why } = await settings();
      assert.match(why, /exec-directory is .*link: expected a directory in/);
      assert.match(why, /collectors names "tempo"/);
      assert.is(device()?.interval, 1_000);
      assert.is(device()?.config, undefined);

      await client.setConfiguration("device:rpi-7", {
        settings: { "exec-directory": join(within, "tools"), allow: "ping,exec:*" },
      });
      await state("in-step");
      await eventually("its offers", () => Object.keys(device()?.commands ?? {}).length === 3);
      assert.equal(Object.keys(device()?.commands ?? {}).sort(), ["configure", "exec:hello", "ping"]);
      await client.setConfiguration("device:rpi-7", { settings: {} });
      await state("in-step");
      await eventually("all of them again", () => "info" in (device()?.commands ?? {}));
      // Whoever changes them meanwhile is told, and a command by hand counts as well.
      assert.match(await refusal(client.setConfiguration("device:rpi-7", { settings: {}, version: 1 })), /409|version/);
      const byHand = { version: 900, settings: { interval: "3s" } };
      const { state: ended } = await fleet.console.send(
        "rpi-7",
        { key: "configure", args: byHand },
        { timeout: "30s", ttl: "1m" },
      );
      assert.is(ended, "succeeded");
      await state("foreign");
    },
    { seconds: 40 },
  );

  test(
    "settings that cut the agent off go back by themselves, and their command says why",
    async (scope) => {
      const { client, fleet, settings, state, device } = await place(
        scope,
        "embedded",
        {},
        { settingsPatience: 1_000 },
      );
      const port = await freePort();
      await client.setConfiguration("device:rpi-7", {
        settings: { "mqtt-url": `mqtt://127.0.0.1:${port}`, interval: "2s" },
      });
      await state("rolled-back");
      const { why, reported } = await settings();
      assert.match(why, /the console did not answer within 1 s: what was before holds again/);
      assert.is(reported?.hash, emptyHash);
      assert.match(reported?.failed?.why ?? "", /did not answer/);
      assert.is(device()?.interval, 1_000);
      assert.is(device()?.online, true);
      // It is not tried again by itself, and is on a person's word.
      const sentBefore = fleet.console.desk.list({ device: seven }).length;
      const { command } = await client.applySettings("rpi-7");
      await eventually("its end", async () => (await client.getCommand(command)).state === "failed");
      assert.is(fleet.console.desk.list({ device: seven }).length, sentBefore + 1);
      await client.setConfiguration("device:rpi-7", { settings: { "mqtt-url": fleet.url, "mqtt-version": "4" } });
      await state("in-step");
    },
    { seconds: 40 },
  );

  test(`a list names ${maxDrifting} devices that differ, and counts the others`, async (scope) => {
    const { client, fleet } = await place(scope);
    await client.setConfiguration("default", { settings: { "mqtt-version": "5" } });
    for (let at = 0; at < maxDrifting; at += 1)
      fleet.console.registry.seen(parseDeviceId(`cam-${String(at).padStart(3, "0")}`));
    const few = await client.listConfigurations();
    assert.ok(few.drift.length >= maxDrifting - 1 && few.more <= 1, JSON.stringify([few.drift.length, few.more]));
    for (const id of ["zoo-1", "zoo-2"]) fleet.console.registry.seen(parseDeviceId(id));
    const { drift, more, scopes } = await client.listConfigurations();
    assert.is(drift.length, maxDrifting);
    assert.ok(more >= 2);
    assert.equal(
      scopes.map((one) => one.settings),
      [{ "mqtt-version": "5" }],
    );
  });

  test("a damaged file is put aside, and the console sends its settings again", async (scope) => {
    const { client, data, begin, end, state } = await place(scope);
    await client.setConfiguration("device:rpi-7", { settings: { interval: "2s" } });
    await state("in-step");
    await end();
    const path = join(data, "agent", "configuration.json");
    assert.match(await readFile(path, "utf8"), /"interval":"2s"/);
    await writeFile(path, "{");
    const again = await begin();
    // It has had them: what says so is waited with, unless a person says.
    await client.applySettings("rpi-7");
    await state("in-step");
    await again();
    await rm(`${path}.damaged`);
  });
});
