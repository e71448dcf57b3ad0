import * as assert from "uvu/assert";
import { ManualClock, systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { generateSecret, hashSecret, looksGenerated, rounds } from "#shared/password";
import { maxPasswordLength } from "#shared/principal";
import { cpuMs } from "../../test/cpu.ts";
import { suite, withDeadline, type Scope } from "../../test/suite.ts";
import { AccountWatch } from "./account-watch.ts";
import type { AccountChange } from "./accounts.ts";
import { maxGroups } from "./group-limits.ts";
import { KnownMoment } from "../clock/known-moment.ts";
import { openState, type State } from "../state/state.ts";
import { agentLength, sessionIdle, sessionLength, sessionsOfAccount } from "./tokens.ts";

const source = { address: "10.0.0.1" };

async function open(scope: Scope, clock = new ManualClock()): Promise<{ state: State; clock: ManualClock }> {
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  return { state, clock };
}

suite("accounts", ({ test }) => {
  test("generated secrets are told from chosen ones by their form", () => {
    for (let turn = 0; turn < 1_000; turn++) assert.ok(looksGenerated(generateSecret()));
    for (const chosen of [
      "",
      "correct horse battery staple",
      "correct-horse-battery-stapl",
      "Correct-Horse-Battery-Stap1",
      "a".repeat(27),
    ])
      assert.is(looksGenerated(chosen), false, chosen);
  });

  test("what a wrong secret costs depends on its form, not on whose name it comes with", async (scope) => {
    const { state } = await open(scope);
    state.accounts.set("rpi-7", "device");
    state.accounts.set("ann", "operator", "correct horse");
    state.accounts.set("gen", "operator");
    const cost = async (name: string, secret: string): Promise<number> => {
      const began = cpuMs();
      assert.is(await state.accounts.verify(name, secret), undefined);
      return cpuMs() - began;
    };
    for (const name of ["rpi-7", "ann", "gen", "nobody"]) {
      await cost(name, generateSecret());
      const generated = await cost(name, generateSecret());
      const chosen = await cost(name, "wrong horse");
      assert.ok(generated * 5 < chosen, `${name}: ${generated} ms and ${chosen} ms`);
    }
  });

  test("a password of the generated form that an earlier Muster hashed with many rounds is still right", async (scope) => {
    const { state } = await open(scope);
    const secret = generateSecret();
    state.accounts.set("ann", "operator", "correct horse");
    state.database.prepare("UPDATE accounts SET hash = ?").run(hashSecret(secret, rounds.person - 1));
    assert.equal(await state.accounts.verify("ann", secret, source), { name: "ann", role: "operator" });
  });

  test("a device's own long secret of another form is right at once", async (scope) => {
    const { state } = await open(scope);
    const secret = "0123456789abcdef0123456789abcdef";
    state.accounts.set("rpi-7", "device", secret);
    assert.is((await state.accounts.verify("rpi-7", Buffer.from(secret), source))?.role, "device");
    assert.is(await state.accounts.verify("rpi-7", `${secret}0`, source), undefined);
  });

  test("a password has from eight characters to as many as the page takes", async (scope) => {
    const { accounts } = (await open(scope)).state;
    accounts.set("ann", "operator", "x".repeat(maxPasswordLength));
    for (const length of [7, maxPasswordLength + 1])
      assert.throws(() => accounts.set("ann", "operator", "x".repeat(length)), /expected 8 to 256/);
  });

  test("people are limited to groups, programs are not, and one administrator never is", async (scope) => {
    const { accounts } = (await open(scope)).state;
    const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `g${at}`);
    accounts.set("ann", "operator", "correct horse", names(maxGroups));
    assert.equal(accounts.find("ann")?.groups, names(maxGroups));
    accounts.set("ann", "viewer", "battery staple");
    assert.is(accounts.find("ann")?.groups?.length, maxGroups, "a new password leaves the limit");
    for (const groups of [names(maxGroups + 1), [], ["no room"], ["-x"]])
      assert.throws(() => accounts.setRights("ann", { groups }), /expected 1 to/);
    accounts.setRights("ann", { groups: null });
    assert.equal(await accounts.verify("ann", "battery staple", source), { name: "ann", role: "viewer" });
    accounts.set("rpi-7", "device");
    assert.throws(() => accounts.setRights("rpi-7", { groups: ["lab"] }), /expected a viewer, operator or admin/);
    accounts.set("root", "admin", "correct horse");
    accounts.set("lab", "admin", "correct horse", ["lab"]);
    for (const act of [() => accounts.setRights("root", { groups: ["lab"] }), () => accounts.remove("root")])
      assert.throws(act, /the last administrator/);
    assert.is(accounts.mainAdmin(), "root");
  });

  test("an account tells when somebody was there last: with a session or a token, not when one was made for it", async (scope) => {
    const { state, clock } = await open(scope);
    const { accounts } = state;
    for (const name of ["ann", "bob"]) accounts.set(name, "operator", "correct horse");
    const { secret } = accounts.tokens.issue({ account: "ann", kind: "token", ttl: sessionLength, name: "bob" });
    state.mqttSecrets.issue("bob");
    assert.equal(
      [...accounts.standings()],
      [
        ["ann", { lastSeen: null, secondFactor: false, mqttSecret: false }],
        ["bob", { lastSeen: null, secondFactor: false, mqttSecret: true }],
      ],
    );
    clock.advance(60_000);
    accounts.holder(secret, "token", source);
    assert.is(accounts.standings().get("ann")?.lastSeen, clock.now());
    clock.advance(60_000);
    accounts.issueToken("bob", "session", sessionLength);
    assert.is(accounts.standings().get("bob")?.lastSeen, clock.now());
  });

  test("a limit that does not read lets nobody in", async (scope) => {
    const { state } = await open(scope);
    for (const damaged of ["", "[]", "{}", '["lab"', '["a b"]', "7"]) {
      state.accounts.set("ann", "operator", "correct horse", ["lab"]);
      state.database.prepare("UPDATE accounts SET only_groups = ? WHERE name = 'ann'").run(damaged);
      assert.is(state.accounts.find("ann"), undefined, damaged);
    }
  });

  test("a secret that is changed while it is checked lets nobody in", async (scope) => {
    const { state } = await open(scope);
    state.accounts.set("ann", "operator", "correct horse");
    const again = openState(state.directory, systemClock);
    scope.cleanup(() => again.close());
    const checking = again.accounts.verify("ann", "correct horse", source);
    state.accounts.set("ann", "operator", "battery staple");
    assert.is(await checking, undefined);
  });

  test("a device's next secret is right beside the present one, and alone once it has come in with it", async (scope) => {
    const { accounts } = (await open(scope)).state;
    const old = accounts.set("rpi-7", "device");
    const next = generateSecret();
    accounts.nextSecrets.put("rpi-7", hashSecret(next, rounds.generated));
    const told: string[] = [];
    accounts.changes.on(({ name }) => told.push(name));
    assert.ok(await accounts.verify("rpi-7", old, source));
    assert.is(await accounts.verify("rpi-7", generateSecret(), source), undefined);
    assert.equal(told, []);
    const both = await Promise.all([1, 2].map(() => accounts.verify("rpi-7", next, source)));
    assert.ok(both.every((principal) => principal?.role === "device"));
    assert.equal(told, ["rpi-7"], "what is open with the old one ends");
    assert.is(await accounts.verify("rpi-7", old, source), undefined);
    accounts.nextSecrets.put("rpi-7", hashSecret(old, rounds.generated));
    accounts.set("rpi-7", "device");
    assert.is(await accounts.verify("rpi-7", old, source), undefined, "an operator's word is newer");
  });

  test("a session is no token and a token no session; each ends of age", async (scope) => {
    const { state, clock } = await open(scope);
    const { accounts } = state;
    accounts.set("ann", "operator");
    const session = accounts.tokens.issue({ account: "ann", kind: "session", ttl: sessionLength }).secret;
    const token = accounts.tokens.issue({ account: "ann", kind: "token", ttl: 2 * sessionLength }).secret;
    assert.is(accounts.holder(session, "token", source), undefined);
    assert.is(accounts.holder(token, "session", source), undefined);
    for (let day = 0; day < 30; day++) {
      assert.is(accounts.holder(session, "session", source)?.principal.name, "ann", `day ${day}`);
      clock.advance(sessionLength / 30);
    }
    assert.is(accounts.holder(session, "session", source), undefined, "used every day, it still ends");
    assert.is(accounts.holder(token, "token", source)?.principal.name, "ann");
    const idle = accounts.tokens.issue({ account: "ann", kind: "session", ttl: sessionLength }).secret;
    clock.advance(sessionIdle - 1);
    assert.is(accounts.tokens.list("ann").length, 2);
    clock.advance(1);
    assert.is(accounts.holder(idle, "session", source), undefined);
  });

  test("a clock that is wrong for a while ends no session for good, and brings none back", async (scope) => {
    const { state, clock } = await open(scope);
    state.accounts.set("ann", "operator");
    const { tokens } = state.accounts;
    const began = clock.now();
    const session = state.accounts.issueToken("ann", "session", sessionLength);
    clock.setWall(began + 10 * 365 * 86_400_000);
    assert.is(tokens.holder(session, "session"), undefined);
    state.accounts.issueToken("ann", "session", sessionLength);
    clock.setWall(began);
    assert.is(tokens.holder(session, "session")?.principal.name, "ann");

    clock.advance(sessionLength);
    new KnownMoment(state.database).write({ moment: clock.now(), confirmed: true });
    clock.setWall(5_000);
    assert.is(tokens.holder(session, "session"), undefined);
    const fresh = state.accounts.issueToken("ann", "session", sessionLength);
    assert.is(tokens.holder(fresh, "session")?.principal.name, "ann");
  });

  test("the session that was used longest ago ends for one too many", async (scope) => {
    const { state, clock } = await open(scope);
    const { tokens } = state.accounts;
    state.accounts.set("ann", "operator");
    const issue = (): string =>
      tokens.issue({
        account: "ann",
        kind: "session",
        ttl: sessionLength,
        address: "::1",
        agent: `\u001b[2J${"x".repeat(500)}`,
      }).secret;
    const sessions: string[] = [];
    for (let count = 0; count < sessionsOfAccount; count++) {
      clock.advance(60_000);
      sessions.push(issue());
    }
    clock.advance(60_000);
    assert.ok(tokens.holder(sessions[0] ?? "", "session"));
    assert.is(tokens.list("ann").length, sessionsOfAccount);
    clock.advance(60_000);
    issue();
    assert.is(tokens.list("ann").length, sessionsOfAccount);
    assert.is(tokens.holder(sessions[1] ?? "", "session"), undefined);
    assert.ok(tokens.holder(sessions[0] ?? "", "session"));
    const agent = tokens.list()[0]?.agent ?? "";
    assert.match(agent, /^�\[2Jx+/);
    assert.ok(agent.length <= agentLength + 20);
  });

  test("a new secret or role, a removal and the end of a session are told", async (scope) => {
    const { state } = await open(scope);
    const { accounts } = state;
    const told: AccountChange[] = [];
    accounts.set("ann", "operator");
    accounts.changes.on((change) => told.push(change));
    const session = accounts.tokens.issue({ account: "ann", kind: "session", ttl: 1_000 }).secret;
    const id = accounts.tokens.list("ann")[0]?.id ?? "";
    assert.is(accounts.endToken(id, "bob"), false);
    assert.is(accounts.endToken(id, "ann"), true);
    assert.is(accounts.holder(session, "session", source), undefined);
    accounts.set("ann", "viewer");
    accounts.remove("ann");
    assert.equal(told, [
      { name: "ann", what: "token" },
      { name: "ann", what: "account" },
      { name: "ann", what: "account" },
    ]);
  });

  test("what another process changes is heard by itself, and what this one does only once", async (scope) => {
    const { state } = await open(scope);
    const other = openState(state.directory, systemClock);
    scope.cleanup(() => other.close());
    state.accounts.set("ann", "operator", "correct horse");
    state.accounts.set("bob", "viewer", "correct horse");
    const watch = new AccountWatch(state.directory, state.accounts, silentLog);
    watch.start();
    scope.cleanup(() => watch.stop());
    const told: string[] = [];
    const heard = new Promise<void>((resolve) => {
      state.accounts.changes.on(({ name }) => {
        told.push(name);
        if (name === "ann") resolve();
      });
    });
    state.accounts.set("bob", "operator");
    other.accounts.set("ann", "operator", "battery staple");
    await withDeadline(heard, 10, "the other's change");
    assert.equal(told, ["bob", "ann"]);
    assert.is(await state.accounts.verify("ann", "correct horse", source), undefined);
  });
});
