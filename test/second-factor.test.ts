import mqtt from "mqtt";
import * as assert from "uvu/assert";
import { createClient, type Client } from "#api/client";
import { silentLog } from "#shared/log";
import { Broker } from "../broker/broker.ts";
import { clientAt } from "../cli/client-at.ts";
import { freeCodes } from "../console/accounts/code-guesses.ts";
import { recoveryCodes } from "../console/accounts/second-factors.ts";
import { systemClock } from "#shared/clock";
import { codeOf } from "./authenticator.ts";
import { openPage } from "./browser.ts";
import { assertRefused, checkedClient } from "./checked-client.ts";
import { startFleet } from "./fleet.ts";
import { servePage } from "./page-server.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";

async function start(scope: Scope) {
  const fleet = await startFleet(scope, "embedded");
  const { accounts, mqttSecrets } = fleet.state;
  accounts.set("root", "admin", password);
  accounts.set("zoe", "operator", password);
  const url = await servePage(scope, fleet);
  const as = (name: string): Client => checkedClient(url, `${name}:${password}`).client;
  /** With a code in its header. */
  const withCode = (code: string): Client =>
    createClient({
      url,
      login: `zoe:${password}`,
      fetch: (asked, init) => {
        const headers = new Headers(init?.headers);
        headers.set("muster-code", code);
        return fetch(asked, { ...init, headers });
      },
    });
  return { fleet, accounts, mqttSecrets, url, as, withCode };
}

/** A session of zoe's by her password. @returns the status with which it is let in */
async function sessionAt(url: string): Promise<() => Promise<number>> {
  const { headers } = await fetch(`${url}/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "zoe", password }),
  });
  const [cookie = ""] = headers.getSetCookie();
  return async () => (await fetch(`${url}/api/session`, { headers: { cookie: cookie.split(";")[0] ?? "" } })).status;
}

suite("a second factor", ({ test }) => {
  test("once it is confirmed, the password alone is enough nowhere; a code and a recovery code are good once", async (scope) => {
    const { as, accounts, withCode, url } = await start(scope);
    const zoe = as("zoe");
    const token = await zoe.createToken({ name: "a program" });
    const first = await zoe.beginSecondFactor();
    const { secret } = await zoe.beginSecondFactor();
    assert.ok((await zoe.whoAmI()).name, "it does not count before it is confirmed");
    for (const wrong of [codeOf(first.secret), "000000x", ""])
      await assertRefused(zoe.confirmSecondFactor({ code: wrong }), 422, /not the code/);
    const used = codeOf(secret);
    const [own, other] = [await sessionAt(url), await sessionAt(url)];
    assert.equal([await own(), await other()], [200, 200]);
    const { recovery } = await zoe.confirmSecondFactor({ code: used });
    assert.is(new Set(recovery).size, recoveryCodes);
    assert.equal([await own(), await other()], [401, 401], "sessions by the password alone have ended");
    await assertRefused(zoe.whoAmI(), 401, /a code of the second factor is needed/);
    await assertRefused(checkedClient(url, undefined).client.logIn({ name: "zoe", password }), 401, /a code of the/);
    const loginsOf = async (): Promise<string[]> =>
      (await as("root").listAudit({ what: "login", text: "zoe" })).entries.map(({ what, on }) => `${what} ${on}`);
    await eventually("half a login", async () => (await loginsOf()).includes("login.code-asked api"));
    const halves = (await loginsOf()).filter((one) => !one.startsWith("login.ok"));
    assert.equal(halves, ["login.code-asked api"], "and no refusal, however often");
    const verb = (secret: string): Promise<unknown> =>
      clientAt(url, `zoe:${secret}`, { refused: "wrong one" })
        .whoAmI()
        .catch((error: unknown) => (error as Error).message);
    assert.match(String(await verb(password)), /a code of the second factor is needed.*token/);
    assert.is(await verb("wrong horse"), "wrong one");
    const stranger = checkedClient(url, undefined).client;
    await assertRefused(stranger.logIn({ name: "zoe", password }), 401, /a code of the second factor is needed/);
    await assertRefused(stranger.logIn({ name: "zoe", password: "wrong horse" }), 401, /name or password is wrong/);
    await assertRefused(withCode(used).whoAmI(), 401, /wrong, or was used already/);
    const now = codeOf(secret, 1);
    assert.is((await stranger.logIn({ name: "zoe", password, code: now })).name, "zoe");
    await assertRefused(stranger.logIn({ name: "zoe", password, code: now }), 401, /wrong, or was used already/);
    const [one = "", another = ""] = recovery;
    assert.is((await withCode(`${one.slice(0, 6)}-${one.slice(6)}`.toUpperCase()).whoAmI()).name, "zoe");
    await assertRefused(withCode(one).whoAmI(), 401, /wrong, or was used already/);
    assert.is((await withCode(another).whoAmI()).name, "zoe");
    assert.is((await checkedClient(url, token.secret).client.whoAmI()).name, "zoe", "tokens do not need it");
    await assertRefused(
      checkedClient(url, token.secret).client.beginSecondFactor(),
      403,
      /does not decide who may come in/,
    );
    const admin = as("root");
    assert.is((await admin.listAccounts()).accounts.find(({ name }) => name === "zoe")?.secondFactor, true);
    await assertRefused(withCode(recovery[2] ?? "").beginSecondFactor(), 409, /has a second factor/);
    await admin.resetSecondFactor("zoe");
    await assertRefused(admin.resetSecondFactor("zoe"), 404, /no second factor/);
    assert.is((await zoe.whoAmI()).name, "zoe");
    assert.is(accounts.factors.take("zoe", recovery[3] ?? ""), false, "its recovery codes are gone with it");
  });

  test("whoever guesses codes behind the right password is held up, and it is told", async (scope) => {
    const { as, accounts, withCode } = await start(scope);
    const { secret } = accounts.factors.begin("zoe");
    assert.ok(accounts.factors.confirm("zoe", codeOf(secret)));
    accounts.factorAdded("zoe", { address: "192.0.2.1" });
    for (let times = 0; times < freeCodes; times += 1)
      await assertRefused(withCode("000000x").whoAmI(), 401, /this code is wrong/);
    await assertRefused(
      withCode(codeOf(secret, 1)).whoAmI(),
      429,
      /too many wrong codes of this account.*looked at in/,
    );
    const { entries } = await as("root").listAudit({ what: "second-factor.paused" });
    assert.equal(
      entries.map(({ who, from, detail }) => [who, from, detail["wrong"]]),
      [["zoe", "127.0.0.1", freeCodes]],
    );
    const zoe = (await as("root").listAccounts()).accounts.find(({ name }) => name === "zoe");
    assert.is(zoe?.wrongCodes, freeCodes);
  });

  test("over MQTT the password of such an account is refused, and its secret for MQTT is not", async (scope) => {
    const { accounts, mqttSecrets } = await start(scope);
    const { secret } = accounts.factors.begin("zoe");
    const broker = new Broker({
      listen: "127.0.0.1",
      port: 0,
      root: "muster",
      authenticate: (...login) => mqttSecrets.verify(...login),
      clock: systemClock,
      log: silentLog,
    });
    const { port } = await broker.start();
    scope.cleanup(() => broker.stop());
    const comes = async (given: string): Promise<boolean> => {
      const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
        username: "zoe",
        password: given,
        reconnectPeriod: 0,
        protocolVersion: 4,
      });
      scope.cleanup(() => client.endAsync(true));
      return new Promise((resolve) => {
        client.once("connect", () => resolve(true));
        client.once("error", () => resolve(false));
      });
    };
    assert.is(await comes(password), true);
    assert.ok(accounts.factors.confirm("zoe", codeOf(secret)));
    assert.is(await comes(password), false);
    assert.is(await comes(mqttSecrets.issue("zoe")), true);
  });

  test("it is set up and asked for on the page", async (scope) => {
    const { url } = await start(scope);
    const { page } = await openPage(scope);
    const logIn = async (): Promise<void> => {
      await page.goto(url);
      await page.getByTestId("login-name").fill("zoe");
      await page.getByTestId("login-password").fill(password);
      await page.getByTestId("login-submit").click();
    };
    await logIn();
    await page.getByTestId("sessions-link").click();
    await page.getByTestId("factor-begin").click();
    await page.getByRole("img", { name: "The key as a QR code" }).waitFor();
    const secret = await page.getByTestId("factor-key").innerText();
    if (process.env["MUSTER_SHOT"])
      await page.screenshot({ path: `${process.env["MUSTER_SHOT"]}-factor.png`, fullPage: true });
    await page.getByTestId("factor-code").fill(codeOf(secret));
    await page.getByTestId("factor-confirm").click();
    const [recovery = ""] = (await page.getByTestId("recovery").innerText()).split("\n");
    await page.getByTestId("logout").click();
    await page.getByTestId("login-name").waitFor();
    await logIn();
    await page.getByTestId("login-code").fill("123");
    await page.getByTestId("login-submit").click();
    await page.getByTestId("login-problem").getByText("This code is wrong", { exact: false }).waitFor();
    await page.getByTestId("login-code").fill(recovery);
    await page.getByTestId("login-submit").click();
    await page.getByTestId("sessions-link").waitFor();
  });
});
