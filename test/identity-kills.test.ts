import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock as clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { silentLog as log } from "#shared/log";
import { hashSecret, rounds } from "#shared/password";
import { comeIn } from "../agent/join/come-in.ts";
import { IdentityFile } from "../agent/join/identity.ts";
import { KeptSecret } from "../agent/join/kept-secret.ts";
import { TrustedAuthorities } from "../agent/trusted-authorities.ts";
import { openState } from "../console/state/state.ts";
import { assertPair, Authority } from "../tls/authority.ts";
import { serveApi } from "./api-server.ts";
import { startFleet } from "./fleet.ts";
import { killedAt } from "./killed-at.ts";
import { suite, type Scope } from "./suite.ts";

const now = (): number => Date.now();
const say = (): void => {};
const device = "cam" as DeviceId;
const identity = { device, broker: "mqtt://127.0.0.1", ca: null, root: "muster", console: "http://127.0.0.1" };
const machine = { hostname: "cam" };

async function start(scope: Scope) {
  const fleet = await startFleet(scope, "embedded");
  fleet.state.accounts.set("admin", "admin", "correct horse");
  const { as } = await serveApi(scope, fleet, {
    join: { agent: "dist/muster-agent.cjs", broker: () => fleet.url, authority: undefined },
  });
  return { fleet, client: as("admin:correct horse") };
}

/** What is in the directory of an agent is for its user alone, and what is not beside something is whole. */
function assertClosed(directory: string, step: number): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    assert.is(statSync(path).mode & 0o077, 0, `${path}, killed before call ${step}`);
    if (entry.name.endsWith(".json")) JSON.parse(readFileSync(path, "utf8"));
  }
}

suite("killed on the way", ({ test }) => {
  test("of joining, before any step: pasted again it is one device by one use of the code", async (scope) => {
    const { fleet, client } = await start(scope);
    let [step, reached] = [1, true];
    for (; reached; step += 1) {
      const directory = join(await scope.directory(), "data");
      const { code, enrollment } = await client.createEnrollment({ name: "cam-{hostname}", uses: 2 });
      const paste = () => comeIn({ code, machine, now, say, file: new IdentityFile(directory) });
      reached = await killedAt(step, directory, paste);
      if (reached) assertClosed(directory, step);
      const joined = await paste();
      assert.ok(joined);
      if (!reached) assert.equal(await paste(), joined);
      const known = (await client.listEnrollments()).enrollments.find(({ id }) => id === enrollment.id);
      assert.equal([known?.used, known?.joined.map(({ device }) => device)], [1, [joined.device]], `before ${step}`);
      assert.is((await fleet.state.accounts.verify(joined.device, joined.secret))?.role, "device");
      assertClosed(directory, step);
    }
    assert.ok(step > 10, `${step} steps`);
  });

  for (const oneSecret of [false, true])
    test(`of another secret, before any step, at a broker that knows ${oneSecret ? "one" : "both"}: it comes in by what is left, and changes it anew`, async (scope) => {
      const state = openState(await scope.directory(), clock);
      scope.cleanup(() => state.close());
      const { accounts } = state;
      const take = (hash: string): void =>
        oneSecret ? accounts.putDevice(device, hash) : accounts.nextSecrets.put(device, hash);
      /** @returns the secret that let it in */
      const comesIn = async (kept: KeptSecret): Promise<string | undefined> => {
        for (let tries = 0; tries < 2; tries++) {
          const { current } = kept;
          if (await accounts.verify(device, current)) return (kept.accepted(), current);
          kept.refused();
        }
        return undefined;
      };
      let [step, reached] = [1, true];
      for (; reached; step += 1) {
        const directory = join(await scope.directory(), "data");
        const file = new IdentityFile(directory);
        const secret = `first-${step}`;
        file.write({ joined: { ...identity, ...file.ask("code"), secret } });
        accounts.putDevice(device, hashSecret(secret, rounds.generated));
        const open = (): KeptSecret => new KeptSecret(new IdentityFile(directory), log);
        const change = async (kept: KeptSecret): Promise<void> => {
          take(kept.rotate());
          assert.ok(await comesIn(kept));
        };
        reached = await killedAt(step, directory, () => change(open()));
        assertClosed(directory, step);
        const before = await comesIn(open());
        assert.ok(before, `killed before call ${step} nothing lets it in`);
        await change(open());
        const { joined, next } = file.read();
        assert.is.not(joined?.secret, before);
        assert.is(next, undefined);
        assert.is(await accounts.verify(device, before), undefined, "the old one is none");
      }
      assert.ok(step > 10, `${step} steps`);
    });

  test("of a secret whose hash the console was killed before it took: the old one holds, and the next change is whole", async (scope) => {
    const state = openState(await scope.directory(), clock);
    scope.cleanup(() => state.close());
    const file = new IdentityFile(await scope.directory());
    file.write({ joined: { ...identity, ...file.ask("code"), secret: "old" } });
    state.accounts.putDevice(device, hashSecret("old", rounds.generated));
    const kept = new KeptSecret(file, log);
    const lost = kept.rotate();
    assert.is(await state.accounts.verify("cam", kept.current), undefined);
    kept.refused();
    assert.ok(await state.accounts.verify("cam", kept.current));
    assert.is(kept.rotate(), lost);
  });

  for (const [what, begin, change] of [
    ["the beginning", () => {}, (authority: Authority) => authority.rotate()],
    ["the end", (authority: Authority) => authority.rotate(), (authority: Authority) => authority.finish()],
  ] as const)
    test(`of ${what} of a CA's rotation, before any step of the console or of an agent: nobody is without trust`, async (scope) => {
      let [step, reached] = [1, true];
      for (; reached; step += 1) {
        const directory = join(await scope.directory(), "tls");
        const open = async (): Promise<Authority> => {
          const authority = new Authority({ directory, clock, log });
          await authority.start();
          return authority;
        };
        const first = await open();
        const given = first.caBundle();
        await begin(first);
        const own = await scope.directory();
        const agent = (): TrustedAuthorities => {
          const trusted = new TrustedAuthorities({ directory: own, given, log, changed: () => {} });
          trusted.start();
          return trusted;
        };
        agent().heard(first.announcement);
        reached = await killedAt(step, directory, () => change(first));
        const again = await open();
        assert.is(readFileSync(join(directory, "ca.crt"), "utf8"), again.caBundle());
        assertPair(again.signing);
        assert.ok(agent().fingerprints.includes(again.fingerprint), `killed before call ${step}`);
        for (let at = 1; await killedAt(at, own, () => agent().heard(again.announcement)); at++)
          assert.ok(agent().fingerprints.includes(again.fingerprint), `an agent killed before call ${at}`);
        if (!again.next && again.fingerprint === first.present.fingerprint && what === "the beginning")
          await again.rotate();
        agent().heard(again.announcement);
        if (again.next) again.finish();
        agent().heard(again.announcement);
        assert.equal(agent().fingerprints, [again.fingerprint], `after ${step}`);
        assert.is.not(again.caBundle(), given);
      }
      assert.ok(step > 10, `${step} steps`);
    });
});
