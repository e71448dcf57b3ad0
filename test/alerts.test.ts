import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { alertRule } from "#shared/alerts/alert-rule";
import { readRule } from "#shared/alerts/read-rule";
import { replayRule } from "#shared/alerts/replay";
import { checkOf } from "#shared/alerts/rule-check";
import { silentLog } from "#shared/log";
import { alertsVerb, type AlertFlags } from "../cli/alerts-verb.ts";
import { Console } from "../console/console.ts";
import { serveApi } from "./api-server.ts";
import { builtProgram } from "./built-program.ts";
import { startFleet } from "./fleet.ts";
import { Running } from "./programs.ts";
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

const show = (client: Client, words: readonly string[]): Promise<string> =>
  alertsVerb({ client, words, flags: {}, now: Date.now(), read: async () => "" });

/** The same on the command line. */
async function lookAt(client: Client, id: string): Promise<void> {
  const verb = (words: readonly string[], flags: AlertFlags = {}, text = "") =>
    alertsVerb({ client, words, flags, now: Date.now(), read: async () => text });
  assert.match(await verb([]), /^nothing fires/);
  assert.match(await verb(["list"], { over: true }), /resolved +ProbeHigh +rpi-7/);
  assert.match(await verb(["show", id]), /probe\.v is 99: probe\.v > 90 for 200ms[^]*fired[^]*told/);
  const yaml = await verb(["export"], { own: true });
  assert.match(yaml, /- name: ProbeHigh\n +when: probe.v > 90 for 200ms\n +clear: 80/);
  assert.match(
    await verb(["apply", "-"], { prune: true }, yaml.replaceAll("80", "70")),
    /^1 rule is applied; there are \d+$/,
  );
  assert.match(await verb(["export"], { own: true }), /clear: 70/);
  assert.match(await verb(["rules"]), /ProbeHigh +critical +0 +probe.v > 90 for 200ms/);
  assert.match(await verb(["test", "ProbeHigh"], { device: "rpi-7", from: "-1h" }), /–[^]*\nby each sample/);
  await verb(["apply", "-"], {}, "- {name: Hot, when: room.temprature > 30, channels: [nosuch]}").then((text) =>
    assert.match(
      text,
      /^1 rule is applied[^]*warning: the rule "Hot": no device tells "room\.temprature" so far[^]*no channel "nosuch"/,
    ),
  );
  for (const action of ["list", "rules"])
    assert.match(await verb([action]), /warning: .*"room\.temprature"[^]*"nosuch"/);
  assert.is((await verb(["rules"])).split("warning:").length, 3, "and nothing of what is shipped, or told");
  await verb(["remove", "Hot"]);
  await verb(["maintenance", "add"], { where: "groop=lab", for: "2h" }).then(
    () => assert.unreachable(),
    (thrown: unknown) => assert.match((thrown as Error).message, /no device tells "groop"; there are .*group/),
  );
  assert.match(await verb(["silence"], { where: "id=rpi-7", for: "2h" }), /^silenced until /);
  const order = { rule: "Probe*", cron: "0 3 * * 0", for: "2h", zone: "UTC", note: "cleaning" };
  assert.match(await verb(["maintenance", "add"], order), /Probe\* .*0 3 \* \* 0 \(UTC\) for 2h .*cleaning/);
  const { maintenance } = await client.listMaintenance();
  assert.is(await verb(["maintenance", "remove", maintenance.at(-1)?.id ?? ""]), "it is over");
  assert.match(await verb(["maintenance"]), /now +all +id=rpi-7/);
  assert.is(await verb(["remove", "ProbeHigh"]), "ProbeHigh is removed");
  const bad = [
    [["apply", "-"], "a: [", /do not read as YAML/],
    [["apply", "-"], "a: 1", /expected rules:, with a list/],
    [["apply", "-"], "- {name: X, when: 'm.v >'}", /the rule "X": .*expected a value/],
    [["apply", "-"], "- {name: X, when: m.v > 1, where: groop=lab}", /^the rule "X": .*no device tells "groop"/],
    [
      ["apply", "-"],
      "- {name: Y, when: m.v > 1}\n- {name: X, when: 'm.v >', severity: grave, clera: 1}",
      /^the rule "X": severity: Invalid option: expected one of .*clera.*expected a value/,
    ],
    [["apply", "-"], "- {when: m.v > 1}", /^rule 1 of the list: name: /],
    [["remove", "InstanceDown"], "", /is shipped, and as it was/],
    [["what"], "", /"what" is not known/],
  ] as const;
  for (const [words, text, why] of bad)
    await verb(words, {}, text).then(
      () => assert.unreachable(words.join(" ")),
      (thrown: unknown) => assert.match((thrown as Error).message, why),
    );
}

/** What a device measures: a curve that crosses the threshold again and again, in batches of four. */
const curve = Array.from({ length: 34 }, (_, seq) =>
  Array.from({ length: 4 }, (__, at) => Math.round(90 + 30 * Math.sin((seq * 4 + at) / 5.3))),
);
/** Batches behind whose sending the console is killed, and milliseconds after that: before, within and after what it does of one. */
const kills: ReadonlyMap<number, number> = new Map([
  [5, 0],
  [17, 1],
  [28, 6],
]);

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
    assert.is(await show(client, []), "nothing fires\n\n1 more is pending: ProbeHigh on rpi-7");
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
    assert.match(await show(client, ["show", by.id]), /critical, acknowledged by root\n/);
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
    assert.match(await show(client, ["show", by.id]), /critical, resolved \(acknowledged by root\)\n/);
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
    await lookAt(client, late?.id ?? "");
  });

  test("a rule has a command sent to the device of its alert, and the alert says what became of it", async (scope) => {
    const { fleet, client } = await start(scope);
    await fleet.agent("rpi-8", { interval: 500 });
    await client.applyAlertRules({
      rules: [{ name: "AnyLoad", when: "system.load1 >= 0", where: "id=rpi-8", run: { key: "ping", timeout: "30s" } }],
    });
    const alert = await eventually("the command's end", async () => {
      const [open] = (await client.listAlerts({ rule: "AnyLoad" })).alerts;
      return open?.command?.state === "succeeded" ? open : undefined;
    });
    assert.is(alert.command?.key, "ping");
    const { commands } = await client.listCommands({ device: "rpi-8" });
    assert.equal(
      commands.map(({ id, key, by }) => [id, key, by]),
      [[alert.command?.id, "ping", "root"]],
    );
    const { entries } = await client.listAudit({});
    const sent = entries.find(({ what, on }) => what === "command.sent" && on === "rpi-8");
    assert.equal([sent?.who, sent?.from], ["root", "alert AnyLoad"]);
  });

  test("a console that is killed again and again: each crossing is one firing and one resolution, and both are delivered", async (scope) => {
    const { fleet, probe, client, again } = await start(scope);
    await client.applyAlertRules({
      rules: [{ name: rule.name, when: "probe.v > 90 for 300ms", clear: 80, each: true }],
    });
    await client.setChannel("ops", { kind: "mqtt", settings: {} });
    await fleet.console.stop();
    const settings = { directory: fleet.state.directory, url: fleet.url, password: fleet.secretOf("console") };
    const program = await builtProgram("mortal-console");
    const begin = async (): Promise<Running> => {
      const running = new Running(scope, process.execPath, [program, JSON.stringify(settings)]);
      await running.line(/^up$/);
      return running;
    };
    let running = await begin();
    const t = Date.now() - 3_600_000;
    for (const [seq, values] of curve.entries()) {
      const send = () => probe.send(seq, { values, t: t + seq * 400, dt: [0, 100, 200, 300] });
      await send();
      const after = kills.get(seq);
      if (after !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, after));
        await running.kill("SIGKILL");
        running = await begin();
      }
      // As an agent does: again until the console has it.
      await eventually(`batch ${seq}`, async () => {
        if (probe.acks.includes(`a ${seq}`)) return true;
        await send();
        return false;
      });
    }
    const { database } = fleet.state;
    const rows = (sql: string) =>
      (database.prepare(sql).all() as object[]).map((row): Record<string, unknown> => ({ ...row }));
    const { base } = readRule(alertRule.parse({ name: "R", when: "probe.v > 90 for 300ms", clear: 80 }));
    const samples = curve.flatMap((values, seq) => values.map((v, at) => [t + seq * 400 + at * 100, v] as const));
    const { episodes } = replayRule(checkOf(base), { hold: base.hold, gap: 300_000 }, samples);
    assert.ok(episodes.length > 3);
    assert.equal(
      rows(`SELECT since, fired, resolved FROM alerts WHERE rule = '${rule.name}' ORDER BY fired`),
      episodes.map(({ since, fired, resolved }) => ({ since, fired, resolved })),
    );
    const told = rows("SELECT alert || ' ' || kind AS told FROM notices ORDER BY told").map((row) => row["told"]);
    assert.is(new Set(told).size, told.length, "nothing was said twice");
    assert.is(told.length, episodes.length + episodes.filter(({ resolved }) => resolved !== null).length);
    await eventually(
      "the deliveries",
      () => rows("SELECT 1 FROM deliveries WHERE state = 'delivered'").length === told.length,
    );
    await running.kill("SIGTERM");
    // A mark is one point from firing to end, whoever was killed while it was written.
    const history = {
      measurement: "muster_alert",
      field: "end",
      from: `${t - 1_000}`,
      to: `${t + 60_000}`,
      every: "0",
    };
    const reader = await again();
    const ends = async () =>
      (await reader.getHistory("rpi-7", history)).series.flatMap(({ points }) =>
        points.filter(([, end]) => end !== null),
      );
    const expected = episodes.flatMap(({ fired, resolved }) => (resolved === null ? [] : [[fired, resolved]]));
    await eventually("the marks", async () => (await ends()).length >= expected.length);
    assert.equal(await ends(), expected);
  });
});
