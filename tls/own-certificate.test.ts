import { symlinkSync, renameSync, writeFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { EnvironmentError } from "#shared/errors";
import { silentLog } from "#shared/log";
import { runProgram } from "../test/programs.ts";
import { eventually, suite } from "../test/suite.ts";
import { issueServer, makeAuthority } from "./issuing.ts";
import { lookAnywayEvery, OwnCertificate, settleTime, warnBefore } from "./own-certificate.ts";
import { authoritySpan } from "./spans.ts";

const now = Math.floor(Date.now() / 1_000) * 1_000;
const authority = await makeAuthority(authoritySpan(now));
const [first, second] = [
  await issueServer(authority, ["a.example"], now),
  await issueServer(authority, ["b.example"], now),
];

/** As certbot has it: links in one directory to numbered files in another. */
function certbot(root: string) {
  const [live, archive] = [join(root, "live"), join(root, "archive")];
  for (const directory of [live, archive]) mkdirSync(directory);
  const put = (name: string, number: number, text: string): void => {
    writeFileSync(join(archive, `${name}${number}.pem`), text);
    symlinkSync(`../archive/${name}${number}.pem`, join(live, `${name}.new`));
    renameSync(join(live, `${name}.new`), join(live, `${name}.pem`));
  };
  return { put, cert: join(live, "fullchain.pem"), key: join(live, "privkey.pem") };
}

suite("a certificate of somebody else's", ({ test }) => {
  test("links that are set to other files are followed; half a pair is none, and is told once", async (scope) => {
    const { put, cert, key } = certbot(await scope.directory());
    put("fullchain", 1, first.cert);
    put("privkey", 1, first.key);
    const clock = new ManualClock(now);
    const told: string[] = [];
    const log = { ...silentLog, warn: (_: object, message: string) => void told.push(message) };
    const own = new OwnCertificate({ cert, key, clock, log });
    own.start();
    scope.cleanup(() => own.stop());
    let changes = 0;
    own.changes.on(() => (changes += 1));
    put("fullchain", 2, second.cert);
    await eventually("the half is seen", () => {
      clock.advance(settleTime);
      return told.length > 0;
    });
    assert.match(told[0] ?? "", /do not fit, and the one of before is shown/);
    assert.equal(own.current(), { cert: first.cert, key: first.key });
    put("privkey", 2, second.key);
    await eventually("the whole is seen", () => {
      clock.advance(settleTime);
      return changes > 0;
    });
    assert.equal(own.current(), { cert: second.cert, key: second.key });
    assert.is(told.length, 1);
  });

  test("it is looked at without a sign as well, and that nobody renews it is told", async (scope) => {
    const { put, cert, key } = certbot(await scope.directory());
    put("fullchain", 1, first.cert);
    put("privkey", 1, first.key);
    const clock = new ManualClock(now);
    const told: string[] = [];
    const log = { ...silentLog, warn: (_: object, message: string) => void told.push(message) };
    const own = new OwnCertificate({ cert, key, clock, log });
    own.start();
    scope.cleanup(() => own.stop());
    clock.setWall(now + 90 * 86_400_000 - warnBefore - lookAnywayEvery);
    clock.advance(lookAnywayEvery);
    assert.equal(told, []);
    clock.advance(lookAnywayEvery);
    assert.match(told.join(), /nobody has renewed it/);
    // Where the file itself is written anew, without a sign.
    writeFileSync(cert, second.cert);
    writeFileSync(key, second.key);
    clock.advance(lookAnywayEvery);
    assert.equal(own.current(), { cert: second.cert, key: second.key });
  });

  test("a start with what is no pair ends with a sentence", async (scope) => {
    const { put, cert, key } = certbot(await scope.directory());
    put("fullchain", 1, first.cert);
    const start = () => new OwnCertificate({ cert, key, clock: new ManualClock(now), log: silentLog }).start();
    const told = (error: Error) => error instanceof EnvironmentError && error.message.includes("MUSTER_TLS_CERT");
    assert.throws(start, told);
    put("privkey", 1, second.key);
    assert.throws(start, told);
  });

  test("one that is too weak to be shown is refused as half a pair is", async (scope) => {
    const { put, cert, key } = certbot(await scope.directory());
    const place = await scope.directory();
    const [weakKey, weakCert] = [join(place, "key"), join(place, "cert")];
    const request = ["req", "-x509", "-newkey", "rsa:512", "-nodes", "-days", "30", "-subj", "/CN=a.example"];
    const made = await runProgram("openssl", [...request, "-keyout", weakKey, "-out", weakCert]);
    assert.is(made.code, 0, made.err);
    const weak = { cert: readFileSync(weakCert, "utf8"), key: readFileSync(weakKey, "utf8") };
    put("fullchain", 1, first.cert);
    put("privkey", 1, first.key);
    const clock = new ManualClock(now);
    const told: string[] = [];
    const log = { ...silentLog, warn: (_: object, message: string) => void told.push(message) };
    const own = new OwnCertificate({ cert, key, clock, log });
    own.start();
    scope.cleanup(() => own.stop());
    put("fullchain", 2, weak.cert);
    put("privkey", 2, weak.key);
    clock.advance(lookAnywayEvery);
    assert.equal(own.current(), { cert: first.cert, key: first.key });
    assert.match(told.join(), /do not fit, and the one of before is shown: .*key too small/);
    const start = () => new OwnCertificate({ cert, key, clock, log }).start();
    assert.throws(start, /MUSTER_TLS_CERT.*key too small/);
  });
});
