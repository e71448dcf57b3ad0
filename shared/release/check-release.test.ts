import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { checkRelease, compareReleases, noRelease, type KnownRelease } from "./check-release.ts";
import { offlineKey, otherKey, releaseKey, signedRelease, type Wanted } from "./fixture.ts";
import { maxReleaseFileBytes, maxReleaseFiles, maxReleaseKeys } from "./release-manifest.ts";

const now = 1_767_225_600_000;
const day = 86_400_000;

function verdict(wanted: Wanted, known: KnownRelease = noRelease, at = now): string {
  try {
    return checkRelease(signedRelease(wanted), { roots: [offlineKey.public], known, now: at }).targets.release;
  } catch (error) {
    return (error as Error).message;
  }
}

suite("what counts as a release", ({ test }) => {
  const cases: Record<string, [Wanted, RegExp, KnownRelease?, number?]> = {
    "one that is signed": [{}, /^0.4.0$/],
    "the same again": [{}, /^0.4.0$/, { root: 1, targets: 1, ts: now }],
    "a root by another key": [{ rootBy: otherKey }, /root is not signed/],
    "a root by the release key": [{ rootBy: releaseKey }, /root is not signed/],
    "targets by another key": [{ targetsBy: otherKey }, /targets is not signed/],
    "targets by the offline key, which the root does not name": [{ targetsBy: offlineKey }, /targets is not signed/],
    "a root that names another key, signed by nobody anew": [
      { change: (it) => void (it.root.keys = [otherKey.public.line]), targetsBy: otherKey },
      /root is not signed/,
    ],
    "a hash that was changed": [
      { change: (it) => void (it.targets.files[0]!.sha256 = "0".repeat(64)) },
      /targets is not signed/,
    ],
    "an end that was put off": [{ change: (it) => void (it.targets.expires += day) }, /targets is not signed/],
    "an older root": [{}, /root is number 1, and 2 was seen/, { root: 2, targets: 1, ts: 0 }],
    "older targets": [{}, /targets is number 1, and 2 was seen/, { root: 1, targets: 2, ts: 0 }],
    "a root that is over": [{}, /root was good until/, noRelease, now + 400 * day],
    "targets that are over": [{}, /targets was good until/, noRelease, now + 40 * day],
    "targets that are over, by a clock that was put back": [
      {},
      /targets was good until/,
      { root: 1, targets: 1, ts: now + 40 * day },
      0,
    ],
    "a clock of 1970 that has seen nothing": [{}, /^0.4.0$/, noRelease, 0],
    "a path for a name": [{ change: (it) => void (it.targets.files[0]!.name = "../x") }, /files/],
    "a file that is too big": [{ change: (it) => void (it.targets.files[0]!.size = maxReleaseFileBytes + 1) }, /files/],
    "too many files": [
      { change: (it) => void (it.targets.files = Array(maxReleaseFiles + 1).fill(it.targets.files[0])) },
      /files/,
    ],
    "too many keys": [
      { change: (it) => void (it.root.keys = Array<string>(maxReleaseKeys + 1).fill(releaseKey.public.line)) },
      /keys/,
    ],
  };
  for (const [name, [wanted, told, known, at]] of Object.entries(cases))
    test(name, () => assert.match(verdict(wanted, known, at), told));

  test("as much as may be", () => {
    const files = Array.from({ length: maxReleaseFiles }, (_, at) => ({
      name: `f${at}`,
      target: "node",
      size: maxReleaseFileBytes,
      sha256: "0".repeat(64),
    }));
    const keys = Array<string>(maxReleaseKeys - 1).fill(otherKey.public.line);
    assert.is(verdict({ files, keys: [...keys, releaseKey.public.line] }), "0.4.0");
  });

  test("no document at all", () => {
    for (const document of [undefined, null, 1, [], {}, { root: {} }])
      assert.throws(() => checkRelease(document, { roots: [offlineKey.public], known: noRelease, now }));
  });

  test("which release is the older one", () => {
    const order = ["0.3.9", "0.4.0-rc.2", "0.4.0-rc.10", "0.4.0", "0.4.1", "0.10.0", "1"];
    for (const [at, one] of order.entries())
      for (const [place, other] of order.entries())
        assert.is(Math.sign(compareReleases(one, other)), Math.sign(at - place), `${one} ${other}`);
    assert.is(compareReleases("1.0.0", "1.0.0+build"), 0);
  });
});
