import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { asError, BadInputError } from "#shared/errors";
import { check } from "#shared/messages/payload-schema";
import { checkRelease, noRelease } from "#shared/release/check-release";
import {
  maxReleaseChain,
  maxReleaseManifestBytes,
  maxReleaseFileBytes,
  releaseManifest,
  rootStatement,
  targetsStatement,
  type ReleaseFile,
  type ReleaseManifest,
  type ReleaseRoot,
  type SignedRoot,
} from "#shared/release/release-manifest";
import { parsePublicKeys, type PublicKey } from "#shared/signing/public-key";
import { signatureBy, type Signer } from "../../cli/sign-command.ts";

const day = 86_400_000;
/** Milliseconds for which the two parts are good: the offline key is fetched from its safe once a year. */
const goodFor = { root: 365 * day, targets: 30 * day };
/** The least Node that the agent's one file runs on. */
const leastNode = "18.19";

export interface SignOrder {
  readonly directory: string;
  /** With its release key. */
  readonly signer: Signer;
  /** The offline key, where the root is made or made anew. */
  readonly root: Signer | undefined;
  /** The offline key that takes its place: both sign that. */
  readonly nextRoot?: Signer | undefined;
  /** Keys that are to count beside the signer's. */
  readonly keys: readonly string[];
  /** What is released: paths, each with `=TARGET` behind it where it is no file for Node. */
  readonly files: readonly string[];
  readonly release: string;
  /** Milliseconds for which the targets are good. */
  readonly good: number | undefined;
  /** Epoch ms. */
  readonly now: number;
}

/**
 * Puts files and a manifest in a directory: the manifest last, so that whoever looks meanwhile finds the old one whole. Both numbers grow.
 * @throws BadInputError with what is missing
 */
export function signRelease(order: SignOrder): ReleaseManifest {
  const { directory, signer, root, nextRoot, files, release, good, now } = order;
  const before = readManifest(directory);
  makeDirectory(directory);
  const roots = rootsFrom(order, before);
  const newRoot = roots.at(-1);
  if (!newRoot)
    throw new BadInputError(
      `there is no root in ${directory} yet, which says which keys count: give the offline key with --offline-key FILE, this once and then once a year`,
    );
  if (root) {
    const lines = [(nextRoot ?? root).public.line, ...pinned(directory)].filter(unique);
    const left = nextRoot ? lines.filter((line) => line !== root.public.line) : lines;
    replaceFile(join(directory, "roots.pub"), `${left.join("\n")}\n`);
  }
  const targets = {
    version: (before?.targets.version ?? 0) + 1,
    ts: Math.round(now),
    expires: Math.round(now + (good ?? goodFor.targets)),
    release,
    files: files.map((file) => putFile(directory, file)),
  };
  const signatures = [signatureOf(signer, targetsStatement(targets))];
  const chain = roots.slice(0, -1).slice(-maxReleaseChain);
  const manifest = check(
    releaseManifest,
    { root: newRoot, ...(chain.length === 0 ? {} : { chain }), targets: { ...targets, signatures } },
    "the manifest",
  );
  // What agents would refuse is not served to them.
  checkRelease(manifest, { roots: parsePublicKeys(pinned(directory)), known: noRelease, now });
  replaceFile(join(directory, "manifest.json"), `${JSON.stringify(manifest, undefined, 1)}\n`);
  return manifest;
}

/** @throws BadInputError where it does not count, or its files are others */
export function verifyRelease(directory: string, roots: readonly string[], now: number): ReleaseManifest["targets"] {
  const manifest = readManifest(directory);
  if (!manifest) throw new BadInputError(`there is no release in ${directory}: muster release sign makes one`);
  const keys: readonly PublicKey[] = parsePublicKeys(roots.length > 0 ? roots : pinned(directory));
  checkRelease(manifest, { roots: keys, known: noRelease, now });
  for (const { name, size, sha256 } of manifest.targets.files) {
    const content = readRegularFile(join(directory, name), maxReleaseFileBytes);
    if (content.length !== size || digestOf(content) !== sha256)
      throw new BadInputError(`${join(directory, name)} is not the file that was signed`);
  }
  return manifest.targets;
}

/**
 * All roots that agents may want, the newest last. A change of the offline key makes two: the first says so, by both keys, and the second, by the new one
 * alone, is one that agents read as well which know nothing of such changes and have pinned the new key.
 */
function rootsFrom(
  { root, nextRoot, signer, keys, now }: SignOrder,
  before: ReleaseManifest | undefined,
): SignedRoot[] {
  const known = before ? [...(before.chain ?? []), before.root] : [];
  if (!root) return known;
  const lines = parsePublicKeys([signer.public.line, ...keys]).map(({ line }) => line);
  const version = (before?.root.version ?? 0) + 1;
  const plain = { version, expires: Math.round(now + goodFor.root), keys: lines };
  if (!nextRoot) return [...known, signedRoot(plain, root)];
  if (!before)
    throw new BadInputError("there is no root yet whose key could change: sign with the one that is to count");
  const changing = { ...plain, roots: [nextRoot.public.line] };
  return [...known, signedRoot(changing, root, nextRoot), signedRoot({ ...plain, version: version + 1 }, nextRoot)];
}

function signedRoot(root: ReleaseRoot, ...by: readonly Signer[]): SignedRoot {
  return { ...root, signatures: by.map((signer) => signatureOf(signer, rootStatement(root))) };
}

function signatureOf(signer: Signer, statement: string): SignedRoot["signatures"][number] {
  return { key: signer.public.id, value: signatureBy(signer, statement) };
}

function putFile(directory: string, given: string): ReleaseFile {
  const [, path = given, target = "node"] = /^(.+)=([a-z0-9-]+)$/.exec(given) ?? [];
  if (!existsSync(path)) throw new BadInputError(`there is no ${path}: npm run build makes dist/muster-agent.cjs`);
  const content = readRegularFile(path, maxReleaseFileBytes);
  const name = basename(path);
  const place = join(directory, name);
  if (!existsSync(place) || statSync(place).ino !== statSync(path).ino) replaceFile(place, content);
  const file = { name, target, size: content.length, sha256: digestOf(content) };
  return target === "node" ? { ...file, node: leastNode } : file;
}

function readManifest(directory: string): ReleaseManifest | undefined {
  const path = join(directory, "manifest.json");
  if (!existsSync(path)) return undefined;
  try {
    return check(releaseManifest, JSON.parse(readRegularFile(path, maxReleaseManifestBytes).toString("utf8")), path);
  } catch (cause) {
    throw new BadInputError(
      `${path} does not read (${asError(cause).message}): without it the next numbers are not known. Put the right one there`,
    );
  }
}

function pinned(directory: string): string[] {
  const path = join(directory, "roots.pub");
  if (!existsSync(path)) return [];
  return readRegularFile(path, maxSmallFileBytes)
    .toString("utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

function unique(line: string, at: number, all: readonly string[]): boolean {
  return all.indexOf(line) === at;
}

function digestOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
