import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EnvironmentError } from "#shared/errors";
import { forShell, forTerminal } from "#shared/printable";
import { outputOf, runProgram } from "../run-program.ts";

/** What a machine says of itself, without having been changed. */
export interface RemoteMachine {
  readonly name: string;
  readonly root: boolean;
  /** Whether root's rights can be had without a password. */
  readonly sudo: boolean;
  readonly home: string;
  /** As npm's packages of Node name it. */
  readonly kind: string;
  /** Whether it has a Node that the agent runs on, perhaps one that was carried there. */
  readonly node: boolean;
  /** Kilobytes where it would be installed. */
  readonly free: number;
  /** Seconds since 1970. */
  readonly clock: number;
  /** As which device it has joined. */
  readonly device: string | undefined;
}

const install = "install OpenSSH's client (on Debian: apt-get install openssh-client)";
/** Its own words, and none of the machine's: nothing is asked for, and nobody waits for ever. */
const options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15"];

/** A machine that the system's ssh reaches: its configuration, keys and agent are used as for anybody. */
export class SshHost {
  readonly host: string;
  readonly #options: readonly string[];

  /** @param config a file for ssh's -F */
  constructor(host: string, config?: string) {
    if (host.startsWith("-")) throw new EnvironmentError(`${forTerminal(host, 80)} is no host: expected USER@HOST`);
    this.host = host;
    this.#options = config === undefined ? options : ["-F", config, ...options];
  }

  /** @param directory where it is to be installed; undefined for the usual one @throws EnvironmentError where it is not reached */
  async look(directory: string | undefined): Promise<RemoteMachine> {
    const place = directory === undefined ? '"$usual"' : forShell(directory);
    const script = `
uid=$(id -u); s=no; if [ "$uid" = 0 ] || sudo -n true 2> /dev/null; then s=yes; fi
usual=$HOME/.muster-agent; [ $s = no ] || usual=/var/lib/muster-agent
dir=${place}; look=; [ "$s" = no ] || [ "$uid" = 0 ] || look="sudo -n"
there=$dir; while [ ! -d "$there" ]; do there=$(dirname "$there"); done
m=$(uname -m); [ "$m" != aarch64 ] || [ "$(getconf LONG_BIT 2> /dev/null)" != 32 ] || m=armv7l
n=no; for node in "$dir/node" node; do $look "$node" -e 'const [a,b]=process.versions.node.split(".");process.exit(+a>18||+a==18&&+b>=19?0:1)' 2> /dev/null && n=yes; done
echo "name $(uname -n)"; echo "uid $uid"; echo "sudo $s"; echo "home $HOME"; echo "machine $m"; echo "node $n"
echo "free $(df -Pk "$there" | awk 'NR == 2 { print $4 }')"; echo "clock $(date +%s)"
echo "device $($look cat "$dir/data/agent/identity.json" 2> /dev/null | sed -n 's/^ *"device": "\\(.*\\)",*$/\\1/p' | head -n 1)"`;
    const out = (await this.#run(script)).toString("utf8");
    const of = (key: string): string => new RegExp(`^${key} (.*)$`, "m").exec(out)?.[1]?.trim() ?? "";
    const kinds: Record<string, string> = {
      x86_64: "linux-x64",
      aarch64: "linux-arm64",
      armv7l: "linux-armv7l",
      armv8l: "linux-armv7l",
    };
    const kind = kinds[of("machine")];
    if (kind === undefined)
      throw new EnvironmentError(
        `${this.host} is a ${forTerminal(of("machine"), 40) || "machine without a shell"}: there is no Node for it`,
      );
    return {
      name: of("name"),
      root: of("uid") === "0",
      sudo: of("sudo") === "yes",
      home: of("home"),
      kind,
      node: of("node") === "yes",
      free: Number(of("free")),
      clock: Number(of("clock")),
      device: of("device") || undefined,
    };
  }

  /** Copies files there, runs one of them as a script, and takes the copies away. @returns what it said */
  async runFrom(
    files: ReadonlyMap<string, Buffer>,
    script: string,
    { words, sudo }: { words: string; sudo: boolean },
  ): Promise<string> {
    const local = mkdtempSync(join(tmpdir(), "muster-flash-"));
    try {
      for (const [name, contents] of files) writeFileSync(join(local, name), contents);
      const packed = await outputOf("tar", ["-C", local, "-cf", "-", "."]);
      const run = `${sudo ? "sudo -n " : ""}sh "$d"/${script} ${words}`;
      const line = `umask 077; d=$(mktemp -d) || exit 1; trap 'rm -rf "$d"' EXIT; tar -xf - -C "$d" && ${run} 2>&1`;
      return (await this.#run(line, packed)).toString("utf8");
    } finally {
      rmSync(local, { recursive: true });
    }
  }

  async #run(script: string, input?: Buffer): Promise<Buffer> {
    // Whatever shell the user has there, sh reads it.
    const words = [...this.#options, this.host, `sh -c ${shellWord(script)}`];
    const { code, out, err } = await runProgram("ssh", words, { install, ...(input ? { input } : {}) });
    if (code === 0) return out;
    const said = `${out.toString("utf8")}\n${err}`.trim().split("\n").slice(-3).join("; ");
    const what = code === 255 ? "is not reached by ssh" : "has not taken it";
    throw new EnvironmentError(`${this.host} ${what}: ${forTerminal(said, 600) || `status ${code}`}`);
  }
}

/** One word of a command line, whatever its length and lines. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
