import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { openForReading, transaction } from "../console/database/database.ts";
import { enqueue } from "../console/notifications/enqueue.ts";
import { noticeOf } from "../console/notifications/fixture.ts";
import { service, services, settingsFor } from "../console/notifications/kinds/fixture.ts";
import { minSigningKey } from "../console/notifications/kinds/webhook.ts";
import { maxShownAlerts } from "../console/notifications/shown-alerts.ts";
import { maxDeliveriesLookedAt } from "../console/notifications/told-deliveries.ts";
import { notifyVerb } from "../cli/notify-verb.ts";
import { serveApi } from "./api-server.ts";
import { assertRefused } from "./checked-client.ts";
import { startFleet, type BrokerKind, type Fleet } from "./fleet.ts";
import { Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";

async function start(scope: Scope, kind: BrokerKind = "embedded") {
  const fleet = await startFleet(scope, kind);
  const { accounts } = fleet.state;
  accounts.set("root", "admin", password);
  accounts.set("olga", "operator", password);
  accounts.set("lab", "viewer", password);
  accounts.setRights("lab", { groups: ["lab"] });
  const { as } = await serveApi(scope, fleet);
  const login = (name: string): Client => as(`${name}:${password}`);
  return { fleet, root: login("root"), olga: login("olga"), lab: login("lab") };
}

/** As the alerts do it: in the transaction of their own change. */
function say(
  { state, console }: Fleet,
  ...[notice, channels]: Parameters<typeof enqueue> extends [unknown, ...infer R] ? R : never
): number {
  const count = transaction(state.database, () => enqueue(state.database, notice, channels));
  console.notifications.wake();
  return count;
}

suite("notifications", ({ test }) => {
  test("channels by the API: tried, told without their secrets, for administrators; deliveries for who may see their devices", async (scope) => {
    const { fleet, root, olga, lab } = await start(scope);
    const hook = await service(scope, services["webhook"] ?? (() => ({ status: 500 })));
    const settings = settingsFor(hook.url)["webhook"] ?? {};
    const made = await root.setChannel("ops", { kind: "webhook", settings });
    const host = new URL(hook.url).host;
    assert.equal([made.settings, made.secrets, made.usual], [{}, { url: `set (${host})`, secret: "set" }, true]);
    assert.equal(
      (await olga.listChannels()).channels.map(({ name, secrets }) => [name, secrets]),
      [["ops", {}]],
    );
    for (const client of [olga, lab]) {
      await assertRefused(
        client.setChannel("mine", { kind: "mqtt", settings: {} }),
        403,
        /needs the role admin|limited to groups/,
      );
      await assertRefused(client.testChannel("ops"), 403, /needs the role admin|limited to groups/);
      await assertRefused(client.removeChannel("ops"), 403, /needs the role admin|limited to groups/);
    }
    // What was said before stays, but goes nowhere else.
    const kept = await root.setChannel("ops", { kind: "webhook", settings: { method: "POST" } });
    assert.is(kept.secrets["secret"], "set");
    await assertRefused(
      root.setChannel("ops", { kind: "webhook", settings: { url: "http://127.0.0.1:1/" } }),
      400,
      /url is another one now: expected secret with it/,
    );
    for (const [kind, wrong, why] of [
      ["webhook", { ...settings, body: '{"a":{{title}}}' }, /does not become JSON/],
      ["webhook", { ...settings, secret: "whsec_" }, /secret is not usable: expected 16 bytes at least/],
      ["webhook", { ...settings, secret: "x".repeat(minSigningKey - 1) }, /16 bytes at least/],
      ["webhook", { ...settings, body: "{{constructor}}" }, /is not known/],
      ["webhook", { ...settings, url: "file:///etc/passwd" }, /https:\/\/ or http:\/\//],
      ["webhook", { ...settings, url: "http://u:p@x/" }, /without name and password/],
      ["ntfy", {}, /topic is missing/],
      ["email", { host: "h", from: "a@b\r\nBcc: c@d", to: "x@y" }, /one line/],
      ["email", { host: "h", port: "0", from: "a@b", to: "x@y" }, /a port/],
      ["pager", {}, /no kind of channel/],
      ["mqtt", { topic: "x" }, /no setting of mqtt/],
    ] as const)
      await assertRefused(root.setChannel("wrong", { kind, settings: wrong }), 400, why);

    await root.setChannel("long", {
      kind: "webhook",
      enabled: false,
      usual: false,
      settings: { ...settings, secret: "x".repeat(minSigningKey) },
    });
    await root.removeChannel("long");
    const tried = await root.testChannel("ops");
    assert.is(tried.delivered, true, tried.said);
    hook.script.push({ status: 403, body: "no" });
    assert.equal(await root.testChannel("ops").then(({ delivered, said }) => [delivered, said]), [false, "403: no"]);
    assert.equal(
      (await root.listChannels()).channels.map(({ last }) => [last?.state, last?.said]),
      [["failed", "403: no"]],
    );
    const trouble = (await root.getCondition()).troubles.find(({ what }) => what === "channel");
    assert.match(trouble?.says ?? "", /^Nobody hears of alerts by the channel ops: it takes nothing\./);

    fleet.state.groups.set("rpi-8" as never, ["lab"]);
    say(fleet, noticeOf({ alert: "1" }));
    say(fleet, noticeOf({ alert: "2", device: "rpi-8" }));
    say(fleet, noticeOf({ alert: "3", device: null }));
    await eventually(
      "all three",
      async () => (await root.listDeliveries({ state: "delivered" })).deliveries.length === 3,
    );
    const seen = async (client: Client): Promise<string[]> =>
      (await client.listDeliveries()).deliveries.map(({ notice }) => notice.alert);
    assert.equal([await seen(olga), await seen(lab)], [["3", "2", "1"], ["2"]]);
    fleet.state.database.exec("UPDATE deliveries SET said = '404: Cannot POST /services/x' WHERE alert = '2'");
    const words = async (client: Client): Promise<string | null | undefined> =>
      (await client.listDeliveries({ alert: "2" })).deliveries[0]?.said;
    const untold = "404: what the other side said is told to administrators";
    assert.equal(
      [await words(root), await words(olga), await words(lab)],
      ["404: Cannot POST /services/x", untold, untold],
    );
    const first = await root.listDeliveries({ limit: 2, channel: "ops" });
    const rest = await root.listDeliveries({ limit: 2, before: first.next ?? "" });
    assert.equal(
      [first.deliveries.length, rest.deliveries.map(({ notice }) => notice.alert), rest.next],
      [2, ["1"], null],
    );
    // Whoever may see few of them comes to these page by page.
    fleet.state.database.exec(
      `WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < ${maxDeliveriesLookedAt})
       INSERT INTO deliveries (notice, channel, alert, key, state, tries, next)
       SELECT 1, 'ops', '1', 'k', 'failed', 0, 0 FROM many`,
    );
    const none = await lab.listDeliveries();
    const more = await lab.listDeliveries({ before: none.next ?? "" });
    assert.equal(
      [none.deliveries.length, more.deliveries.map(({ notice }) => notice.alert), more.next],
      [0, ["2"], null],
    );
    await root.removeChannel("ops");
    await assertRefused(root.testChannel("ops"), 404, /there is no channel "ops"/);
    const { entries } = await root.listAudit({ what: "channel" });
    assert.equal([...new Set(entries.map(({ what }) => what))].sort(), [
      "channel.removed",
      "channel.set",
      "channel.tested",
    ]);
    assert.not.match(JSON.stringify(entries), /c2VjcmV0|\/hook/, "no secret in the audit log");
  });

  test("an alert stands at the broker as long as it is there, also behind a new connection", async (scope) => {
    const { fleet, root } = await start(scope, "mosquitto");
    const heard = await fleet.sub(scope, "-t", "muster/console/alerts/+", "-F", "%r %t %p");
    await root.setChannel("topic", { kind: "mqtt", settings: {} });
    say(fleet, noticeOf({ alert: "a1" }));
    say(fleet, noticeOf({ alert: "a2" }));
    await heard.line(/muster\/console\/alerts\/a2 \{"v":1,"alert":"a2","kind":"firing"/);
    const late = await fleet.sub(scope, "-t", "muster/console/alerts/a1", "-F", "%r %t %p", "-C", "1");
    await late.line(/^1 muster\/console\/alerts\/a1 \{"v":1/);
    say(fleet, noticeOf({ alert: "a1", kind: "resolved" }));
    await heard.line(/alerts\/a1 $/);
    assert.is((await root.testChannel("topic")).delivered, true);
    await fleet.restartBroker();
    await eventually("the console's connection", () => fleet.console.brokerConnected);
    const after = await fleet.sub(scope, "-t", "muster/console/alerts/+", "-F", "%r %t %p");
    await after.line(/muster\/console\/alerts\/a2 \{/);
    assert.is(maxShownAlerts, 1_000);
    const rows = fleet.state.database.prepare("INSERT INTO shown_alerts (alert, document) VALUES (?, '{}')");
    transaction(fleet.state.database, () => {
      for (let at = 1; at < maxShownAlerts; at += 1) rows.run(`more${at}`);
    });
    say(fleet, noticeOf({ alert: "a3" }));
    const refused = await eventually(
      "it is refused",
      async () => (await root.listDeliveries({ state: "failed" })).deliveries[0],
    );
    assert.is(refused.said, "1000 alerts stand at the broker, and no more may");
    await root.removeChannel("topic");
    await after.line(/alerts\/a2 $/);
  });

  test("killed between the other side's hearing and its word: said again under the same key, and then no more", async (scope) => {
    const directory = await scope.directory();
    const hook = await service(scope, () => ({ status: 204 }));
    hook.script.push({ status: 200, how: "never" });
    const child = (): Running =>
      new Running(scope, process.execPath, ["--import", "tsx", "test/notify-child.ts", directory, `${hook.url}/hook`]);
    const first = child();
    await eventually("the notice", () => hook.asked.length === 1);
    await first.kill("SIGKILL");
    const second = child();
    await eventually("it comes again", () => hook.asked.length === 2);
    const [one, again] = hook.asked;
    assert.is(one?.headers["webhook-id"], again?.headers["webhook-id"]);
    assert.is(one?.body, again?.body);
    const database = openForReading(join(directory, "muster.db"));
    scope.cleanup(() => database.close());
    const states = (): string => JSON.stringify(database.prepare("SELECT state, tries FROM deliveries").all());
    await eventually("it is noted", () => states() === '[{"state":"delivered","tries":1}]');
    await second.kill("SIGKILL");
  });

  test("the command line: made with secrets from elsewhere, listed, tried, changed, removed", async (scope) => {
    const { root } = await start(scope);
    const slack = await service(scope, services["slack"] ?? (() => ({ status: 500 })));
    const read = async (field: string, from: string): Promise<string> => {
      assert.equal([field, from], ["url", "-"]);
      return `${slack.url}/services/T0/B0/slack-secret`;
    };
    const run = (...words: string[]): Promise<string> => notifyVerb(root, words, {}, { now: Date.now(), read });
    const refused = async (pattern: RegExp, ...words: string[]): Promise<void> => {
      const said = await run(...words).catch((error: unknown) => String(error));
      assert.match(said, pattern);
    };
    assert.match(await run("list"), /no channels yet/);
    await refused(/url is secret, and everybody on this machine can read/, "add", "chat", "slack", "url=https://x/y");
    await refused(/expected a kind/, "add", "chat", "pigeon");
    assert.match(
      await run("add", "chat", "slack", "url=-"),
      /^chat \(slack\) is on, for every alert whose rule names no channel/,
    );
    await refused(/there is a channel "chat" already/, "add", "chat", "mqtt");
    assert.match(await run("test", "chat"), /^chat took the test in \d+ ms: 200: ok$/);
    slack.script.push({ status: 404, body: "no_service" });
    await refused(/chat did not take the test: 404: no_service/, "test", "chat");
    const off = await notifyVerb(root, ["set", "chat"], { off: true, default: false }, { now: Date.now(), read });
    assert.match(off, /chat \(slack\) is off/);
    assert.match(await run("list"), /chat\s+slack\s+off\s+0\s+0\s+failed .*\s+url=set \(127\.0\.0\.1:\d+\)/);
    assert.match(await run("kinds"), /telegram: Telegram\n {2}server: Server; default https:\/\/api\.telegram\.org/);
    assert.match(await run("deliveries"), /no notices yet/);
    assert.match(await run("remove", "chat"), /chat is removed/);
    await refused(/notify "fly" is not known/, "fly");
  });
});
