import * as z from "zod/mini";
import { keyId } from "#shared/messages/command-signature";
import { count, epochMs } from "#shared/messages/payload-schema";
import { canonicalJson } from "#shared/signing/canonical-json";

/** Bytes of a manifest at most: two keys, and a file for each kind of machine. */
export const maxReleaseManifestBytes = 64 * 1024;
/** Bytes of one file of a release at most: an executable with its runtime is a third of it. */
export const maxReleaseFileBytes = 256 * 1024 * 1024;
/** Keys that a root names, and signatures under one part: one in use, the next, and some for who wants several. */
export const maxReleaseKeys = 8;
/** Roots of before that a manifest carries along, for agents that were away: one a year, and two where its key changes. */
export const maxReleaseChain = 32;
/** Files of a release: one for each kind of machine. */
export const maxReleaseFiles = 32;

/** A version such as 0.4.0 or 1.0.0-rc.1. */
export const releaseVersion = z.string().check(z.regex(/^\d{1,9}(\.\d{1,9}){0,2}([-+][0-9A-Za-z.+-]{1,40})?$/));

const signatures = z
  .array(z.object({ key: keyId, value: z.string().check(z.regex(/^[A-Za-z0-9_-]{86}$/)) }))
  .check(z.minLength(1), z.maxLength(maxReleaseKeys));

const keyLines = z.array(z.string().check(z.maxLength(200))).check(z.minLength(1), z.maxLength(maxReleaseKeys));

/** Which keys count for releases: signed by the offline key, which agents pin. */
const root = z.object({
  version: count,
  expires: epochMs,
  /** As `muster release keygen` prints them. */
  keys: keyLines,
  /** The keys that count for roots from this one on, instead of those of before. */
  roots: z.optional(keyLines),
});
export type ReleaseRoot = z.infer<typeof root>;

const file = z.object({
  name: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/)),
  /** What runs it: `node`, or as an executable a system and its architecture such as `linux-arm64`. */
  target: z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}$/)),
  size: count.check(z.gte(1), z.lte(maxReleaseFileBytes)),
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  /** The least Node that it runs on, where it needs one. */
  node: z.optional(releaseVersion),
});
export type ReleaseFile = z.infer<typeof file>;

/** What is to run: signed by a key that the root names. */
const targets = z.object({
  version: count,
  /** When it was signed. */
  ts: epochMs,
  expires: epochMs,
  release: releaseVersion,
  files: z.array(file).check(z.minLength(1), z.maxLength(maxReleaseFiles)),
});
export type ReleaseTargets = z.infer<typeof targets>;

const signedRoot = z.extend(root, { signatures });
export type SignedRoot = z.infer<typeof signedRoot>;

/** What stands beside the files of a release, in `manifest.json`. Both parts have numbers that only grow, and an end. */
export const releaseManifest = z.object({
  root: signedRoot,
  /** Roots of before, in their order. */
  chain: z.optional(z.array(signedRoot).check(z.maxLength(maxReleaseChain))),
  targets: z.extend(targets, { signatures }),
});
export type ReleaseManifest = z.infer<typeof releaseManifest>;

/** The bytes that are signed; the first line keeps them apart from all else that a key may sign. */
export function rootStatement({ version, expires, keys, roots }: ReleaseRoot): string {
  const named = roots === undefined ? { version, expires, keys } : { version, expires, keys, roots };
  return `muster release root 1\n${canonicalJson(named)}`;
}

export function targetsStatement({ version, ts, expires, release, files }: ReleaseTargets): string {
  return `muster release targets 1\n${canonicalJson({ version, ts, expires, release, files: files.map(plain) })}`;
}

function plain({ node, ...rest }: ReleaseFile): { [name: string]: string | number } {
  return node === undefined ? rest : { ...rest, node };
}
