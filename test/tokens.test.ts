import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { silentLog } from "#shared/log";
import { cliTokenName, readSecret, writeCliToken } from "../console/accounts/secrets.ts";
import { maxTokenAge, maxTokens } from "../console/accounts/tokens.ts";
import { HttpServer } from "../console/http/server.ts";
import type { State } from "../console/state/state.ts";
import { codeOf } from "./authenticator.ts";
import { assertRefused, checkedClient, statusOf } from "./checked-client.ts";
import { startFleet } from "./fleet.ts";
import { suite, type Scope } from "./suite.ts";

const password = "correct horse";
const day = 86_400_000;

interface Given {
  readonly url: string;
  readonly state: State;
  /** A client of whoever has this name with the password, or this token. */
  readonly as: (login: string) => Client;
}

async function start(scope: Scope): Promise<Given> {
  const fleet = await startFleet(scope, "embedded");
  const { console, state } = fleet;
  state.accounts.set("admin", "admin", password);
  state.accounts.set("lab", "operator", password, ["lab", "roof"]);
  const server = new HttpServer({ console, accounts: state.accounts, listen: "127.0.0.1", port: 0, log: silentLog });
  const url = `http://127.0.0.1:${await server.start()}`;
  scope.cleanup(() => server.stop());
  const as = (login: string): Client =>
    checkedClient(url, /^[a-z-]+$/.test(login) && login.length < 10 ? `${login}:${password}` : login).client;
  return { url, state, as };
}

suite("tokens of programs", ({ test }) => {
  test("a token has the rights that it was made with, and is told with where it was used last", async (scope) => {
    const { as } = await start(scope);
    const lab = as("lab");
    const made = await lab.createToken({ name: "reads the roof", role: "viewer", groups: ["roof"], ttl: "1d" });
    assert.equal([made.role, made.groups, made.account, made.used], ["viewer", ["roof"], "lab", null]);
    assert.is(made.expires - made.created, day);
    const token = as(made.secret);
    assert.equal(await token.whoAmI(), { name: "lab", role: "viewer", groups: ["roof"] });
    await assertRefused(token.sendCommand("rpi-7", { key: "ping" }), 403, /is viewer; this needs the role operator/);
    const [listed] = (await lab.listTokens()).tokens;
    assert.equal([listed?.name, listed?.usedFrom, listed?.current], ["reads the roof", "127.0.0.1", false]);
    assert.not.ok(JSON.stringify(await as("admin").listTokens()).includes(made.secret), "the secret is told once");
    assert.ok((await token.listTokens()).tokens.every(({ current }) => current));
  });

  test("a token decides nothing about who may come in, and its owner's second factor is out of its reach", async (scope) => {
    const { as, state } = await start(scope);
    const admin = as("admin");
    const { secret } = await admin.createToken({ name: "for an hour", ttl: "1h" });
    const token = as(secret);
    state.accounts.set("dan", "admin", password);
    const { secret: key } = state.accounts.factors.begin("dan");
    assert.ok(state.accounts.factors.confirm("dan", codeOf(key)));
    const before = state.accounts.people();
    for (const tried of [
      () => token.addAccount({ name: "eve", role: "admin" }),
      () => token.changeAccount("lab", { role: "admin", groups: null }),
      () => token.changeAccount("admin", { password: true }),
      () => token.removeAccount("lab"),
      () => token.createToken({ name: "for good" }),
      () => token.resetSecondFactor("dan"),
      () => token.beginSecondFactor(),
      () => token.confirmSecondFactor({ code: "123456" }),
    ])
      await assertRefused(tried(), 403, /token does not decide who may come in/);
    assert.equal(state.accounts.people(), before);
    assert.ok(state.accounts.factors.isOn("dan"));
    assert.is((await admin.listTokens()).tokens.length, 1);
    assert.ok((await token.listAccounts()).accounts.length, "it sees them all the same");
    writeCliToken(state, "admin", "http://127.0.0.1:1");
    const machine = as(readSecret(state.directory, cliTokenName) ?? "");
    await machine.addAccount({ name: "eve", role: "viewer" });
    await machine.resetSecondFactor("dan");
    assert.ok((await machine.createToken({ name: "long", ttl: "90d" })).secret, "the machine's own command line may");
  });

  test("nobody makes a token that may more than he may", async (scope) => {
    const { as, state } = await start(scope);
    const [lab, admin] = [as("lab"), as("admin")];
    await assertRefused(lab.createToken({ name: "x", role: "admin" }), 400, /a token of that account cannot be admin/);
    await assertRefused(
      lab.createToken({ name: "x", groups: ["lab", "field"] }),
      400,
      /limited to lab, roof.*for field/,
    );
    await assertRefused(lab.createToken({ name: "x", account: "admin" }), 403, /that needs the role admin/);
    await assertRefused(admin.createToken({ name: "x", account: "lab", role: "admin" }), 400, /"lab" is operator/);
    await assertRefused(admin.createToken({ name: "x", account: "nobody" }), 404, /no account/);
    await assertRefused(admin.createToken({ name: "x", account: "rpi-7" }), 404, /no account/);
    const { secret, role } = await admin.createToken({ name: "x", account: "lab" });
    assert.equal([role, (await as(secret).whoAmI()).groups], ["operator", ["lab", "roof"]]);
    state.accounts.setRights("lab", { role: "viewer" });
    await assertRefused(as(secret).whoAmI(), 401, /not known or has ended/);
  });

  test("a token that may less than its account ends nothing but itself", async (scope) => {
    const { as } = await start(scope);
    const admin = as("admin");
    const less = await admin.createToken({ name: "less", role: "operator" });
    const other = await admin.createToken({ name: "other" });
    await assertRefused(as(less.secret).revokeToken(other.id), 403, /ends no session or token but itself/);
    await assertRefused(as(less.secret).endSession(other.id), 403, /ends no session or token but itself/);
    await as(less.secret).revokeToken(less.id);
    await as(other.secret).revokeToken(other.id);
    assert.is(await statusOf(as(other.secret).whoAmI()), 401);
  });

  test("a token is revoked by its owner and by an administrator, and what is open with it ends", async (scope) => {
    const { as } = await start(scope);
    const [lab, admin] = [as("lab"), as("admin")];
    const mine = await lab.createToken({ name: "mine" });
    const theirs = await admin.createToken({ name: "theirs" });
    assert.is(await statusOf(lab.revokeToken(theirs.id)), 404);
    for (const by of [lab, admin]) {
      const { id, secret } = await lab.createToken({ name: "streams" });
      const events = as(secret).events();
      assert.is((await events.next()).value?.event, "store");
      const ended = (async () => {
        for await (const _ of events);
      })();
      await by.revokeToken(id);
      await ended;
      assert.is(await statusOf(as(secret).whoAmI()), 401);
    }
    assert.equal(
      (await lab.listTokens()).tokens.map(({ id }) => id),
      [mine.id],
    );
    assert.ok((await admin.listTokens()).tokens.length === 2);
  });

  test("a token is no cookie, a cookie no token, and neither a password", async (scope) => {
    const { url, as } = await start(scope);
    const { secret } = await as("admin").createToken({ name: "x" });
    const login = await fetch(`${url}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "admin", password }),
    });
    const cookie = /muster_session=([^;]+)/.exec(login.headers.get("set-cookie") ?? "")?.[1] ?? "";
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${url}/api/session`, { headers })).status;
    assert.is(await ask({ cookie: `muster_session=${cookie}` }), 200);
    assert.is(await ask({ authorization: `Bearer ${secret}` }), 200);
    assert.is(await ask({ cookie: `muster_session=${secret}` }), 401);
    assert.is(await ask({ authorization: `Bearer ${cookie}` }), 401);
    for (const wrong of [secret, cookie])
      assert.is(await ask({ authorization: `Basic ${btoa(`admin:${wrong}`)}` }), 401);
  });

  test("tokens are as many as one can keep an eye on, and live for no longer than somebody remembers them", async (scope) => {
    const { as, state } = await start(scope);
    const lab = as("lab");
    const { expires, created } = await lab.createToken({ name: "long", ttl: maxTokenAge });
    assert.is(expires - created, maxTokenAge);
    for (const ttl of [maxTokenAge + 1, 0]) assert.is(await statusOf(lab.createToken({ name: "x", ttl })), 400);
    for (let count = 1; count < maxTokens; count++)
      state.accounts.tokens.issue({ account: "lab", kind: "token", ttl: day, name: `t${count}` });
    await assertRefused(lab.createToken({ name: "one too many" }), 409, /revoke one/);
    assert.is((await lab.listTokens()).tokens.length, maxTokens);
  });
});
