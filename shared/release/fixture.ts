import { sign } from "node:crypto";
import { testSigner, type TestSigner } from "#shared/signing/fixture";
import { rootStatement, targetsStatement, type ReleaseFile, type ReleaseManifest } from "./release-manifest.ts";

/** The keys of the tests. */
export const offlineKey = testSigner(11, "offline");
export const releaseKey = testSigner(12, "release");
export const otherKey = testSigner(13, "somebody");

export interface Wanted {
  readonly rootBy?: TestSigner;
  readonly targetsBy?: TestSigner;
  readonly keys?: string[];
  readonly files?: ReleaseFile[];
  readonly release?: string;
  readonly version?: number;
  /** When it is signed: its targets are good for 30 days, its root for a year. */
  readonly ts?: number;
  /** What somebody changes after it was signed. */
  readonly change?: (manifest: ReleaseManifest) => void;
}

const day = 86_400_000;
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
  ts = 1_767_225_600_000,
  change = () => {},
}: Wanted = {}): ReleaseManifest {
  const root = { version: 1, expires: ts + 365 * day, keys };
  const targets = { version, ts, expires: ts + 30 * day, release, files };
  const manifest = {
    root: { ...root, signatures: [signature(rootBy, rootStatement(root))] },
    targets: { ...targets, signatures: [signature(targetsBy, targetsStatement(targets))] },
  };
  change(manifest);
  return manifest;
}

function signature({ key, public: { id } }: TestSigner, statement: string): { key: string; value: string } {
  return { key: id, value: sign(null, Buffer.from(statement), key).toString("base64url") };
}
