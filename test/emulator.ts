import { existsSync, readdirSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "./programs.ts";
import { cache, nodeRuntime } from "./runtimes.ts";

/** A machine of another kind, as Debian, npm's packages of Node and qemu name it. */
export interface Foreign {
  readonly debian: string;
  readonly node: string;
  readonly qemu: string;
  /** The processor of a Raspberry Pi; qemu's best one spends ten times as long on what newer ones can. */
  readonly cpu: string;
}

/** What Node needs beside itself. */
const libraries = ["libc6", "libstdc++6", "libgcc-s1", "libatomic1"];

/** The command line that runs a Node of another machine here. @throws Error that says what could not be fetched */
export async function foreignNode(foreign: Foreign, version: string): Promise<[program: string, ...args: string[]]> {
  const node = await nodeRuntime(version, `linux-${foreign.node}`);
  const qemu = await unpackedPackages("qemu", ["qemu-user-static"]);
  const root = await unpackedPackages(`libraries-${foreign.debian}`, libraries, foreign.debian);
  return [join(qemu, `usr/bin/qemu-${foreign.qemu}-static`), "-cpu", foreign.cpu, "-L", root, node];
}

/** Debian's packages in a directory of their own: nothing is installed, and the machine's own lists are left alone. */
export async function unpackedPackages(
  name: string,
  packages: readonly string[],
  architecture?: string,
): Promise<string> {
  const place = join(cache, name);
  const root = join(place, "root");
  if (existsSync(join(place, "done"))) return root;
  await rm(place, { recursive: true, force: true });
  await mkdir(join(place, "lists/partial"), { recursive: true });
  await mkdir(join(place, "cache/archives/partial"), { recursive: true });
  await writeFile(join(place, "status"), "");
  const options = ["-qq", ...(architecture === undefined ? [] : aptFor(place, architecture))];
  // A mirror that lacks one of its lists for the moment may have what is needed all the same.
  if (architecture !== undefined) await run("apt-get", [...options, "update"], place).catch(() => {});
  await run("apt-get", [...options, "download", ...packages], place);
  for (const file of readdirSync(place).filter((one) => one.endsWith(".deb")))
    await run("dpkg", ["-x", join(place, file), root], place);
  await writeFile(join(place, "done"), "");
  return root;
}

function aptFor(place: string, architecture: string): string[] {
  const settings = {
    "Dir::State": place,
    "Dir::State::Lists": join(place, "lists"),
    "Dir::State::status": join(place, "status"),
    "Dir::Cache": join(place, "cache"),
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Sandbox::User": "root",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  // apt-get downloads into the directory that it stands in.
  const { code, err } = await runProgram("env", ["-C", cwd, program, ...args], { seconds: 100 });
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${err.trim().slice(-500)}`);
}
