import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { ProviderRefusedError } from "#shared/provider-refusals";
import { suite, type Scope } from "../../test/suite.ts";
import { claimsOf, personNameIn } from "./provider-claims.ts";
import { maxProviderBytes } from "./bounded-fetch.ts";
import {
  callbackPath,
  descriptionAge,
  IdentityProvider,
  maxCallsOfNetwork,
  maxProviderCalls,
  maxSubject,
  providerPatience,
  providerSkew,
} from "./identity-provider.ts";

const keys = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const others = generateKeyPairSync("rsa", { modulusLength: 2_048 });

interface Lies {
  /** In place of what an honest ID token says. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: typeof keys.privateKey;
  /** In place of the description. */
  readonly description?: (response: ServerResponse, honest: object) => void;
  readonly token?: (response: ServerResponse) => void;
  readonly userinfo?: (response: ServerResponse) => void;
}

/** A provider that lies as it is told to, which no real one does. */
async function startLiar(scope: Scope, patience?: number) {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  scope.cleanup(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const told = { lies: {} as Lies, nonce: "", described: 0, logins: 0, form: new URLSearchParams() };
  const json = (response: ServerResponse, value: unknown): void =>
    void response.setHeader("content-type", "application/json").end(JSON.stringify(value));
  const idToken = (): string => {
    const { claims, header, key = keys.privateKey } = told.lies;
    const now = Math.floor(Date.now() / 1_000);
    const honest = { iss: issuer, aud: "muster", sub: "1", nonce: told.nonce, iat: now, exp: now + 60, team: "ops" };
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: "RS256", kid: "1", ...header })}.${part({ ...honest, ...claims })}`;
    return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
  };
  server.on("request", (request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/jwks") {
      const jwk = keys.publicKey.export({ format: "jwk" });
      return json(response, { keys: [{ ...jwk, kid: "1", use: "sig", alg: "RS256" }] });
    }
    if (path === "/token") {
      let body = "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => {
        told.form = new URLSearchParams(body);
        if (told.lies.token) return told.lies.token(response);
        json(response, { access_token: "a", token_type: "Bearer", id_token: idToken() });
      });
      return;
    }
    if (path === "/userinfo") {
      if (told.lies.userinfo) return told.lies.userinfo(response);
      return json(response, { sub: told.lies.claims?.["sub"] ?? "1" });
    }
    told.described += 1;
    const endpoints = {
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`,
    };
    const honest = { issuer, ...endpoints, id_token_signing_alg_values_supported: ["RS256"] };
    if (told.lies.description) return told.lies.description(response, honest);
    json(response, honest);
  });
  const clock = new ManualClock();
  const warned: string[] = [];
  const provider = new IdentityProvider({
    issuer,
    clientId: "muster",
    scope: "openid",
    nameClaim: "sub",
    rules: [{ claim: "team", value: "ops", role: "admin" }],
    origin: () => "http://127.0.0.1:3000",
    log: { ...silentLog, warn: (_, message) => void warned.push(message) },
    clock,
    ...(patience === undefined ? {} : { patience }),
  });
  /** A login as a whole, with these lies. @returns whose it is, or why it is refused */
  const logIn = async (lies: Lies = {}): Promise<string> => {
    told.lies = lies;
    // So that nobody takes it for a flood.
    const network = `192.0.2.${(told.logins += 1)}`;
    try {
      const { url, flow } = await provider.begin(network);
      told.nonce = flow.nonce;
      assert.is(new URL(url).searchParams.get("redirect_uri"), `http://127.0.0.1:3000${callbackPath}`);
      const { identity, rule } = await provider.finish({ code: "c", state: flow.state }, flow, network);
      const challenge = createHash("sha256")
        .update(told.form.get("code_verifier") ?? "")
        .digest("base64url");
      assert.is(challenge, new URL(url).searchParams.get("code_challenge"));
      return `${identity} ${rule?.role}`;
    } catch (error) {
      if (error instanceof ProviderRefusedError) return error.why;
      throw error;
    }
  };
  return { issuer, provider, told, json, clock, logIn, warned };
}

suite("an identity provider", ({ test }) => {
  test("an ID token counts when all that it says holds, and is signed", async (scope) => {
    const { issuer, logIn, json, warned } = await startLiar(scope);
    assert.is(await logIn(), `${issuer} 1 admin`);
    const longest = "s".repeat(maxSubject);
    assert.is(await logIn({ claims: { sub: longest } }), `${issuer} ${longest} admin`);
    const lies: Readonly<Record<string, Lies>> = {
      "another issuer": { claims: { iss: "https://elsewhere.example.org" } },
      "for another client": { claims: { aud: "others" } },
      "of another login": { claims: { nonce: "n" } },
      "no nonce": { claims: { nonce: undefined } },
      nobody: { claims: { sub: "" } },
      "at too great length": { claims: { sub: "s".repeat(maxSubject + 1) } },
      "signed by somebody else": { key: others.privateKey },
      "not signed": { header: { alg: "none" } },
      "signed by a key that all know": { header: { alg: "HS256" } },
    };
    for (const [what, lie] of Object.entries(lies)) assert.is(await logIn(lie), "invalid", what);
    assert.is(await logIn({ userinfo: (response) => json(response, { sub: "2", team: "ops" }) }), "invalid");
    assert.is(warned.length, 1, "a stranger who fails again and again does not fill the log");
  });

  test("a clock that is wrong is named as such, beyond a minute", async (scope) => {
    const { logIn } = await startLiar(scope);
    const now = Math.floor(Date.now() / 1_000);
    const tolerated = providerSkew / 1_000;
    for (const [claims, holds] of [
      [{ exp: now - tolerated + 20 }, true],
      [{ exp: now - tolerated - 1 }, false],
      [{ nbf: now + tolerated - 1 }, true],
      [{ nbf: now + tolerated + 20 }, false],
    ] as const)
      assert.is((await logIn({ claims })).endsWith(" admin"), holds, JSON.stringify(claims));
    assert.is(await logIn({ claims: { exp: now - 600, iat: now - 700 } }), "clock");
  });

  test("an address of mail counts only by the word of whoever told it", () => {
    const mail = (proved: object, told: object): unknown[] => {
      const { email, email_verified: verified } = claimsOf({ ...proved }, { ...told });
      return [email, verified];
    };
    const [boss, mine] = ["boss@example.org", "me@example.org"];
    assert.equal(mail({ email: boss }, { email: mine, email_verified: true }), [boss, undefined]);
    assert.equal(mail({ email: boss, email_verified: true }, {}), [boss, true]);
    assert.equal(mail({}, { email: mine, email_verified: true }), [mine, true]);
    assert.equal(mail({ email_verified: true }, { email: mine, email_verified: false }), [mine, false]);
    assert.is(personNameIn({ email: boss }, "email"), undefined);
    assert.is(personNameIn({ email: boss, email_verified: true }, "email"), boss);
    assert.is(personNameIn({ name: 7 }, "name"), undefined);
    assert.is(personNameIn({}, "constructor"), undefined);
  });

  test("a provider that is away, slow, or answers with rubbish or without end holds nobody up", async (scope) => {
    assert.ok(providerPatience < 10_000);
    const { logIn, json } = await startLiar(scope, 300);
    const large = "x".repeat(maxProviderBytes);
    const cases: readonly (readonly [string, Lies, string])[] = [
      ["never answers", { description: () => {} }, "away"],
      ["stops half-way", { description: (response) => void response.write("{") }, "away"],
      ["breaks off", { description: (response) => void response.destroy() }, "away"],
      ["without end", { description: (response, honest) => json(response, { ...honest, large }) }, "away"],
      ["says 500", { description: (response) => void response.writeHead(500).end() }, "away"],
      ["leads on", { description: (response) => void response.writeHead(302, { location: "/jwks" }).end() }, "away"],
      ["no JSON", { description: (response) => void response.end("<html>") }, "invalid"],
      [
        "another issuer",
        { description: (response, h) => json(response, { ...h, issuer: "https://x.org" }) },
        "invalid",
      ],
    ];
    for (const [what, lies, why] of cases) assert.is(await logIn(lies), why, what);
    assert.is((await logIn()).split(" ")[1], "1", "it is asked anew once it is there");
    assert.is(await logIn({ token: () => {} }), "away");
    assert.is(await logIn({ token: (response) => json(response, { access_token: large }) }), "away");
    assert.is(await logIn({ userinfo: (response) => json(response, { sub: "1", large }) }), "away");
    assert.is(await logIn({ userinfo: () => {} }), "away");
    assert.is(
      await logIn({ token: (response) => json(response, { access_token: "a", token_type: "bearer" }) }),
      "invalid",
    );
  });

  test("it is asked once for all who wait, again after an hour, and not by more than a few at once", async (scope) => {
    const { told, logIn, provider, clock, json } = await startLiar(scope);
    let release: () => void = () => {};
    told.lies = { description: (response, honest) => (release = () => json(response, honest)) };
    const from = (n: number): string => `192.0.2.${Math.floor(n / maxCallsOfNetwork)}`;
    const waiting = Array.from({ length: maxProviderCalls }, (_, n) => provider.begin(from(n)));
    try {
      await provider.begin("198.51.100.1");
      assert.unreachable("one too many");
    } catch (error) {
      assert.is((error as ProviderRefusedError).why, "busy");
    }
    while (told.described === 0) await new Promise((resolve) => setImmediate(resolve));
    release();
    await Promise.all(waiting);
    assert.is(told.described, 1);
    const own = Array.from({ length: maxCallsOfNetwork + 1 }, () => provider.begin("198.51.100.1"));
    const went = (await Promise.allSettled(own)).map(({ status }) => status);
    assert.equal(went, [...Array(maxCallsOfNetwork).fill("fulfilled"), "rejected"], "one network does not take all");
    clock.advance(descriptionAge - 1);
    await logIn();
    assert.is(told.described, 1);
    clock.advance(1);
    await logIn();
    assert.is(told.described, 2);
  });
});
