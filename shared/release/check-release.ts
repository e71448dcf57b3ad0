import { BadInputError } from "#shared/errors";
import { check } from "#shared/messages/payload-schema";
import { isSignedBy, parsePublicKey, type PublicKey } from "#shared/signing/public-key";
import { releaseManifest, rootStatement, targetsStatement, type ReleaseTargets } from "./release-manifest.ts";

/** What is known of releases so far: nothing older counts from then on. */
export interface KnownRelease {
  readonly root: number;
  readonly targets: number;
  /** The newest moment at which one was signed, epoch ms: a clock that is behind it is wrong. */
  readonly ts: number;
}

export const noRelease: KnownRelease = { root: 0, targets: 0, ts: 0 };

/**
 * Whether a manifest counts: its root signed by a pinned key, its targets by one that the root names, neither of them over, and neither older than
 * what is known. So whoever serves it can at most withhold the newest, until the last one is over.
 * @param roots the pinned keys @param now epoch ms
 * @returns the targets, and what is known from now on, to be kept before anything is done by them
 * @throws BadInputError that says why not
 */
export function checkRelease(
  document: unknown,
  { roots, known, now }: { readonly roots: readonly PublicKey[]; readonly known: KnownRelease; readonly now: number },
): { readonly targets: ReleaseTargets; readonly known: KnownRelease } {
  const { root, targets } = check(releaseManifest, document, "the release's manifest");
  const time = Math.max(now, known.ts);
  assertSigned("root", root.signatures, rootStatement(root), roots);
  assertCounts("root", root, known.root, time);
  assertSigned("targets", targets.signatures, targetsStatement(targets), root.keys.map(parsePublicKey));
  assertCounts("targets", targets, known.targets, time);
  return {
    targets,
    known: { root: root.version, targets: targets.version, ts: Math.max(known.ts, targets.ts) },
  };
}

function assertSigned(
  part: string,
  signatures: readonly { readonly key: string; readonly value: string }[],
  statement: string,
  keys: readonly PublicKey[],
): void {
  const isSigned = signatures.some(({ key: id, value }) =>
    keys.some((key) => key.id === id && isSignedBy(key, statement, value)),
  );
  if (isSigned) return;
  const expected = keys.map(({ id }) => id).join(", ");
  const came = signatures.map(({ key }) => key).join(", ");
  throw new BadInputError(
    `the release's ${part} is not signed by a key that counts here: expected one of ${expected}, it names ${came}`,
  );
}

function assertCounts(
  part: string,
  { version, expires }: { readonly version: number; readonly expires: number },
  known: number,
  now: number,
): void {
  if (version < known)
    throw new BadInputError(
      `the release's ${part} is number ${version}, and ${known} was seen before: somebody serves an older one, or it has to be signed anew`,
    );
  if (expires > now) return;
  throw new BadInputError(
    `the release's ${part} was good until ${new Date(expires).toISOString()}, and it is ${new Date(now).toISOString()} here: sign it anew with muster release sign, or set the clock`,
  );
}

/** Below 0 where the first is the older one; a pre-release is older than what it leads to. */
export function compareReleases(one: string, other: string): number {
  const [a, b] = [parts(one), parts(other)];
  for (let at = 0; at < 3; at += 1) {
    const difference = (a.numbers[at] ?? 0) - (b.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.before === b.before) return 0;
  if (a.before === "" || b.before === "") return a.before === "" ? 1 : -1;
  return a.before.localeCompare(b.before, "en", { numeric: true });
}

function parts(version: string): { readonly numbers: readonly number[]; readonly before: string } {
  const [, numbers = "", before = ""] = /^([\d.]+)(?:-([^+]*))?/.exec(version) ?? [];
  return { numbers: numbers.split(".").map(Number), before };
}
