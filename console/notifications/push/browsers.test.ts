import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import * as assert from "uvu/assert";
import { ManualClock, systemClock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { suite, type Scope } from "../../../test/suite.ts";
import { startTls } from "../../../test/tls.ts";
import { transaction } from "../../database/database.ts";
import { openState } from "../../state/state.ts";
import { Channels } from "../channels.ts";
import { Courier, maxBrowsersAtOnce, type CourierOptions } from "../courier.ts";
import { enqueue } from "../enqueue.ts";
import { begin, channelOf, noticeOf } from "../fixture.ts";
import { service } from "../kinds/fixture.ts";
import type { Notice } from "../notice.ts";
import { sendByChannel } from "../send-by-channel.ts";
import type { TryOutcome } from "../try-outcome.ts";
import { checkSubscription, maxEndpoint, queueNameOf } from "./browser.ts";
import { Browsers, maxBrowsers, maxBrowsersOfPerson, type BrowserWord } from "./browsers.ts";
import { decryptPush, subscriber } from "./fixture.ts";
import { isPublicAddress } from "./public-address.ts";
import { pushKept, sendPush } from "./send-push.ts";

/** A push service over HTTPS on loopback, and what of the console writes to browsers, which may be begun anew. */
async function pushing(
  scope: Scope,
  { key, cert, ca }: { readonly key: string; readonly cert: string; readonly ca: string },
) {
  const at = await service(scope, () => ({ status: 201 }), { key, cert });
  const directory = await scope.directory();
  const clock = new ManualClock(begin);
  const behind = new Map<string, readonly string[]>();
  const outcomes: TryOutcome[] = [];
  const waiting: ((outcome: TryOutcome) => void)[] = [];
  let begun = 0;
  const open = (mayReach: (address: string) => boolean = () => true) => {
    const state = openState(directory, clock);
    const { database, accounts, groups, audit } = state;
    const browsers = new Browsers({
      database,
      clock,
      personOf: (account) => accounts.find(account),
      groupsOf: (device) => groups.of(device),
      devicesBehind: (alert) => behind.get(alert) ?? [],
      mayReach,
    });
    const push = sendPush({ browsers, clock, log: silentLog, audit, subject: "mailto:muster@localhost", ca });
    const show = (): Promise<TryOutcome> => Promise.resolve({ kind: "delivered", said: "shown" });
    const inner = sendByChannel({ clock: systemClock, show, push });
    const send: CourierOptions["send"] = async (...asked) => {
      begun += 1;
      const outcome = await inner(...asked);
      const taker = waiting.shift();
      if (taker) taker(outcome);
      else outcomes.push(outcome);
      return outcome;
    };
    const channels = new Channels(database);
    const courier = new Courier({
      database,
      channels: { find: (name) => channels.find(name) ?? browsers.inQueue(name) },
      clock,
      log: silentLog,
      random: () => 0,
      send,
      gaveUp: () => {},
    });
    courier.start();
    const say = (more: Partial<Notice> = {}, names?: readonly string[]): number => {
      const count = transaction(database, () =>
        enqueue(database, noticeOf(more), names, (notice) => browsers.hearing(notice)),
      );
      courier.wake();
      return count;
    };
    const put = (subscription: BrowserWord): string => transaction(database, () => browsers.put(subscription));
    const stop = async (): Promise<void> => {
      await courier.stop();
      state.close();
    };
    scope.cleanup(stop);
    return { state, database, accounts, groups, browsers, channels, send, say, put, stop };
  };
  /** What became of the next try, once it is noted. */
  const outcome = async (): Promise<TryOutcome> => {
    const one = outcomes.shift() ?? (await new Promise<TryOutcome>((resolve) => waiting.push(resolve)));
    await setImmediate();
    return one;
  };
  return { at, clock, behind, open, outcome, begun: () => begun };
}

/** A browser that subscribes, and reads what comes. */
function browserAt(url: string, account: string, name = `${account}'s browser`) {
  const { ecdh, keys } = subscriber();
  const endpoint = `${url}/push/${encodeURIComponent(name)}`;
  const read = (bytes: Buffer): Record<string, unknown> =>
    JSON.parse(decryptPush(bytes, ecdh, keys.auth)) as Record<string, unknown>;
  return { subscription: { account, name, endpoint, ...keys }, read };
}

const states = (database: ReturnType<typeof openState>["database"]): unknown[] =>
  database
    .prepare("SELECT channel, state, tries, said FROM deliveries ORDER BY id")
    .all()
    .map((row) => Object.values(row));

suite("push: browsers", ({ test, before }) => {
  let tls: Parameters<typeof pushing>[1];
  before(async (scope) => {
    const { identity, cafile } = await startTls(scope);
    tls = { ...identity.current(), ca: readFileSync(cafile, "utf8") };
  });

  test("a notice goes encrypted to its person's browser, again behind an error and a restart; and one that is gone is told of", async (scope) => {
    const { at, clock, open, outcome } = await pushing(scope, tls);
    const first = open();
    first.accounts.set("root", "admin");
    const { subscription, read } = browserAt(at.url, "root");
    const id = first.put(subscription);
    const { point } = first.browsers.key();
    at.script.push({ status: 500, body: "not today" });
    assert.is(first.say({ labels: { note: '"quoted" \u{1f680}'.repeat(15) } }), 1);
    assert.equal(await outcome(), { kind: "later", said: "500" });
    await first.stop();

    const second = open();
    assert.is(second.browsers.key().point, point, "browsers have subscribed by it");
    clock.advance(60_000);
    assert.equal(await outcome(), { kind: "delivered", said: "201" });
    const [, { method, path, headers, bytes } = at.asked[0]!] = at.asked;
    assert.equal([method, path], ["POST", new URL(subscription.endpoint).pathname]);
    assert.equal(
      [headers["content-encoding"], headers["ttl"], headers["urgency"]],
      ["aes128gcm", String(pushKept), "high"],
    );
    assert.match(String(headers["topic"]), /^[\w-]{32}$/);
    const told = read(bytes);
    assert.equal([told["title"], told["path"]], ["rpi-7: disk.used_percent is 97.5", "/alerts/a1"]);
    assert.match(String(told["body"]), /^\/ has 1\.2 GB left\n\nSeverity: critical\nDevice: rpi-7\n/);
    const [, token = "", k = ""] = /^vapid t=(.*), k=(.*)$/.exec(headers.authorization ?? "") ?? [];
    assert.is(k, point);
    const [head = "", claims = "", signature = ""] = token.split(".");
    assert.equal(JSON.parse(Buffer.from(claims, "base64url").toString()), {
      aud: at.url,
      exp: Math.floor(clock.now() / 1_000) + 12 * 3_600,
      sub: "mailto:muster@localhost",
    });
    const raw = Buffer.from(k, "base64url");
    const [x, y] = [raw.subarray(1, 33).toString("base64url"), raw.subarray(33).toString("base64url")];
    const jwk = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
    const signed = Buffer.from(`${head}.${claims}`);
    assert.ok(verify("sha256", signed, { key: jwk, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url")));

    at.script.push({ status: 410 });
    second.say({ alert: "a2", text: `${'"'.repeat(1_000)}\\`.repeat(4) });
    second.say({ alert: "a3" });
    assert.is((await outcome()).kind, "refused");
    const gone = "410: its push service says that there is no such browser any more; switch it on there again";
    assert.ok(at.asked.at(-1)!.bytes.length <= 4_096);
    assert.is(String(read(at.asked.at(-1)!.bytes)["body"]).endsWith("…"), true, "cut to what a push service takes");
    assert.equal(states(second.database).slice(1), [
      [queueNameOf(id), "failed", 1, gone],
      [queueNameOf(id), "failed", 0, gone],
    ]);
    const kept = { id, account: "root", name: "root's browser", ts: begin, gone: clock.now() };
    assert.equal(second.browsers.list("root"), [{ ...kept, endpoint: "", p256dh: "", auth: "" }]);
    assert.is(second.say({ alert: "a4" }), 0, "nobody is there who would hear of it");
    const noted = second.database.prepare("SELECT who, detail FROM audit WHERE what = 'browser.gone'").all();
    assert.equal(
      noted.map((row) => Object.values(row)),
      [["console", '{"account":"root","name":"root\'s browser"}']],
    );
    const again = browserAt(at.url, "root").subscription;
    second.put({ ...again, endpoint: `${again.endpoint}-2` });
    assert.equal(
      second.browsers.list("root").map((one) => one.gone),
      [null],
      "the one of before that went by this name is forgotten",
    );
  });

  test("a person's browser is told of what he may see, when it is written down and when it goes out", async (scope) => {
    const { at, behind, clock, open, outcome } = await pushing(scope, tls);
    const { accounts, groups, browsers, channels, database, say, put } = open();
    accounts.set("root", "admin");
    accounts.set("lab", "viewer", undefined, ["lab"]);
    groups.set("rpi-8" as DeviceId, ["lab"]);
    const { subscription, read } = browserAt(at.url, "lab");
    put(subscription);
    put(browserAt(at.url, "root").subscription);
    transaction(database, () => channels.put(channelOf("ops", { kind: "mqtt", usual: false })))();
    assert.is(say({ alert: "1" }), 1, "rpi-7 is in none of his groups");
    assert.is(say({ alert: "2", device: null }), 1);
    assert.is(say({ alert: "3", device: "rpi-8" }, ["ops"]), 1, "a rule that names channels goes to these");
    assert.is(say({ alert: "4", device: "rpi-8" }, ["ops", "browsers"]), 3);
    for (let count = 0; count < 6; count += 1) assert.is((await outcome()).kind, "delivered");
    const his = (): Record<string, unknown>[] =>
      at.asked.filter(({ path }) => path === new URL(subscription.endpoint).pathname).map(({ bytes }) => read(bytes));
    assert.equal(
      his().map((one) => one["path"]),
      ["/alerts/4"],
    );

    // Several devices at once, of which one is his: he hears of it, and of no other.
    behind.set("5", ["rpi-7", "rpi-8"]);
    assert.is(say({ alert: "5", device: null, title: "2 devices", text: "rpi-7, rpi-8" }), 2);
    for (let count = 0; count < 2; count += 1) assert.is((await outcome()).kind, "delivered");
    behind.delete("5");
    assert.is(say({ alert: "5", device: null, kind: "resolved", text: "it was: rpi-7, rpi-8" }), 2);
    for (let count = 0; count < 2; count += 1) assert.is((await outcome()).kind, "delivered");
    const [, fires, over] = his();
    assert.equal([fires?.["title"], fires?.["path"]], ["disk full fires for several devices at once", "/alerts"]);
    assert.is(over?.["title"], "Resolved: disk full is over");
    assert.not.match(JSON.stringify(his().slice(1)), /rpi-7/);

    // Between the two he is limited to another group.
    at.script.push({ status: 503 }, { status: 503 });
    say({ alert: "6", device: "rpi-8" });
    for (let count = 0; count < 2; count += 1) assert.is((await outcome()).kind, "later");
    accounts.setRights("lab", { groups: ["field"] });
    clock.advance(60_000);
    const ends = [await outcome(), await outcome()].map(({ kind, said }) => `${kind} ${said}`).sort();
    assert.equal(ends, ["delivered 201", 'refused "lab" may not see what this is about any more']);
    assert.is(his().length, 4);

    accounts.set("lab", "viewer");
    assert.equal(browsers.list("lab"), [], "with another password nothing of before holds");
    put(subscription);
    accounts.remove("lab");
    assert.equal(browsers.list("lab"), []);
  });

  test("an address of a browser's leads to the internet, or nowhere; and there are so many", async (scope) => {
    const { at, clock, open, outcome, begun } = await pushing(scope, tls);
    const { port } = new URL(at.url);
    const { keys } = subscriber();
    for (const [endpoint, why] of [
      ["", /with https/],
      ["http://push.example/x", /with https/],
      ["https://user:secret@push.example/x", /with https/],
      ["https://push.example/x#y", /with https/],
      ["file:///etc/passwd", /with https/],
      ["https://127.0.0.1/x", /127\.0\.0\.1 is no address on the internet/],
      ["https://127.1/x", /127\.0\.0\.1 is no address/],
      ["https://2130706433/x", /127\.0\.0\.1 is no address/],
      ["https://0x7f000001/x", /127\.0\.0\.1 is no address/],
      ["https://[::1]/x", /::1 is no address/],
      ["https://[::ffff:169.254.169.254]/x", /is no address/],
      ["https://169.254.169.254/latest", /is no address/],
      ["https://10.0.0.1:8086/write", /is no address/],
      [`https://push.example/${"x".repeat(maxEndpoint)}`, /characters: expected 2000 at most/],
    ] as const)
      assert.throws(() => checkSubscription({ endpoint, ...keys }, isPublicAddress), why);
    const far = { endpoint: "https://push.example/x", ...keys };
    checkSubscription(far, isPublicAddress);
    assert.throws(() => checkSubscription({ ...far, p256dh: "AAAA" }, isPublicAddress), /a point of P-256/);
    assert.throws(() => checkSubscription({ ...far, auth: "AAAA" }, isPublicAddress), /auth of 16 bytes/);

    // A name that leads home is found out when it is looked up, and one that has changed meanwhile as well.
    const guarded = open(isPublicAddress);
    guarded.accounts.set("root", "admin");
    const named = { ...browserAt(`https://localhost:${port}`, "root").subscription };
    const id = guarded.put(named);
    guarded.say();
    assert.match((await outcome()).said, /^localhost may not be spoken to: it leads to no address on the internet/);
    guarded.database.prepare("UPDATE browsers SET endpoint = ? WHERE id = ?").run(`${at.url}/push`, id);
    clock.advance(60_000);
    assert.match((await outcome()).said, /^127\.0\.0\.1 may not be spoken to/);
    assert.equal(at.asked, []);
    await guarded.stop();

    const { accounts, browsers, channels, database, put, say } = open();
    for (let count = browsers.list("root").length; count < maxBrowsersOfPerson; count += 1)
      put(browserAt(at.url, "root", `b${count}`).subscription);
    const more = browserAt(at.url, "root", "one more").subscription;
    assert.throws(() => put(more), /you have 10 browsers told of alerts, and no more may be/);
    const [known] = browsers.list("root");
    assert.ok(known && put(known) === known.id, "one that is there already is no more");
    assert.throws(() => put({ ...known, ...keys }), /known with other keys/);
    // One push service that does not answer holds up others of its kind, but no channel.
    at.script.push(...Array.from({ length: maxBrowsersAtOnce }, () => ({ status: 200, how: "never" as const })));
    transaction(database, () => channels.put(channelOf("ops", { kind: "mqtt" })))();
    const before = begun();
    assert.is(say({ alert: "b1" }), 1 + maxBrowsersOfPerson);
    assert.equal(await outcome(), { kind: "delivered", said: "shown" });
    assert.is(begun() - before, 1 + maxBrowsersAtOnce);

    accounts.set("zoe", "viewer");
    const insert = database.prepare("INSERT INTO browsers VALUES (?, 'zoe', 'x', '', '', '', 0, NULL)");
    for (let count = maxBrowsersOfPerson; count < maxBrowsers; count += 1) insert.run(String(count));
    database.exec("UPDATE browsers SET gone = 0 WHERE account = 'root' AND name = 'b5'");
    put(more);
    database.exec("UPDATE browsers SET gone = 0 WHERE account = 'root' AND name = 'b6'");
    insert.run("one more");
    assert.throws(() => put(browserAt(at.url, "root", "another").subscription), /200 browsers are told of alerts/);
  });
});
