import { createHash } from "node:crypto";
import { constants, gzipSync } from "node:zlib";
import { executableWords } from "../agent/install/starter.ts";
import type { MachineKind } from "./machine-kinds.ts";

export interface ExecutableParts {
  readonly target: MachineKind;
  /** The program Node. */
  readonly node: Buffer;
  /** The agent's one file. */
  readonly agent: Buffer;
  readonly version: string;
  /** Of gzip, 1 to 9: how much time its compression may take; the usual one where it is not given. */
  readonly level?: number | undefined;
}

/**
 * Node and the agent in one file for a machine that has no Node: a shell script with both behind it, compressed, which it unpacks at its first start.
 * It needs sh, gzip, head and tail there, which BusyBox has as well.
 */
export function executableFrom({ target, node, agent, version, level }: ExecutableParts): Buffer {
  const packed = gzipSync(node, { level: level ?? constants.Z_DEFAULT_COMPRESSION });
  const id = createHash("sha256").update(node).update(agent).digest("hex").slice(0, 16);
  const script = (offset: number): string => `#!/bin/sh
# Muster's agent ${version} and Node for ${target.name}, in one file. It unpacks both at its first start: where
# MUSTER_RUNTIME_DIRECTORY says, else in the installed agent's directory, beside itself, or in ~/.cache.
set -u
fail() { echo "muster: $*" >&2; exit 1; }
self=$(readlink -f -- "$0")
place=
for one in "\${MUSTER_RUNTIME_DIRECTORY-}" "\${MUSTER_AGENT_STATE-}" "\${self%/*}" "\${HOME:+$HOME/.cache}"; do
  case $one in "\${HOME-}/.cache") mkdir -p "$one" 2> /dev/null ;; esac
  [ -n "$one" ] && [ -d "$one" ] && [ -w "$one" ] && { place=$one; break; }
done
[ -n "$place" ] || fail "there is no directory to unpack Node into: set MUSTER_RUNTIME_DIRECTORY to one that can be written"
there=$place/.muster-${id}
size() { wc -c < "$there/$1"; }
whole() { [ "$(size node)" = ${node.length} ] && [ "$(size muster-agent.cjs)" = ${agent.length} ]; }
if ! whole 2> /dev/null; then
  case $(uname -m) in ${target.machines.join(" | ")}) ;; *) fail "this is for ${target.name}, and the machine is $(uname -m): build it with another --target" ;; esac
  umask 022
  new=$(mktemp -d "$place/.muster-XXXXXX") || fail "cannot write into $place"
  trap 'rm -rf "$new"' EXIT
  trap 'exit 1' INT TERM HUP
  tail -c +${String(offset + agent.length + 1).padStart(10, "0")} "$self" | gzip -dc > "$new/node" || fail "no room in $place for ${Math.ceil(node.length / 1e6)} MB, or the file is cut off"
  tail -c +${String(offset + 1).padStart(10, "0")} "$self" | head -c ${agent.length} > "$new/muster-agent.cjs"
  chmod 755 "$new/node"
  "$new/node" --version > /dev/null || fail "Node does not run on this machine: it needs glibc, and $(uname -m) as ${target.name}"
  # Else a power cut may leave names without contents.
  sync
  # What another version has left; one that runs keeps its files.
  rm -rf "$place"/.muster-????????????????
  mv "$new" "$there" || fail "cannot write $there"
  trap - EXIT INT TERM HUP
fi
whole || fail "$there is not what was unpacked: remove it, and try again"
export ${executableWords.file}="$self" ${executableWords.target}=${target.name}
exec "$there/node" --optimize-for-size "$there/muster-agent.cjs" "$@"
`;
  const header = Buffer.from(script(Buffer.byteLength(script(0))));
  return Buffer.concat([header, agent, packed]);
}
