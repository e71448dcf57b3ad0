import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { certificatesIn } from "#shared/pinned-ca";
import { eventually, suite } from "../test/suite.ts";
import { startTls } from "../test/tls.ts";
import { lookEvery } from "./server-certificate.ts";
import { firstMoment, reachBack, renewBefore, serverLife } from "./spans.ts";

const day = 86_400_000;

suite("the private authority and the server's certificate", ({ test }) => {
  test("a certificate is made anew well before its end, and when the machine has another address", async (scope) => {
    const clock = new ManualClock(Date.UTC(2026, 10, 1));
    let names = ["127.0.0.1", "pi.local"];
    const { identity } = await startTls(scope, { clock, names: () => names });
    const first = identity.current();
    const until = Date.parse(identity.certificate.validTo);
    assert.is(until, clock.now() + serverLife);
    assert.is(Date.parse(identity.certificate.validFrom), clock.now() - reachBack);
    clock.setWall(until - renewBefore - lookEvery);
    clock.advance(lookEvery);
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(identity.current(), first);
    clock.advance(lookEvery);
    await eventually("a second one", () => identity.current() !== first);
    const second = identity.current();
    names = [...names, "10.0.0.9"];
    clock.advance(lookEvery);
    await eventually("a third one", () => identity.current() !== second);
    assert.is(identity.certificate.checkIP("10.0.0.9"), "10.0.0.9");
  });

  test("a wrong clock does not last: set right, forwards or back, there is another certificate", async (scope) => {
    for (const wrong of [0, Date.UTC(2040, 0, 1)]) {
      const clock = new ManualClock(wrong);
      const { authority, identity } = await startTls(scope, { clock });
      const right = Date.UTC(2027, 0, 1);
      clock.setWall(right);
      clock.advance(lookEvery);
      await eventually("another one", () => {
        const { validFrom, validTo } = identity.certificate;
        return Date.parse(validFrom) <= right && Date.parse(validTo) > right + 30 * day;
      });
      assert.ok(authority.present.until > right + 365 * day);
      assert.ok(firstMoment < right);
    }
  });

  test("a restart finds both again; damaged files cost themselves, and a directory that is open to others is refused", async (scope) => {
    const { data, authority, identity } = await startTls(scope);
    const directory = join(data, "tls");
    for (const name of ["authority.json", "server.pem", "ca.crt"])
      assert.is(statSync(join(directory, name)).mode & 0o777, 0o600, name);
    assert.is(statSync(directory).mode & 0o777, 0o700);
    const again = await startTls(scope, { data });
    assert.is(again.authority.fingerprint, authority.fingerprint);
    assert.equal(again.identity.current(), identity.current());
    writeFileSync(join(directory, "server.pem"), "rubbish");
    writeFileSync(join(directory, "ca.crt"), "rubbish");
    const third = await startTls(scope, { data });
    assert.is(third.authority.fingerprint, authority.fingerprint);
    assert.is.not(third.identity.current().cert, identity.current().cert);
    assert.is(readFileSync(join(directory, "ca.crt"), "utf8"), authority.caBundle());
    writeFileSync(join(directory, "authority.json"), "{");
    const told: string[] = [];
    const log = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (_: object, message: string) => void told.push(message),
    };
    const { fingerprint } = authority;
    const fourth = await startTls(scope, { data, log });
    assert.is.not(fourth.authority.fingerprint, fingerprint);
    assert.match(told.join(), /is damaged and was set aside/);
    chmodSync(directory, 0o755);
    const refused = await startTls(scope, { data }).catch((error: unknown) => error);
    assert.match(String(refused), /can be read by others/);
  });

  test("a rotation in one process is heard in another that serves from the same directory, which shows a certificate of it", async (scope) => {
    const { data, authority } = await startTls(scope);
    const other = await startTls(scope, { data });
    await authority.rotate();
    await eventually("both are trusted there", () => other.authority.caBundle() === authority.caBundle());
    assert.is(other.authority.next?.fingerprint, authority.next?.fingerprint);
    const before = other.identity.current().cert;
    other.authority.finish();
    await eventually("the first hears of the end", () => authority.next === undefined);
    assert.is(authority.fingerprint, other.authority.fingerprint);
    await eventually("a certificate of the next", () => other.identity.current().cert !== before);
    const [signing] = certificatesIn(authority.signing.cert);
    assert.ok(signing && other.identity.certificate.verify(signing.publicKey));
    // What is cut off there is left to whoever writes it.
    writeFileSync(join(data, "tls", "authority.json"), "{");
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.is(authority.fingerprint, other.authority.fingerprint);
    assert.ok(existsSync(join(data, "tls", "authority.json")));
  });
});
