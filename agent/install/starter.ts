import { forShell } from "#shared/printable";
import { stateNames, type Layout } from "./layout.ts";

/** What the starter tells the agent by, as environment variables. */
export const starterWords = {
  /** The layout's `state`; without it the agent was started by itself, and cannot be updated. */
  state: "MUSTER_AGENT_STATE",
  /** The checksum of the program that was installed: goes into what the agent writes down of a version. */
  base: "MUSTER_AGENT_BASE",
  /** The version's name, where this is its trial. */
  trial: "MUSTER_AGENT_TRIAL",
} as const;

/** What an executable tells the agent in it: its own file, and what machines it is for. */
export const executableWords = { file: "MUSTER_AGENT_EXECUTABLE", target: "MUSTER_AGENT_TARGET" } as const;

/** What glibc's allocator is told, which reads it before any program runs; the agent takes it out of its environment again. */
export const thriftyMalloc = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "65536",
} as const;

/** EX_TEMPFAIL: the agent wants to be begun anew, at once. Service managers that restart on failure do so on this. */
export const restartStatus = 75;

/**
 * Bytes that are kept of the end of what a version on trial says on standard error: a stack, which comes after the line of its source, and that is as long
 * as the file where this was minified.
 */
export const maxSaidBytes = 4_096;

/** Seconds after which a version that hangs is ended. It gives up by itself before, and says why, if it can. */
export const trialPatience = 90;

/**
 * What starts the agent, and goes back to the version of before where a new one does not prove itself: a shell script, which no update changes. Each
 * step from one version to another is one rename, so that a kill or a power cut leaves either of two states, and both boot:
 *
 * (agent) trial ─► (starter) trying ─► (agent) current, or (starter) failed
 *
 * @param patience seconds that a new version has
 */
export function starterText({ state, data, program, node }: Layout, patience = trialPatience): string {
  const { current, trial, trying, failed, why, said, versions } = stateNames;
  return `#!/bin/sh
# Muster: starts the agent, in the version that is in use. An update never changes this file.
#   sh start.sh [--once | --beside] [the agent's flags]
# It begins the agent again when that ends by a fault, and ends when it was told to stop. With --once whoever has started this does so:
# systemd, supervise-daemon, Docker. With --beside the log and the process id go into the directory.
state=${forShell(state)}
data=${forShell(data)}
program=${forShell(program)}
node=${node === undefined ? "" : forShell(node)}

mode=stay
case \${1-} in
  --once | --beside) mode=\${1#--}; shift ;;
esac
umask 077
cd "$state" || exit 1
[ -x "$node" ] || node=$(command -v node || command -v nodejs)
set -- --data "$data" "$@"
export ${starterWords.state}="$state"
export INVOCATION_ID="\${INVOCATION_ID-muster}"
# Of whoever has installed this, and not of what is begun.
unset ${executableWords.file} ${executableWords.target}
# Memory that is let go goes back to the system: glibc would keep some 4 MB of what a start takes.
export ${Object.entries(thriftyMalloc)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ")}
[ $mode != beside ] || echo $$ > run.pid

# The version that a file names: its own file has to be there, and the agent upon which it came.
version() {
  name= upon=
  [ ! -f "$1" ] || read -r name upon < "$1"
  case $name in '' | */* | .*) return 1 ;; esac
  [ -s "${versions}/$name" ] && { [ "$upon" = "$${starterWords.base}" ] || [ ! -s "$program" ]; }
}

choose() {
  file=$program
  export ${starterWords.trial}=
  # Another one may have been installed meanwhile.
  export ${starterWords.base}="$(cksum < "$program" | tr ' ' -)"
  if [ -f ${trying} ]; then
    [ -s ${why} ] || echo "it ended before it had proven itself" > ${why}
    mv -f ${trying} ${failed}
  fi
  if [ -f ${trial} ] && mv -f ${trial} ${trying}; then
    rm -f ${said}
    if version ${trying}; then
      file=${versions}/$name ${starterWords.trial}=$name
      return
    fi
    echo "its file was gone, or another agent was installed meanwhile" > ${why}
    mv -f ${trying} ${failed}
  fi
  if version ${current}; then file=${versions}/$name; fi
}

run() {
  case $file in
    *.cjs) exec "\${node:?there is no Node here: install Node 18.19 or newer}" --optimize-for-size "$file" "$@" ;;
    # An executable, as it was fetched.
    *) [ -x "$file" ] || chmod 700 "$file"; exec "$file" "$@" ;;
  esac
}

# What a version on trial says on standard error goes on to ours, and the end of it is kept: where it crashes, that is the stack. Each pipe is taken out of
# the directory once both its ends are open.
listen() {
  rm -f heard.1 heard.2
  mkfifo heard.1 heard.2 || return
  { rm -f heard.1; exec tee heard.2 >&2; } < heard.1 &
  ear=$!
  { rm -f heard.2; exec tail -c ${maxSaidBytes}; } < heard.2 > ${said} &
  keeper=$!
}

# Waits until all of it is kept, but for nobody whom the version has left behind, and who holds its standard error open.
heard() {
  (trap 'kill $nap; exit' TERM; sleep 2 & nap=$!; wait $nap; kill $ear) > /dev/null 2>&1 &
  alarm=$!
  wait $keeper
  kill $alarm 2> /dev/null
  wait $alarm
}

# Ends what hangs. It needs no time to say goodbye: everything that counts is on the disk.
watch() {
  seconds=0
  while [ $seconds -lt ${patience} ]; do
    sleep 1
    [ -f ${trying} ] && kill -0 $1 2> /dev/null || exit 0
    seconds=$((seconds + 1))
  done
  [ -s ${why} ] || echo "it had not proven itself within ${patience} s" > ${why}
  kill -9 $1
}

agent=
stopped=
trap 'stopped=yes; [ -z "$agent" ] || kill $agent 2> /dev/null' TERM INT
while :; do
  choose
  if [ $mode = beside ]; then
    [ ! -f agent.log ] || mv -f agent.log agent.log.1
    exec > agent.log 2>&1 < /dev/null
  fi
  [ $mode != once ] || [ -n "$${starterWords.trial}" ] || run "$@"
  keeper=
  if [ -n "$${starterWords.trial}" ] && listen; then run "$@" 2> heard.1 & else run "$@" & fi
  agent=$!
  [ -z "$${starterWords.trial}" ] || watch $agent > /dev/null 2>&1 &
  # A signal ends the waiting, and not the agent.
  while wait $agent; status=$?; kill -0 $agent 2> /dev/null; do :; done
  if [ -n "$${starterWords.trial}" ] && [ -f ${trying} ]; then
    how="ended with status $status"
    [ -z "$stopped" ] || how="was stopped"
    [ -s ${why} ] || echo "it $how before it had proven itself" > ${why}
    [ -n "$stopped" ] || [ -z "$keeper" ] || heard
    [ -n "$stopped" ] || continue
  elif [ -n "$keeper" ]; then heard
  fi
  [ -z "$stopped" ] || exit 0
  [ $status != 0 ] || exit 0
  [ $mode != once ] || exit $status
  [ $status = ${restartStatus} ] || { agent=; sleep 5 & wait $!; }
  [ -z "$stopped" ] || exit 0
done
`;
}
