import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { asError } from "#shared/errors";
import { Running } from "./programs.ts";
import { asRoot } from "./small-disk.ts";
import type { Scope } from "./suite.ts";

/** What the join line and its script ask of a machine besides Node, and nothing else. */
const tools = ["sh", "curl", "sha256sum", "mktemp", "df", "awk", "uname", "id", "rm", "mv", "sleep"];
/** Directories of programs, the machine's own administrator's among them. */
const places = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];

/** Another machine at the end of a cable: a network, a root, a name and processes of its own. */
export interface SecondMachine {
  /** Where this machine is at the cable's other end. */
  readonly here: string;
  /** Types a line into its shell, as somebody does who pastes it. */
  readonly paste: (line: string) => void;
  /** What its shell prints. */
  readonly shell: Running;
}

/**
 * Makes an empty one: a shell in namespaces of its own, whose root holds the {@link tools} and Node. All of it is gone with its shell, which
 * ends when nobody can type any more. It takes root or sudo, and ip of iproute2.
 * @throws Error where it cannot be made: a test of a second machine that ran on the first one must not count as passed
 */
export async function secondMachine(scope: Scope, name: string): Promise<SecondMachine> {
  const root = await scope.directory();
  furnish(root);
  const network = `muster-${process.pid}`;
  const [outer, inner] = [`muh${process.pid}`, `mug${process.pid}`];
  // Of TEST-NET-2 (RFC 5737), in which nobody lives: each process of the tests has a cable of its own.
  const first = (process.pid % 64) * 4;
  const [here, there] = [`198.51.100.${first + 1}`, `198.51.100.${first + 2}`];
  const ip = (...words: string[]): void => asRoot("ip", ...words);
  try {
    ip("netns", "add", network);
    scope.cleanup(() => ip("netns", "del", network));
    ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", network);
    ip("addr", "add", `${here}/30`, "dev", outer);
    ip("link", "set", outer, "up");
    ip("-n", network, "addr", "add", `${there}/30`, "dev", inner);
    for (const device of [inner, "lo"]) ip("-n", network, "link", "set", device, "up");
  } catch (cause) {
    throw new Error(
      `no second machine can be made here: expected root or sudo that may make network namespaces, and ip of iproute2; ${asError(cause).message}`,
      { cause },
    );
  }
  const [sudo = "env", ...flags] = process.getuid?.() === 0 ? [] : ["sudo", "-n", "env"];
  const apart = ["ip", "netns", "exec", network, "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"];
  const shell = new Running(scope, sudo, [...flags, ...apart, "/bin/sh", "-c", settle(root, name)], { typed: true });
  return { here, shell, paste: (line) => void shell.child.stdin?.write(`${line}\n`) };
}

/** Mounts go with the namespace that they are made in. */
function settle(root: string, name: string): string {
  return `set -e
mount -t proc proc ${root}/proc
mount --bind ${realpathSync(process.execPath)} ${root}/bin/node
for one in null urandom; do mount --bind /dev/$one ${root}/dev/$one; done
hostname ${name}
exec env -i PATH=/bin HOME=/root "$(command -v chroot || echo /usr/sbin/chroot)" ${root} /bin/sh`;
}

function furnish(root: string): void {
  for (const directory of ["bin", "dev", "proc", "root", "tmp"]) mkdirSync(join(root, directory));
  for (const file of ["bin/node", "dev/null", "dev/urandom"]) writeFileSync(join(root, file), "");
  const programs = tools.map((tool) => [tool, whichOf(tool)] as const);
  for (const [tool, path] of programs) copyFileSync(path, join(root, "bin", tool));
  const needed = [process.execPath, ...programs.map(([, path]) => path)].flatMap(librariesOf);
  for (const library of new Set(needed)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

function whichOf(tool: string): string {
  for (const place of places) {
    try {
      return realpathSync(join(place, tool));
    } catch {
      // In another one.
    }
  }
  throw new Error(`there is no ${tool} here, which a second machine needs: expected one in ${places.join(":")}`);
}

/** What the loader of this machine takes for it. */
function librariesOf(program: string): string[] {
  const told = execFileSync("ldd", [program], { encoding: "utf8" });
  return [...told.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path = ""]) => path);
}
