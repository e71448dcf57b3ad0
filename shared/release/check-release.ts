import { BadInputError } from "#shared/errors";
import { check } from "#shared/messages/payload-schema";
import { isSignedBy, parsePublicKey, parsePublicKeys, type PublicKey } from "#shared/signing/public-key";
import {
  releaseManifest,
  rootStatement,
  targetsStatement,
  type ReleaseTargets,
  type SignedRoot,
} from "./release-manifest.ts";

/** What is known of releases so far: nothing older counts from then on. */
export interface KnownRelease {
  readonly root: number;
  readonly targets: number;
  /** The newest moment at which one was signed, epoch ms: a clock that is behind it is wrong. */
  readonly ts: number;
  /** The keys that count for roots, a line each, where a root has changed them since those were pinned whose ids stand in `pinned`. */
  readonly roots?: readonly string[] | undefined;
  readonly pinned?: string | undefined;
}

export const noRelease: KnownRelease = { root: 0, targets: 0, ts: 0 };

/** How far somebody has come along the roots. */
interface Reached {
  readonly version: number;
  readonly keys: readonly PublicKey[];
}

/**
 * Whether a manifest counts: its root signed by a key that counts for roots, its targets by one that the root names, neither of them over, and neither
 * older than what is known. So whoever serves it can at most withhold the newest, until the last one is over. The keys that count for roots are the pinned
 * ones, until a root names others: that is the next in number, and signed by keys of before and by those that it names (The Update Framework, 5.3). Who was
 * away follows the roots that the manifest carries along, one after the other; of these no end counts but the last one's.
 * @param roots the pinned keys @param now epoch ms
 * @returns the targets, and what is known from now on, to be kept before anything is done by them
 * @throws BadInputError that says why not
 */
export function checkRelease(
  document: unknown,
  { roots, known, now }: { readonly roots: readonly PublicKey[]; readonly known: KnownRelease; readonly now: number },
): { readonly targets: ReleaseTargets; readonly known: KnownRelease } {
  const { root, targets, chain = [] } = check(releaseManifest, document, "the release's manifest");
  const time = Math.max(now, known.ts);
  const pinned = roots.map(({ id }) => id).join(" ");
  // Who pins others since then means these.
  const kept = known.pinned === pinned ? known.roots : undefined;
  const begin = { version: known.root, keys: kept ? parsePublicKeys(kept) : roots };
  const reached = follow(root, catchUp(chain, begin));
  assertCounts("root", root, known.root, time);
  assertSigned("targets", targets.signatures, targetsStatement(targets), root.keys.map(parsePublicKey));
  assertCounts("targets", targets, known.targets, time);
  const lines = reached.keys === roots ? undefined : reached.keys.map(({ line }) => line);
  return {
    targets,
    known: {
      root: root.version,
      targets: targets.version,
      ts: Math.max(known.ts, targets.ts),
      ...(lines === undefined ? {} : { roots: lines, pinned }),
    },
  };
}

/** Along the roots of before that are news. Who has seen none begins with the first that his keys have signed. */
function catchUp(chain: readonly SignedRoot[], begin: Reached): Reached {
  let reached = begin;
  for (const root of chain) {
    const isNews = root.version > reached.version;
    const isHis = reached.version > 0 || isSignedByOne(root.signatures, rootStatement(root), reached.keys);
    if (isNews && isHis) reached = follow(root, reached);
  }
  return reached;
}

/** @throws BadInputError where this root does not come after what was reached */
function follow(root: SignedRoot, { version, keys }: Reached): Reached {
  assertSigned("root", root.signatures, rootStatement(root), keys);
  if (root.version < version) assertCounts("root", root, version, -Infinity);
  if (root.roots === undefined || root.version === version) return { version: root.version, keys };
  if (version > 0 && root.version !== version + 1)
    throw new BadInputError(
      `the release's root number ${root.version} changes the keys, and ${version} was the last one seen here: those between them are missing`,
    );
  const next = parsePublicKeys(root.roots);
  assertSigned("new root", root.signatures, rootStatement(root), next);
  return { version: root.version, keys: next };
}

function isSignedByOne(
  signatures: readonly { readonly key: string; readonly value: string }[],
  statement: string,
  keys: readonly PublicKey[],
): boolean {
  return signatures.some(({ key: id, value }) =>
    keys.some((key) => key.id === id && isSignedBy(key, statement, value)),
  );
}

function assertSigned(
  part: string,
  signatures: readonly { readonly key: string; readonly value: string }[],
  statement: string,
  keys: readonly PublicKey[],
): void {
  if (isSignedByOne(signatures, statement, keys)) return;
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
