import { execFileSync, spawn } from "node:child_process";
import { existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { systemClock as clock } from "#shared/clock";
import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import { forShell } from "#shared/printable";

/** Where a joined machine's agent is, and how it runs. */
export interface Place {
  readonly directory: string;
  readonly data: string;
  readonly program: string;
  /** By systemd; otherwise as a process of its own, which a restart of the machine ends. */
  readonly service: boolean;
}

const unit = "muster-agent.service";
const unitPath = `/etc/systemd/system/${unit}`;

export function placeOf({
  dir,
  service = true,
}: {
  readonly dir?: string | undefined;
  readonly service?: boolean;
}): Place {
  const root = process.getuid?.() === 0;
  // The service and the script stand in another directory than whoever has typed it.
  const directory = resolve(dir ?? (root ? "/var/lib/muster-agent" : join(homedir(), ".muster-agent")));
  const systemd = service && root && existsSync("/run/systemd/system");
  return { directory, data: join(directory, "data"), program: join(directory, "muster-agent.cjs"), service: systemd };
}

/** Puts the agent's file there, and starts it: anew, where it runs already. @throws EnvironmentError */
export async function install(place: Place, own: string): Promise<void> {
  makeDirectory(place.directory);
  if (own !== place.program) replaceFile(place.program, readFileSync(own));
  if (place.service) startService(place);
  else await startBeside(place);
}

/** What a person may want next. */
export function hintsOf({ directory, program, service }: Place): string[] {
  const looks = service ? `journalctl -u ${unit}` : `cat ${forShell(join(directory, "agent.log"))}`;
  const lasts = service
    ? []
    : [
        `it runs until this machine restarts; to start it then: crontab -e, and @reboot sh ${forShell(join(directory, "run.sh"))}`,
      ];
  return [
    `its log: ${looks}`,
    ...lasts,
    `to take it away: ${process.execPath} ${forShell(program)} leave --dir ${forShell(directory)}`,
  ];
}

/** Stops it and removes what {@link install} has made, the identity and what waits in the outbox among it. */
export async function uninstall(place: Place): Promise<void> {
  if (!existsSync(place.program))
    throw new BadInputError(`there is no agent in ${place.directory}: expected --dir with its directory`);
  if (existsSync(unitPath) && readFileSync(unitPath, "utf8").includes(place.program)) {
    systemctl("disable", "--now", unit);
    rmSync(unitPath);
    systemctl("daemon-reload");
  }
  await endBeside(place);
  rmSync(place.directory, { recursive: true });
}

function startService({ directory, data, program }: Place): void {
  const quoted = [process.execPath, program, "--data", data].map((word) => `"${word}"`).join(" ");
  const text = `[Unit]
Description=Muster agent
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${quoted}
WorkingDirectory=${directory}
UMask=0077
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
`;
  replaceFile(unitPath, text);
  systemctl("daemon-reload");
  systemctl("enable", unit);
  systemctl("restart", unit);
}

function systemctl(...words: string[]): void {
  try {
    execFileSync("systemctl", words, { stdio: ["ignore", "ignore", "pipe"] });
  } catch (cause) {
    throw new EnvironmentError(`systemctl ${words.join(" ")} failed: ${asError(cause).message}`, { cause });
  }
}

/** A shell that begins the agent again when it ends by a fault or by \`restart\`, and no more once it was told to stop. */
async function startBeside(place: Place): Promise<void> {
  const { directory, data, program } = place;
  await endBeside(place);
  const words = [process.execPath, program, "--data", data].map(forShell).join(" ");
  const script = join(directory, "run.sh");
  const text = `#!/bin/sh
# Muster's agent, begun again when it ends by a fault.
umask 077
cd ${forShell(directory)} || exit 1
echo $$ > run.pid
export INVOCATION_ID=muster
trap 'kill "$agent"; wait "$agent"; exit 0' TERM INT
while :; do
  [ -f agent.log ] && mv -f agent.log agent.log.1
  ${words} > agent.log 2>&1 < /dev/null &
  agent=$!
  wait "$agent" && exit 0
  sleep 5
done
`;
  replaceFile(script, text);
  const log = openSync("/dev/null", "w");
  spawn("/bin/sh", [script], { detached: true, stdio: ["ignore", log, log], cwd: directory }).unref();
}

/** Milliseconds that an agent has to end, in which it says goodbye. */
const partingPatience = 15_000;
const lookedEvery = 50;

/** Ends one that runs, and waits for that: the next one needs its directory. A process id alone may be another program's by now. */
async function endBeside({ directory }: Place): Promise<void> {
  const pid = numberIn(join(directory, "run.pid"));
  const isThere = (): boolean => pid !== undefined && commandOf(pid).includes(join(directory, "run.sh"));
  if (pid === undefined || !isThere()) return;
  process.kill(pid, "SIGTERM");
  for (const deadline = clock.monotonic() + partingPatience; isThere();) {
    if (clock.monotonic() > deadline)
      throw new EnvironmentError(
        `the agent in ${directory} does not end: kill ${pid} and those that it has started, and try again`,
      );
    await new Promise<void>((resolve) => void clock.after(lookedEvery, resolve));
  }
}

function numberIn(path: string): number | undefined {
  try {
    return Number(readFileSync(path, "utf8").trim()) || undefined;
  } catch {
    return undefined;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
