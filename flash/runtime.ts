import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { formatDuration } from "#shared/duration";
import { asError, EnvironmentError } from "#shared/errors";
import { outputOf } from "./run-program.ts";
import type { MachineKind } from "./machine-kinds.ts";

/** Node for another machine. */
export interface Runtime {
  /** The program itself. */
  readonly node: Buffer;
  /** Where it came from, for a person. */
  readonly from: string;
}

/** Bytes of a Node that is believed: the largest has some 125 million. */
const maxNodeBytes = 400_000_000;

/** Milliseconds in which npm has to have fetched one: 45 MB over a slow line. */
export const maxFetchTime = 600_000;

export interface RuntimeOptions {
  readonly cache?: string;
  /** Is told what takes a while. */
  readonly say?: (line: string) => void;
  readonly within?: number;
}

/**
 * @param directory of runtimes: npm's packages or Node's own archives, packed or unpacked, with the target in their names; without one the npm
 * registry is asked, once
 * @throws EnvironmentError that says what was looked for
 */
export async function runtimeFor(
  target: MachineKind,
  directory?: string,
  options: RuntimeOptions = {},
): Promise<Runtime> {
  const from = directory === undefined ? await fetched(target, options) : found(target, directory);
  const node = await nodeIn(from);
  const machine = node.readUInt32BE(0) === 0x7f454c46 ? node.readUInt16LE(18) : undefined;
  if (machine !== target.elf)
    throw new EnvironmentError(
      `${from} holds ${machine === undefined ? "no executable of Linux" : "a Node for another processor"}: expected one for ${target.name}`,
    );
  return { node, from };
}

function runtimeCache(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "muster", "runtimes");
}

const archive = /\.(tgz|tar\.gz|tar\.xz)$/;

function found(target: MachineKind, directory: string): string {
  if (!existsSync(directory)) throw new EnvironmentError(`${directory} is not there: expected a directory of runtimes`);
  const named = readdirSync(directory).filter((name) => name.includes(target.name));
  const usable = named.map((name) => join(directory, name)).filter((path) => archive.test(path) || programIn(path));
  // The newest by name, as versions go.
  const newest = usable.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  if (newest !== undefined) return newest;
  throw new EnvironmentError(
    `there is no Node for ${target.name} in ${directory}: expected an archive such as node-${target.name}-${target.version}.tgz (npm pack node-${target.name}@${target.version}), node-v${target.version}-${target.name}.tar.xz of nodejs.org, or such a directory with bin/node`,
  );
}

/** A registry that does not answer is given up on after one more try, and not after minutes of silence. */
const impatient = ["--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"];

async function fetched(
  { name, version }: MachineKind,
  { cache = runtimeCache(), say = () => {}, within = maxFetchTime }: RuntimeOptions,
): Promise<string> {
  const kept = join(cache, `node-${name}-${version}.tgz`);
  if (existsSync(kept)) return kept;
  makeDirectory(cache);
  // Beside its place and then moved to it: a half one is never taken for a whole one.
  const half = mkdtempSync(join(cache, "half-"));
  try {
    const spec = `node-${name}@${version}`;
    const byHand = `with --runtime DIRECTORY it is taken from there: npm pack ${spec} makes such a file where the registry can be reached`;
    say(`fetching ${spec} by npm, some 45 MB, for ${formatDuration(within)} at most; ${byHand}`);
    await outputOf("npm", ["pack", ...impatient, "--pack-destination", half, spec], {
      install: "install npm, or give a directory of runtimes with --runtime",
      within,
    }).catch((thrown: unknown) => {
      throw new EnvironmentError(`${spec} could not be fetched: ${asError(thrown).message}; ${byHand}`, {
        cause: thrown,
      });
    });
    const [file] = readdirSync(half);
    if (file === undefined) throw new EnvironmentError(`the npm registry gave no ${spec}: give it with --runtime`);
    replaceFile(kept, readFileSync(join(half, file)));
    return kept;
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
}

async function nodeIn(path: string): Promise<Buffer> {
  const program = programIn(path);
  if (program !== undefined) return bounded(program);
  const names = (await outputOf("tar", ["-tf", path])).toString("utf8").split("\n");
  const name = names.find((one) => /(^|\/)bin\/node$/.test(one));
  if (name === undefined) throw new EnvironmentError(`there is no bin/node in ${path}: expected an archive of Node`);
  return outputOf("tar", ["-xOf", path, name]);
}

function programIn(path: string): string | undefined {
  if (archive.test(path)) return undefined;
  return ["bin/node", "package/bin/node", "node", ""]
    .map((name) => join(path, name))
    .find((one) => statSync(one, { throwIfNoEntry: false })?.isFile());
}

function bounded(path: string): Buffer {
  if (statSync(path).size > maxNodeBytes) throw new EnvironmentError(`${path} is too large to be a Node`);
  return readFileSync(path);
}
