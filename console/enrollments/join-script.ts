import { forShell } from "#shared/printable";

/** KiB that the agent's file, its state and a first outbox need. */
export const roomNeeded = 20 * 1024;

/**
 * One line for a shell. What it fetches it compares with a hash before it runs it, so that nobody in between can give it anything else; the code
 * goes in on standard input, and so is in no URL, no log and no list of processes.
 */
export function joinLine({
  origin,
  code,
  hash,
}: {
  readonly origin: string;
  readonly code: string;
  readonly hash: string;
}): string {
  const insecure = origin.startsWith("https:") ? "-fsSk" : "-fsS";
  return `f=$(mktemp) && curl ${insecure} ${forShell(`${origin}/join`)} -o "$f" && echo "${hash}  $f" | sha256sum -c && echo ${code} | sh "$f" ${forShell(origin)}`;
}

/** The script that the line runs: looks whether the machine can have an agent, fetches it, and has it join. It is the same for every code. */
export function joinScript({ hash, bytes }: { readonly hash: string; readonly bytes: number }): string {
  return `#!/bin/sh
# Muster: makes this machine a device. The line that fetched this file has compared it with its SHA-256.
#   sh FILE CONSOLE [--dry-run] [--dir DIRECTORY] [--no-service]   with the code on standard input
set -eu
umask 077
fail() { echo "muster: $*" >&2; exit 1; }
origin=\${1:?expected the console\\'s URL}
shift
self=$0

dry=
service=yes
for word in "$@"; do
  case $word in
    --dry-run) dry=yes ;;
    --no-service) service= ;;
  esac
done
# A service needs root. The code stays on standard input: sudo asks for its password on the terminal.
if [ "$(id -u)" != 0 ] && [ -n "$service" ] && [ -z "$dry" ] && [ -d /run/systemd/system ] && command -v sudo >/dev/null; then
  echo "muster: the agent becomes a service of this machine, for which sudo is asked (--no-service goes without)"
  exec sudo sh "$self" "$origin" "$@"
fi

[ "$(uname -s)" = Linux ] || fail "this is $(uname -s): expected Linux. Elsewhere run: node muster-agent.cjs join CODE"
for tool in curl sha256sum mktemp df awk; do
  command -v "$tool" >/dev/null || fail "there is no $tool here: install it, and paste the line again"
done
node=$(command -v node || command -v nodejs) || fail "there is no Node here: install Node 18.19 or newer (Debian, Raspberry Pi OS, Ubuntu: apt-get install nodejs), and paste the line again"
version=$("$node" -p process.versions.node) || fail "$node does not run: is it built for $(uname -m)?"
major=\${version%%.*}
rest=\${version#*.}
minor=\${rest%%.*}
if [ "$major" -lt 18 ] || { [ "$major" -eq 18 ] && [ "$minor" -lt 19 ]; }; then
  fail "$node is Node $version: expected 18.19 or newer"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"; case $self in "\${TMPDIR:-/tmp}"/tmp.*) rm -f "$self" ;; esac' EXIT
trap 'exit 1' HUP INT TERM
room=$(df -Pk "$work" | awk 'NR==2 {print $4}')
[ "$room" -ge ${roomNeeded} ] || fail "$work has room for $room KiB: expected ${roomNeeded}"

echo "muster: Node $version on $(uname -m); fetching the agent (${Math.ceil(bytes / 1024)} KiB) from $origin"
# Whoever answers: what comes is compared with its hash.
curl -fsSk --retry 3 --max-time 300 "$origin/join/muster-agent.cjs" -o "$work/muster-agent.cjs" || fail "the agent cannot be fetched from $origin: see whether this machine reaches it (curl says why)"
echo "${hash}  $work/muster-agent.cjs" | sha256sum -c >/dev/null 2>&1 || fail "what $origin sent is not the agent that this line was made for: somebody in between has changed it, or the console was updated since. Nothing was run; have another code made"

"$node" "$work/muster-agent.cjs" join - "$@"
`;
}
