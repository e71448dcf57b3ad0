import { sign } from "node:crypto";
import { testSigner, type TestSigner } from "#shared/signing/fixture";
import {
  rootStatement,
  targetsStatement,
  type ReleaseFile,
  type ReleaseManifest,
  type ReleaseRoot,
  type SignedRoot,
} from "./release-manifest.ts";

/** The keys of the tests. */
export const offlineKey = testSigner(11, "offline");
export const releaseKey = testSigner(12, "release");
export const otherKey = testSigner(13, "somebody");
export const nextOfflineKey = testSigner(14, "next offline");
export const thirdOfflineKey = testSigner(15, "third offline");

export interface Wanted {
  readonly rootBy?: TestSigner;
  readonly targetsBy?: TestSigner;
  readonly keys?: string[];
  readonly files?: ReleaseFile[];
  readonly release?: string;
  /** Roots, the newest last, in place of a plain one. */
  readonly roots?: readonly SignedRoot[];
  readonly version?: number;
  /** When it is signed: its targets are good for 30 days, its root for a year. */
  readonly ts?: number;
  /** What somebody changes after it was signed. */
  readonly change?: (manifest: ReleaseManifest) => void;
}

const day = 86_400_000;
/** When releases of tests are signed unless they say otherwise. */
export const releaseTime = 1_767_225_600_000;
const someFile: ReleaseFile = {
  name: "muster-agent.cjs",
  target: "node",
  size: 7,
  sha256: "a".repeat(64),
  node: "18.19",
};

export function signedRelease({
  rootBy = offlineKey,
  targetsBy = releaseKey,
  keys = [releaseKey.public.line],
  files = [{ ...someFile }],
  release = "0.4.0",
  version = 1,
  ts = releaseTime,
  roots,
  change = () => {},
}: Wanted = {}): ReleaseManifest {
  const root = roots?.at(-1) ?? signRoot({ version: 1, expires: ts + 365 * day, keys }, rootBy);
  const chain = roots?.slice(0, -1) ?? [];
  const targets = { version, ts, expires: ts + 30 * day, release, files };
  const manifest = {
    root,
    ...(chain.length === 0 ? {} : { chain }),
    targets: { ...targets, signatures: [signature(targetsBy, targetsStatement(targets))] },
  };
  change(manifest);
  return manifest;
}

/** A root of number `version`, which is good for a year. */
export function testRoot(version: number, by: readonly TestSigner[], more: Partial<ReleaseRoot> = {}): SignedRoot {
  return signRoot({ version, expires: releaseTime + 365 * day, keys: [releaseKey.public.line], ...more }, ...by);
}

function signRoot(root: ReleaseRoot, ...by: readonly TestSigner[]): SignedRoot {
  return { ...root, signatures: by.map((one) => signature(one, rootStatement(root))) };
}

function signature({ key, public: { id } }: TestSigner, statement: string): { key: string; value: string } {
  return { key: id, value: sign(null, Buffer.from(statement), key).toString("base64url") };
}
