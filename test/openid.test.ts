import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { maxProviderAnswer } from "#api/provider-routes";
import { parseClaimRules } from "#shared/claim-rules";
import { ManualClock } from "#shared/clock";
import { asError } from "#shared/errors";
import { silentLog } from "#shared/log";
import type { Settings } from "#shared/settings";
import { providerFor } from "../commands/compose/provider-for.ts";
import { providedSessionLength } from "../console/accounts/tokens.ts";
import { flowLength } from "../console/http/flow-cookie.ts";
import { IdentityProvider } from "../console/provider/identity-provider.ts";
import { serveApi } from "./api-server.ts";
import { openPage } from "./browser.ts";
import { checkedClient, statusOf } from "./checked-client.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { freePort } from "./mosquitto.ts";
import { providersClient, startOpenIdProvider, type OpenIdProvider } from "./openid-provider.ts";
import { musterProgram, Running } from "./programs.ts";
import { suite, type Scope } from "./suite.ts";

const rules = parseClaimRules("team=ops:admin, team=lab:operator@lab+field, email=vic@example.org:viewer");
const page = new URL("../dist/web", import.meta.url).pathname;

interface Installation {
  readonly fleet: Fleet;
  readonly url: string;
  readonly provider: OpenIdProvider;
  /** Of what a browser keeps while its person is at the provider. */
  readonly clock: ManualClock;
}

async function start(scope: Scope): Promise<Installation> {
  let url = "";
  const clock = new ManualClock();
  const fleet = await startFleet(scope, "embedded");
  fleet.state.accounts.set("root", "admin");
  const provider = await startOpenIdProvider(scope, () => url);
  const own = new IdentityProvider({
    issuer: provider.issuer,
    clientId: providersClient.id,
    clientSecret: providersClient.secret,
    scope: "openid profile email",
    nameClaim: "preferred_username",
    rules,
    origin: () => url,
    log: silentLog,
    clock,
  });
  ({ url } = await serveApi(scope, fleet, { provider: own, page, clock }));
  return { fleet, url, provider, clock };
}

/** A browser without a window: keeps cookies, and goes where it is led. */
class Walker {
  readonly cookies = new Map<string, string>();
  readonly ways: string[] = [];
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  get as(): Client {
    return checkedClient(this.#url, undefined, { headers: { cookie: this.cookie, "sec-fetch-site": "same-origin" } })
      .client;
  }

  async step(to: string): Promise<string | undefined> {
    const headers = { cookie: this.cookie, accept: "text/html", "sec-fetch-site": "cross-site" };
    const response = await fetch(to, { redirect: "manual", headers });
    await response.arrayBuffer();
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "" || /expires=Thu, 01 Jan 1970/i.test(cookie)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const next = response.headers.get("location");
    return next === null ? undefined : new URL(next, to).href;
  }

  /** @param until stops before it goes there @returns where it ends */
  async walk(from = `${this.#url}/login/provider`, until = /^never$/): Promise<string> {
    let at = from;
    for (let steps = 0; steps < 12; steps++) {
      this.ways.push(at);
      if (until.test(at)) return at;
      const next = await this.step(at);
      if (next === undefined) return at;
      at = next;
    }
    throw new Error(`led in circles: ${this.ways.join(" ")}`);
  }
}

async function rejection(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
  } catch (error) {
    return asError(error).message;
  }
  return "nothing was thrown";
}

const back = /\/login\/provider\/back/;

suite("logging in by OpenID Connect", ({ before, test }) => {
  let fleet: Fleet;
  let url: string;
  let provider: OpenIdProvider;
  let clock: ManualClock;
  before(async (scope) => {
    ({ fleet, url, provider, clock } = await start(scope));
  });

  test("who has a role by the provider comes in, with its groups, without a password, and gets them anew each time", async () => {
    const { accounts } = fleet.state;
    provider.person = { sub: "1001", preferred_username: "zoe", team: ["lab"] };
    const zoe = new Walker(url);
    assert.is(await zoe.walk(), `${url}/`);
    assert.equal(await zoe.as.whoAmI(), { name: "zoe", role: "operator", groups: ["lab", "field"] });
    const way = zoe.ways.find((one) => one.includes("/auth?"));
    const asked = new URL(way ?? "").searchParams;
    assert.is(asked.get("code_challenge_method"), "S256");
    assert.is(asked.get("redirect_uri"), `${url}/login/provider/back`);
    for (const name of ["state", "nonce", "code_challenge"]) assert.ok((asked.get(name)?.length ?? 0) >= 43, name);
    assert.not.ok([...zoe.cookies.keys()].includes("muster_login"), "it is good for one way");
    assert.not.ok(zoe.ways.join().includes(providersClient.secret));

    // Called otherwise there, it is the same account; what it may is another.
    provider.person = { sub: "1001", preferred_username: "zoe-marie", team: ["ops"] };
    const again = new Walker(url);
    await again.walk();
    assert.equal(await again.as.whoAmI(), { name: "zoe", role: "admin" });
    assert.is(await statusOf(zoe.as.whoAmI()), 401, "what was opened under the old rights has ended");
    await new Walker(url).walk();
    assert.equal(await again.as.whoAmI(), { name: "zoe", role: "admin" }, "the same rights end nothing");
    const { sessions } = await again.as.listSessions();
    assert.equal(
      sessions.filter(({ account }) => account === "zoe").map(({ created, expires }) => expires - created),
      [providedSessionLength, providedSessionLength],
      "who is gone there is gone here the same day",
    );
    const listed = (await again.as.listAccounts()).accounts.find(({ name }) => name === "zoe");
    assert.is(listed?.provided, true);

    // It has no password, and gets none; over MQTT it has a secret as others do.
    assert.throws(() => accounts.set("zoe", "admin", "correct horse"), /comes from the identity provider/);
    assert.throws(() => accounts.setRights("zoe", { role: "viewer" }), /comes from the identity provider/);
    assert.is(await statusOf(again.as.beginSecondFactor()), 409);
    const secret = Buffer.from(fleet.state.mqttSecrets.issue("zoe"));
    assert.is((await fleet.state.mqttSecrets.verify("zoe", secret))?.role, "admin");
    // Nor is it the administrator without whom nobody could come in while the provider is away.
    assert.throws(() => accounts.remove("root"), /the last administrator/);
    assert.is(accounts.mainAdmin(), "root");

    // To whom the provider gives nothing any more, nothing stays.
    provider.person = { sub: "1001", preferred_username: "zoe", team: [] };
    assert.is(await new Walker(url).walk(), `${url}/?refused=no-role`);
    assert.is(accounts.find("zoe"), undefined);
    assert.is(await fleet.state.mqttSecrets.verify("zoe", secret), undefined);
    assert.is(await statusOf(again.as.whoAmI()), 401);
    const root = checkedClient(url, `root:${accounts.set("root", "admin")}`).client;
    const { entries } = await root.listAudit({ limit: 100 });
    const of = (what: string) =>
      entries.filter((one) => one.what === what && one.who === "zoe" && one.result !== "begun").length;
    assert.equal(["account.added", "account.changed", "account.removed", "login.refused"].map(of), [1, 1, 1, 1]);
    assert.ok(of("login.ok") >= 1);
  });

  test("who has no role, a name that is taken or one that is none, is refused with a sentence, and gets no account", async () => {
    const { accounts } = fleet.state;
    const before = accounts.find("ann");
    const known = accounts.list().length;
    for (const [person, why] of [
      [{ sub: "1", preferred_username: "bob", team: ["sales"] }, "no-role"],
      [{ sub: "2", preferred_username: "vic", email: "vic@example.org", email_verified: false }, "no-role"],
      [{ sub: "3", preferred_username: "ann", team: ["ops"] }, "name-taken"],
      [{ sub: "3b", preferred_username: "Ann", team: ["ops"] }, "name-taken"],
      [{ sub: "4", preferred_username: "rpi-7", team: ["ops"] }, "name-taken"],
      [{ sub: "5", preferred_username: "admin", team: ["ops"] }, "bad-name"],
      [{ sub: "5b", preferred_username: "Admin", team: ["ops"] }, "bad-name"],
      [{ sub: "5c", preferred_username: "many", team: ["ops"] }, "bad-name"],
      [{ sub: "6", preferred_username: "list", team: ["ops"] }, "bad-name"],
      [{ sub: "7", preferred_username: "<b>", team: ["ops"] }, "bad-name"],
      [{ sub: "8", team: ["ops"] }, "bad-name"],
    ] as const) {
      provider.person = person;
      const walker = new Walker(url);
      assert.is(await walker.walk(), `${url}/?refused=${why}`, JSON.stringify(person));
      assert.is(walker.cookies.has("muster_session"), false);
    }
    assert.equal(accounts.find("ann"), before);
    assert.is(accounts.list().length, known);
    // Another person does not get the account of one who left it under that name.
    provider.person = { sub: "9", preferred_username: "kim", team: ["lab"] };
    assert.is(await new Walker(url).walk(), `${url}/`);
    provider.person = { sub: "10", preferred_username: "kim", team: ["ops"] };
    assert.is(await new Walker(url).walk(), `${url}/?refused=name-taken`);
  });

  test("a way back is good once, in the browser that began it, for ten minutes, and with its own state", async () => {
    provider.person = { sub: "2001", preferred_username: "yan", team: ["lab"] };
    const fresh = async (): Promise<{ walker: Walker; way: string }> => {
      const walker = new Walker(url);
      return { walker, way: await walker.walk(undefined, back) };
    };
    const stale = `${url}/?refused=stale`;
    const one = await fresh();
    const sealed = one.walker.cookies.get("muster_login") ?? "";
    assert.is(await new Walker(url).walk(one.way), stale, "another browser");
    assert.is(await one.walker.walk(one.way), `${url}/`);
    assert.is(await one.walker.walk(one.way), stale, "the cookie is gone");
    one.walker.cookies.set("muster_login", sealed);
    assert.is(await one.walker.walk(one.way), stale, "the code is used up");

    const two = await fresh();
    const wrong = new URL(two.way);
    wrong.searchParams.set("state", "x".repeat(43));
    assert.is(await two.walker.walk(wrong.href), stale);
    const three = await fresh();
    const foreign = new URL(three.way);
    foreign.searchParams.set("iss", "https://elsewhere.example.org");
    assert.is(await three.walker.walk(foreign.href), `${url}/?refused=invalid`, "another provider's answer");
    const four = await fresh();
    const altered = four.walker.cookies.get("muster_login") ?? "";
    four.walker.cookies.set("muster_login", altered.slice(1));
    assert.is(await four.walker.walk(four.way), stale, "a cookie that was made up");
    // Two logins in one browser: the code of one does not fit the other's proof.
    const [five, six] = [await fresh(), await fresh()];
    const mixed = new URL(six.way);
    mixed.searchParams.set("code", new URL(five.way).searchParams.get("code") ?? "");
    assert.is(await six.walker.walk(mixed.href), stale, "a code that was slipped in");
    const seven = await fresh();
    const denied = new URL(seven.way);
    denied.searchParams.delete("code");
    denied.searchParams.set("error", "access_denied");
    assert.is(await seven.walker.walk(denied.href), `${url}/?refused=denied`);
    const long = new URL((await fresh()).way);
    for (const [length, status] of [
      [maxProviderAnswer, 303],
      [maxProviderAnswer + 1, 400],
    ] as const) {
      long.searchParams.set("code", "c".repeat(length));
      const { status: told } = await fetch(long, { redirect: "manual" });
      assert.is(told, status);
    }
    const edge = await fresh();
    clock.advance(flowLength - 1);
    assert.is(await edge.walker.walk(edge.way), `${url}/`);
    const late = await fresh();
    clock.advance(flowLength);
    assert.is(await late.walker.walk(late.way), stale, "too late");
  });

  test("the way back is the configured address's, whatever name the request has", async () => {
    provider.person = { sub: "2001", preferred_username: "yan", team: ["lab"] };
    const other = url.replace("127.0.0.1", "localhost");
    const walker = new Walker(url);
    assert.is(await walker.walk(`${other}/login/provider`), `${url}/`);
    assert.is(walker.ways[1], `${url}/login/provider?here=1`);
  });

  test("muster start does not wait for a provider that is away, and says what is missing of the settings", async (scope) => {
    const directory = await scope.directory();
    const secret = join(directory, "secret");
    await writeFile(secret, `${providersClient.secret}\n`, { mode: 0o600 });
    const issuer = "http://127.0.0.1:1";
    const missing = { oidcIssuer: issuer, oidcClientId: undefined, oidcRoles: rules } as Settings;
    assert.match(await rejection(() => providerFor(missing, () => 0, silentLog)), /MUSTER_OIDC_CLIENT_ID is not/);
    const nobody = { ...missing, oidcClientId: "muster", oidcRoles: [] };
    assert.match(await rejection(() => providerFor(nobody, () => 0, silentLog)), /MUSTER_OIDC_ROLES is not/);
    const httpPort = await freePort();
    const program = new Running(scope, ...musterProgram(["start"]), {
      env: {
        MUSTER_DATA: join(directory, "data"),
        MUSTER_HTTP_PORT: String(httpPort),
        MUSTER_MQTT_PORT: String(await freePort()),
        MUSTER_OIDC_ISSUER: issuer,
        MUSTER_OIDC_CLIENT_ID: "muster",
        MUSTER_OIDC_CLIENT_SECRET_FILE: secret,
        MUSTER_OIDC_ROLES: "team=ops:admin",
      },
    });
    await program.line(/Muster .* is up/);
    const started = `http://127.0.0.1:${httpPort}`;
    assert.is((await checkedClient(started, undefined).client.listLoginWays()).provider, "127.0.0.1:1");
    assert.is(await new Walker(started).walk(), `${started}/?refused=away`);
  });

  test("in Chromium: the button, the way there and back, and what the page says of a refusal", async (scope) => {
    provider.person = { sub: "1", preferred_username: "bob", team: ["sales"] };
    const { page: tab, complaints } = await openPage(scope);
    await tab.goto(url);
    await tab.getByTestId("login-provider").click();
    await tab.getByTestId("login-problem").getByText("nothing that it says of you gives you a role here").waitFor();
    assert.is(tab.url(), `${url}/`);
    if (process.env["MUSTER_SHOT"]) await tab.screenshot({ path: `${process.env["MUSTER_SHOT"]}-oidc.png` });
    // The provider would know its own session again.
    await tab.context().clearCookies();
    provider.person = { sub: "3001", preferred_username: "eva", team: ["ops"] };
    await tab.getByTestId("login-provider").click();
    await tab.getByTestId("sessions-link").getByText("eva").waitFor();
    await tab.getByTestId("sessions-link").click();
    await tab.getByRole("link", { name: "People" }).click();
    await tab.getByTestId("account-eva").getByText("by the identity provider").waitFor();
    assert.is(await tab.getByTestId("change-eva").count(), 0);
    if (process.env["MUSTER_SHOT"]) await tab.screenshot({ path: `${process.env["MUSTER_SHOT"]}-oidc-people.png` });
    assert.equal(complaints, []);
  });
});
