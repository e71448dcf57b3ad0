import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { silentLog } from "#shared/log";
import { maxAuthorities, maxCertificateCharacters, readAuthorities } from "#shared/messages/authorities-message";
import { crossSign, issueServer, makeAuthority } from "../tls/issuing.ts";
import { authoritySpan } from "../tls/spans.ts";
import { suite } from "../test/suite.ts";
import { TrustedAuthorities } from "./trusted-authorities.ts";

const span = authoritySpan(Date.now());
const [old, next, stranger] = [await makeAuthority(span), await makeAuthority(span), await makeAuthority(span)];
const word = await crossSign(next.cert, old);

function trusted(given: string | undefined, directory?: string) {
  let changes = 0;
  const changed = (): void => void (changes += 1);
  const authorities = new TrustedAuthorities({ directory, given, log: silentLog, changed });
  authorities.start();
  return { authorities, changes: () => changes };
}

suite("an agent's trusted authorities", ({ test }) => {
  test("one that a trusted one vouches for is taken, and then the old one is let go of", () => {
    const { authorities, changes } = trusted(old.cert);
    authorities.heard({ v: 1, trusted: [old.cert, next.cert], vouched: [word] });
    assert.is(authorities.fingerprints.length, 2);
    authorities.heard({ v: 1, trusted: [next.cert], vouched: [] });
    assert.is(authorities.pem, next.cert);
    assert.is(changes(), 2);
    authorities.heard({ v: 1, trusted: [next.cert], vouched: [] });
    assert.is(changes(), 2);
  });

  for (const [what, vouched] of [
    ["nobody's word", async () => []],
    ["a stranger's word", async () => [await crossSign(next.cert, stranger)]],
    ["a word about another key", async () => [await crossSign(stranger.cert, old)]],
    // Any certificate of the old authority's would do, if it did not have to be an authority's.
    ["a server's certificate", async () => [(await issueServer(old, ["a.example"], Date.now())).cert]],
  ] as const)
    test(`one that comes with ${what} is not taken, and nothing is let go of for it`, async () => {
      const { authorities, changes } = trusted(old.cert);
      authorities.heard({ v: 1, trusted: [next.cert], vouched: await vouched() });
      authorities.heard({ v: 1, trusted: [], vouched: [] });
      assert.is(authorities.pem, old.cert);
      assert.is(changes(), 0);
    });

  test("what was learned outlives a restart, until other authorities are given", async (scope) => {
    const directory = await scope.directory();
    trusted(old.cert, directory).authorities.heard({ v: 1, trusted: [next.cert], vouched: [word] });
    assert.is(trusted(old.cert, directory).authorities.pem, next.cert);
    assert.is(trusted(stranger.cert, directory).authorities.pem, stranger.cert);
  });

  test("what cannot be kept is not taken, and a file that does not read costs what it held", async (scope) => {
    const directory = await scope.directory();
    const path = join(directory, "authorities.json");
    const { authorities, changes } = trusted(old.cert, join(directory, "missing"));
    authorities.heard({ v: 1, trusted: [next.cert], vouched: [word] });
    assert.is(authorities.pem, old.cert);
    assert.is(changes(), 0);
    trusted(old.cert, directory).authorities.heard({ v: 1, trusted: [next.cert], vouched: [word] });
    writeFileSync(path, readFileSync(path).subarray(1));
    assert.is(trusted(old.cert, directory).authorities.pem, old.cert);
    rmSync(path);
  });

  test("so many authorities of such a length are read, and no more", () => {
    const of = (trusted: readonly string[]) => Buffer.from(JSON.stringify({ v: 1, trusted, vouched: [] }));
    const longest = "x".repeat(maxCertificateCharacters);
    const most = Array.from({ length: maxAuthorities }, () => "x");
    assert.is(readAuthorities(of(most)).trusted.length, maxAuthorities);
    assert.is(readAuthorities(of([longest])).trusted[0], longest);
    assert.throws(() => readAuthorities(of([...most, "x"])), /at most/);
    assert.throws(() => readAuthorities(of([`${longest}x`])), /too big|<=/i);
  });

  test("who trusts the system's authorities takes nobody's word", () => {
    const { authorities } = trusted(undefined);
    authorities.heard({ v: 1, trusted: [next.cert], vouched: [word] });
    assert.is(authorities.pem, undefined);
    assert.equal(authorities.fingerprints, []);
  });
});
