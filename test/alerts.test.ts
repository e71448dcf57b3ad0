import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { silentLog } from "#shared/log";
import { Console } from "../console/console.ts";
import { serveApi } from "./api-server.ts";
import { startFleet } from "./fleet.ts";
import { connectRaw } from "./raw-device.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";

interface Given {
  readonly client: Client;
  readonly serve: (console: Console) => Promise<Client>;
}

async function start(scope: Scope) {
  const fleet = await startFleet(scope, "embedded");
  fleet.state.accounts.set("root", "admin", password);
  const serve: Given["serve"] = async (console) => {
    const { as } = await serveApi(scope, { ...fleet, console });
    return as(`root:${password}`);
  };
  const probe = await connectRaw(scope, { url: fleet.url, device: "rpi-7", password: fleet.secretOf("rpi-7") });
  /** As after a stop, or a kill between two messages. */
  const again = async (): Promise<Client> => {
    await stop();
    const way = { url: fleet.url, password: fleet.secretOf("console") };
    const console = new Console({ directory: fleet.state.directory, state: fleet.state, log: silentLog, ...way });
    await console.start();
    stop = () => console.stop();
    scope.cleanup(() => console.stop());
    await eventually("its broker", () => console.brokerConnected);
    return serve(console);
  };
  let stop = (): Promise<void> => fleet.console.stop();
  return { fleet, probe, again, client: await serve(fleet.console) };
}

const rule = { name: "ProbeHigh", when: "probe.v > 90 for 200ms", clear: 80, severity: "critical" as const };

suite("alerts, from a sample to people", ({ test }) => {
  test("a value above for a while fires once and is over once, with a restart between; what comes late is found", async (scope) => {
    const { fleet, probe, again, client: first } = await start(scope);
    let client = first;
    await client.applyAlertRules({ rules: [rule] });
    const t = Date.now() - 60_000;
    const sampled = (seq: number, values: readonly number[]) => probe.send(seq, { values, t: t + seq * 1_000 });
    const open = async () => (await client.listAlerts({ rule: rule.name })).alerts;
    const over = async () => (await client.listAlerts({ rule: rule.name, state: "over" })).alerts;
    await sampled(0, [1, 95]);
    await probe.acked(0);
    assert.equal(
      (await client.listAlerts({})).pending.map(({ since }) => since),
      [t + 100],
    );
    client = await again();
    await sampled(1, [95, 95, 85]);
    await probe.acked(1);
    const [alert] = await open();
    assert.equal(
      [alert?.device, alert?.since, alert?.fired, alert?.state, alert?.value],
      ["rpi-7", t + 100, t + 1_000, "firing", 95],
    );
    const by = await client.acknowledgeAlert(alert?.id ?? "", { note: "on it" });
    assert.equal([by.state, by.acknowledged?.by], ["acknowledged", "root"]);
    client = await again();
    // Its ack was lost.
    await sampled(1, [95, 95, 85]);
    await probe.acked(1, 2);
    assert.equal(
      (await open()).map(({ id }) => id),
      [alert?.id],
    );
    await sampled(2, [85, 80]);
    await probe.acked(2);
    const [ended] = await over();
    assert.equal([(await open()).length, ended?.id, ended?.resolved], [0, alert?.id, t + 2_100]);
    assert.equal(
      ended?.history.map(({ what }) => what),
      ["fired", "told", "acknowledged", "resolved"],
    );
    // What is live goes before what has gathered.
    await sampled(5, [1, 1]);
    await probe.acked(5);
    await sampled(3, [1, 99, 99, 99]);
    await sampled(4, [99, 1]);
    await probe.acked(4);
    await eventually("what came late", async () => (await over()).length === 2);
    const [late] = await over();
    assert.equal([late?.since, late?.fired, late?.resolved], [t + 3_100, t + 3_300, t + 4_100]);
    assert.is(fleet.state.database.prepare("SELECT count(*) AS c FROM alert_late").get()?.["c"], 0);
  });
});
