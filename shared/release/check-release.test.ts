import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import type { TestSigner } from "#shared/signing/fixture";
import { compareReleases } from "./compare-releases.ts";
import { checkRelease, noRelease, type KnownRelease } from "./check-release.ts";
import {
  nextOfflineKey,
  offlineKey,
  otherKey,
  releaseKey,
  releaseTime,
  signedRelease,
  testRoot,
  thirdOfflineKey,
  type Wanted,
} from "./fixture.ts";
import {
  maxReleaseChain,
  maxReleaseFileBytes,
  maxReleaseFiles,
  maxReleaseKeys,
  type SignedRoot,
} from "./release-manifest.ts";

const now = releaseTime;
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

/** The offline key has changed twice: number 2 names the second, number 5 the third. */
const change = (version: number, from: TestSigner, to: TestSigner): SignedRoot =>
  testRoot(version, [from, to], { roots: [to.public.line] });
const story = [
  testRoot(1, [offlineKey]),
  change(2, offlineKey, nextOfflineKey),
  testRoot(3, [nextOfflineKey], { expires: now - 1 }),
  testRoot(4, [nextOfflineKey]),
  change(5, nextOfflineKey, thirdOfflineKey),
  testRoot(6, [thirdOfflineKey]),
];
const pinned = offlineKey.public.id;
const lines = (...keys: readonly TestSigner[]): string[] => keys.map((key) => key.public.line);

/** What an agent that has seen `root`, and pins `pins`, makes of these roots. */
function followed(roots: readonly SignedRoot[], known: Partial<KnownRelease> = {}, pins = [offlineKey]) {
  try {
    const by = { roots: pins.map((key) => key.public), known: { ...noRelease, ...known }, now };
    return checkRelease(signedRelease({ roots }), by).known;
  } catch (error) {
    return (error as Error).message;
  }
}

suite("a change of the offline key", ({ test }) => {
  test("an agent that was away follows each root in its turn, wherever it stood; only the last one's end counts", () => {
    const end = { root: 6, targets: 1, ts: now, roots: lines(thirdOfflineKey), pinned };
    for (const root of [0, 1]) assert.equal(followed(story, { root }), end);
    for (const root of [2, 3, 4])
      assert.equal(followed(story, { root, roots: lines(nextOfflineKey), pinned }), end, String(root));
    for (const root of [5, 6])
      assert.equal(followed(story, { root, roots: lines(thirdOfflineKey), pinned }), end, String(root));
  });

  test("one that joins later pins the newest key, and needs none of the story", () => {
    for (const roots of [story, story.slice(-1)])
      assert.is((followed(roots, {}, [thirdOfflineKey]) as KnownRelease).root, 6);
    assert.is((followed(story, {}, [nextOfflineKey]) as KnownRelease).root, 6);
  });

  test("pinned anew by a person, these keys count and no others", () => {
    const before = { root: 6, roots: lines(thirdOfflineKey), pinned };
    assert.match(JSON.stringify(followed(story, before, [otherKey])), /root is not signed/);
    const own = [...story, testRoot(7, [otherKey])];
    assert.is((followed(own, before, [otherKey]) as KnownRelease).root, 7);
  });

  const at = (root: number, ...keys: readonly TestSigner[]): Partial<KnownRelease> =>
    keys.length === 0 ? { root } : { root, roots: lines(...keys), pinned };
  const hostile: Record<string, [readonly SignedRoot[], Partial<KnownRelease>, RegExp]> = {
    "the change was taken out": [[...story.slice(0, 1), ...story.slice(2, 4)], at(1), /root is not signed by a key/],
    "nothing but the newest": [story.slice(-1), at(1), /root is not signed by a key/],
    "a change out of its turn": [
      [testRoot(1, [offlineKey]), change(3, offlineKey, otherKey)],
      at(1),
      /1 was the last one seen here/,
    ],
    "the same among the roots of before": [
      [change(3, offlineKey, otherKey), testRoot(4, [otherKey])],
      at(1),
      /those between them are missing/,
    ],
    "the other way round": [[story[0]!, story[4]!, story[1]!, story[5]!], at(1), /root is not signed by a key/],
    "a change that the new key has not signed": [
      [testRoot(2, [offlineKey], { roots: lines(nextOfflineKey) })],
      at(1),
      /new root is not signed/,
    ],
    "a change that the old key has not signed": [
      [testRoot(2, [nextOfflineKey], { roots: lines(nextOfflineKey) })],
      at(1),
      /root is not signed by a key/,
    ],
    "the old key signs on, after it was let go": [
      [...story, testRoot(7, [offlineKey])],
      at(6, thirdOfflineKey),
      /not signed/,
    ],
    "the old key begins another story": [
      [testRoot(1, [offlineKey]), change(2, offlineKey, otherKey), testRoot(7, [otherKey])],
      at(6, thirdOfflineKey),
      /root is not signed by a key/,
    ],
    "the second key signs on": [[...story, testRoot(7, [nextOfflineKey])], at(6, thirdOfflineKey), /not signed/],
    "an older root": [story.slice(0, 4), at(5, nextOfflineKey), /root is number 4, and 5 was seen before/],
    "an older root behind a newer one": [
      [...story, testRoot(4, [thirdOfflineKey])],
      at(1),
      /root is number 4, and 6 was seen before/,
    ],
    "the last one is over": [
      [...story, testRoot(7, [thirdOfflineKey], { expires: now - 1 })],
      at(6, thirdOfflineKey),
      /root was good until/,
    ],
    "no root but one that changes the keys, and is over": [
      [testRoot(2, [offlineKey, nextOfflineKey], { roots: lines(nextOfflineKey), expires: now - 1 })],
      at(1),
      /root was good until/,
    ],
  };
  for (const [name, [roots, known, told]] of Object.entries(hostile))
    test(`refused: ${name}`, () => assert.match(JSON.stringify(followed(roots, known)), told));

  test("as many roots of before as may be", () => {
    const roots = Array.from({ length: maxReleaseChain + 1 }, (_, before) => testRoot(before + 1, [offlineKey]));
    assert.is((followed(roots) as KnownRelease).root, maxReleaseChain + 1);
    assert.match(JSON.stringify(followed([...roots, testRoot(maxReleaseChain + 2, [offlineKey])])), /chain/);
  });
});
