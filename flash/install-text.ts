import { openRcPath, unitName, unitPath } from "../agent/install/service-texts.ts";
import { forShell } from "#shared/printable";

interface InstallOptions {
  readonly directory: string;
  readonly codeFile: string;
  /** Files of compressed Nodes. */
  readonly names: readonly string[];
  readonly service: boolean;
  readonly now: number;
}

/** Kilobytes beside what is unpacked: the agent's outbox and ledger want to begin. */
const room = 16_384;

/**
 * The script that installs an agent from the files beside it, offline; a second run installs what is there then. `--enable` only has it
 * started at the next boot, `--remove` takes everything away.
 */
export function installText({ directory, codeFile, names, service, now }: InstallOptions): string {
  return `#!/bin/sh
# Muster: installs the agent from the files beside this one. It needs no network.
#   sh install.sh [--enable | --remove]
set -u
umask 077
from=$(cd "$(dirname "$0")" && pwd) || exit 1
dir=${forShell(directory)}
service=${service ? "yes" : "no"}
mode=\${1-}
say() { echo "muster: $*"; }
fail() { say "$*"; exit 1; }
manager=none
if [ $service = yes ] && [ "$(id -u)" = 0 ]; then
  if command -v systemctl > /dev/null && { [ -d /run/systemd/system ] || [ "$mode" = --enable ]; }; then manager=systemd
  elif [ -x /sbin/openrc-run ]; then manager=openrc; fi
fi

stop() {
  case $manager in
    systemd) [ ! -f ${unitPath} ] || systemctl stop ${unitName} 2> /dev/null ;;
    openrc) [ ! -f ${openRcPath} ] || rc-service muster-agent stop > /dev/null 2>&1 ;;
  esac
  pid=$(cat "$dir/run.pid" 2> /dev/null) || return 0
  # A process id alone may be another program's by now.
  ours() { tr '\\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF "$dir/start.sh"; }
  ours || return 0
  kill "$pid"
  seconds=0
  while ours; do
    [ $seconds -lt 15 ] || fail "the agent in $dir does not end: kill $pid, and try again"
    sleep 1
    seconds=$((seconds + 1))
  done
}

if [ "$mode" = --remove ]; then
  stop
  case $manager in
    systemd) systemctl disable ${unitName} > /dev/null 2>&1; rm -f ${unitPath}; systemctl daemon-reload ;;
    openrc) rc-update del muster-agent default > /dev/null 2>&1; rm -f ${openRcPath} ;;
  esac
  rm -rf "$dir" || fail "cannot remove $dir"
  say "the agent in $dir is gone, and what it had not sent yet"
  exit 0
fi

mkdir -p "$dir" || fail "cannot make $dir: is the root file system read-only?"
# Without a battery the clock stands in the past, where no certificate is good.
if [ "$(date +%s)" -lt ${Math.floor(now / 1000)} ]; then
  date -s @${Math.floor(now / 1000)} > /dev/null 2>&1 || say "this machine's clock is behind and cannot be set: $(date)"
fi

put() {
  cp "$from/$1" "$dir/$1.new" && mv -f "$dir/$1.new" "$dir/$1" || fail "cannot write $dir/$1: $(df -k "$dir" | tail -n 1)"
}
for name in ${names.join(" ")}; do
  rm -f "$dir/node.new"
  need=$(($(wc -c < "$from/$name") * 3 / 1024 + ${room}))
  free=$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge $need ] || fail "no room in $dir for Node: $need kB are needed, and $free are free"
  gzip -dc "$from/$name" > "$dir/node.new" || fail "$from/$name does not unpack: copy it anew"
  chmod 755 "$dir/node.new"
  if "$dir/node.new" --version > /dev/null 2>&1; then
    mv -f "$dir/node.new" "$dir/node"
    break
  fi
  say "$name does not run on this machine ($(uname -m))"
done
rm -f "$dir/node.new"
node=$dir/node
[ -x "$node" ] || node=$(command -v node || command -v nodejs) || fail "no Node runs on this machine ($(uname -m)): flash it with another --target"
put muster-agent.cjs
"$node" "$dir/muster-agent.cjs" --version > /dev/null || fail "the agent does not start with $node"
stop
put start.sh
[ ! -f "$from/muster.toml" ] || put muster.toml
if [ -f "$from/join-code" ] && [ ! -f "$dir/data/agent/identity.json" ]; then
  cp "$from/join-code" ${forShell(codeFile)} || fail "cannot write ${codeFile}"
fi
sync
case $manager in
  systemd)
    cp "$from/muster-agent.service" ${unitPath} && chmod 644 ${unitPath} || fail "cannot write ${unitPath}"
    systemctl daemon-reload 2> /dev/null
    systemctl enable ${unitName} 2> /dev/null || fail "systemctl enable ${unitName} failed"
    [ "$mode" = --enable ] || systemctl restart --no-block ${unitName} || fail "systemctl restart ${unitName} failed: journalctl -u ${unitName}"
    ;;
  openrc)
    cp "$from/muster-agent.openrc" ${openRcPath} && chmod 755 ${openRcPath} || fail "cannot write ${openRcPath}"
    rc-update add muster-agent default > /dev/null || fail "rc-update add muster-agent failed"
    [ "$mode" = --enable ] || rc-service muster-agent restart || fail "rc-service muster-agent restart failed"
    ;;
  *)
    (cd "$dir" && exec sh "$dir/start.sh" --beside --join-file ${forShell(codeFile)} < /dev/null > /dev/null 2>&1) &
    say "it runs until this machine restarts; to start it then: crontab -e, and @reboot sh $dir/start.sh --beside"
    ;;
esac
# The code is on the machine now; whoever reads the card finds none.
rm -f "$from/join-code" 2> /dev/null
say "the agent is installed in $dir"
`;
}
