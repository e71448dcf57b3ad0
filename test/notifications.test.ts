import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { openForReading, transaction } from "../console/database/database.ts";
import { enqueue } from "../console/notifications/enqueue.ts";
import { noticeOf } from "../console/notifications/fixture.ts";
import { service, services, settingsFor } from "../console/notifications/kinds/fixture.ts";
import { decryptPush, subscriber } from "../console/notifications/push/fixture.ts";
import { minSigningKey } from "../console/notifications/kinds/webhook.ts";
import { maxShownAlerts } from "../console/notifications/shown-alerts.ts";
import { maxDeliveriesLookedAt } from "../console/notifications/told-deliveries.ts";
import { notifyVerb } from "../cli/notify-verb.ts";
import { serveApi } from "./api-server.ts";
import { assertRefused } from "./checked-client.ts";
import { startFleet, type BrokerKind, type Fleet } from "./fleet.ts";
import { Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";
import { startTls } from "./tls.ts";

const password = "correct horse";

async function start(scope: Scope, kind: BrokerKind = "embedded", options: Parameters<typeof startFleet>[2] = {}) {
  const fleet = await startFleet(scope, kind, options);
  const { accounts } = fleet.state;
  accounts.set("root", "admin", password);
  accounts.set("olga", "operator", password);
  accounts.set("lab", "viewer", password);
  accounts.setRights("lab", { groups: ["lab"] });
  const { as, url } = await serveApi(scope, fleet);
  const login = (name: string): Client => as(`${name}:${password}`);
  return { fleet, root: login("root"), olga: login("olga"), lab: login("lab"), as, url };
}

/** As the alerts do it: in the transaction of their own change. */
function say(
  { state, console }: Fleet,
  ...[notice, channels]: Parameters<typeof enqueue> extends [unknown, ...infer R] ? R : never
): number {
  const hearing = (one: typeof notice): readonly string[] => console.notifications.browsers.hearing(one);
  const count = transaction(state.database, () => enqueue(state.database, notice, channels, hearing));
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
    await assertRefused(
      root.setChannel("browsers", { kind: "mqtt", settings: {} }),
      400,
      /"browsers" stands for the browsers in which people have switched notices on/,
    );
    const { entries } = await root.listAudit({ what: "channel" });
    assert.equal([...new Set(entries.map(({ what }) => what))].sort(), [
      "channel.removed",
      "channel.set",
      "channel.tested",
    ]);
    assert.not.match(JSON.stringify(entries), /c2VjcmV0|\/hook/, "no secret in the audit log");
  });

  test("browsers by the API: everybody's own, told encrypted of what he may see, removed with a log-out", async (scope) => {
    const { identity, cafile } = await startTls(scope);
    const push = { mayReach: () => true, ca: readFileSync(cafile, "utf8") };
    const { fleet, root, olga, lab, as, url } = await start(scope, "embedded", {
      push,
      pageUrl: "https://muster.example",
    });
    const at = await service(scope, () => ({ status: 201, body: "not told" }), identity.current());
    const { ecdh, keys } = subscriber();
    const subscription = { name: "Firefox, Android", endpoint: `${at.url}/push/secret-1`, keys };
    const made = await lab.addBrowser(subscription);
    assert.equal([made.name, made.gone, made.last], ["Firefox, Android", null, null]);
    assert.is((await lab.addBrowser(subscription)).id, made.id, "once more is the same one");
    const known = await lab.listBrowsers();
    assert.equal([known.browsers.length, Buffer.from(known.key, "base64url").length], [1, 65]);
    assert.not.match(JSON.stringify(known), /secret-1|auth/);
    assert.equal((await root.listBrowsers()).browsers, []);
    for (const client of [root, olga]) {
      await assertRefused(client.testBrowser(made.id), 404, /you have no browser/);
      await assertRefused(client.removeBrowser(made.id), 404, /you have no browser/);
    }
    const { secret } = await lab.createToken({ name: "reads" });
    await assertRefused(as(secret).addBrowser(subscription), 403, /a program's token does not decide/);
    for (const [wrong, why] of [
      [{ endpoint: "http://push.example/x" }, /with https/],
      [{ endpoint: "https://push.example/x", keys: { ...keys, auth: "AAAA" } }, /keys are no browser's/],
      [{ keys: subscriber().keys }, /known with other keys/],
    ] as const)
      await assertRefused(olga.addBrowser({ ...subscription, ...wrong }), 400, why);

    assert.equal(await lab.testBrowser(made.id).then(({ delivered, said }) => [delivered, said]), [true, "201"]);
    fleet.state.groups.set("rpi-8" as never, ["lab"]);
    assert.equal([say(fleet, noticeOf({ alert: "1" })), say(fleet, noticeOf({ alert: "2", device: "rpi-8" }))], [0, 1]);
    const asked = { state: "delivered" } as const;
    await eventually("the delivery", async () => (await lab.listDeliveries(asked)).deliveries.length > 0);
    assert.equal(
      (await lab.listDeliveries(asked)).deliveries.map(({ channel, browser, notice }) => [
        channel,
        browser,
        notice.alert,
      ]),
      [["browsers", { account: "lab", name: "Firefox, Android" }, "2"]],
    );
    const titles = at.asked.map(({ bytes }) => JSON.parse(decryptPush(bytes, ecdh, keys.auth)).title);
    assert.equal(titles, ["Test: this channel works", "rpi-7: disk.used_percent is 97.5"]);
    const [, claims = ""] = (at.asked[0]?.headers.authorization ?? "").split(".");
    assert.is(JSON.parse(Buffer.from(claims, "base64url").toString()).sub, "https://muster.example");
    const seen = async (client: Client, channel?: string): Promise<number> =>
      (await client.listDeliveries({ ...asked, ...(channel === undefined ? {} : { channel }) })).deliveries.length;
    assert.equal(
      [await seen(root), await seen(root, "browsers"), await seen(olga, "browsers"), await seen(lab, "browsers")],
      [0, 1, 0, 1],
    );
    at.script.push({ status: 410 });
    assert.is((await lab.testBrowser(made.id)).delivered, false);
    assert.type((await lab.listBrowsers()).browsers[0]?.gone, "number");

    const hers = await olga.addBrowser({ ...subscription, endpoint: `${at.url}/push/secret-2` });
    const run = (...words: string[]): Promise<string> =>
      notifyVerb(
        olga,
        ["browsers", ...words],
        {},
        { now: Date.now(), read: () => Promise.reject(new Error("unread")) },
      );
    assert.match(await run(), new RegExp(`${hers.id}\\s+Firefox, Android\\s+\\S+ .*on\\s+0\\s+0`));
    assert.match(await run("test", hers.id), /^its push service took the test in \d+ ms: 201$/);
    // Who logs out at a browser has it told no more; another's stays.
    for (const name of ["lab", "olga"]) {
      assert.is((await olga.listBrowsers()).browsers.length, 1);
      const body = JSON.stringify({ name, password });
      const headers = { origin: url, "content-type": "application/json" };
      const came = await fetch(`${url}/api/session`, { method: "POST", headers, body });
      const cookie = came.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
      await as(undefined, { origin: url, cookie }).logOut({ browser: hers.id });
    }
    assert.equal((await olga.listBrowsers()).browsers, []);
    const { id } = await olga.addBrowser({ ...subscription, endpoint: `${at.url}/push/secret-3` });
    assert.match(await run("remove", id), /told no more/);
    assert.match(await run(), /none of your browsers/);
    const { entries } = await root.listAudit({ what: "browser" });
    assert.equal([...new Set(entries.map(({ what }) => what))].sort(), [
      "browser.added",
      "browser.gone",
      "browser.removed",
      "browser.tested",
    ]);
    assert.not.match(JSON.stringify(entries), /push\/secret/);
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
