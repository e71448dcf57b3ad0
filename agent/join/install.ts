import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { systemClock as clock } from "#shared/clock";
import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import { forShell } from "#shared/printable";
import { layoutIn, programNames, type Layout } from "../install/layout.ts";
import { plainLine, unitName, unitPath, unitText } from "../install/service-texts.ts";
import { starterText } from "../install/starter.ts";

/** Where a joined machine's agent is, and how it runs. */
export interface Place extends Layout {
  readonly directory: string;
  /** By systemd; otherwise as a process of its own, which a restart of the machine ends. */
  readonly service: boolean;
}

export function placeOf({
  dir,
  service = true,
  isExecutable,
}: {
  readonly dir?: string | undefined;
  readonly service?: boolean;
  /** Whether an executable is to be installed; without it, what is there already. */
  readonly isExecutable?: boolean;
}): Place {
  const root = process.getuid?.() === 0;
  // The service and the script stand in another directory than whoever has typed it.
  const directory = resolve(dir ?? (root ? "/var/lib/muster-agent" : join(homedir(), ".muster-agent")));
  const systemd = service && root && existsSync("/run/systemd/system");
  const executable = join(directory, programNames.executable);
  if (isExecutable ?? existsSync(executable))
    return { ...layoutIn(directory, undefined, programNames.executable), directory, service: systemd };
  return { ...layoutIn(directory, process.execPath), directory, service: systemd };
}

/** Puts the agent's file there, and starts it: anew, where it runs already. @throws EnvironmentError */
export async function install(place: Place, own: string): Promise<void> {
  makeDirectory(place.directory);
  if (own !== place.program) replaceFile(place.program, readFileSync(own));
  if (!place.program.endsWith(".cjs")) chmodSync(place.program, 0o700);
  // One of the other kind that was installed here before would be taken for what is.
  for (const name of Object.values(programNames))
    if (join(place.directory, name) !== place.program) rmSync(join(place.directory, name), { force: true });
  replaceFile(place.starter, starterText(place));
  if (place.service) startService(place);
  else await startBeside(place);
}

/** What a person may want next. */
export function hintsOf(place: Place): string[] {
  const { directory, program, service } = place;
  const looks = service ? `journalctl -u ${unitName}` : `cat ${forShell(join(directory, "agent.log"))}`;
  const lasts = service
    ? []
    : [
        `it runs until this machine restarts; to start it then: crontab -e, and @reboot ${plainLine(place, { flags: ["--beside"] })}`,
      ];
  return [
    `its log: ${looks}`,
    ...lasts,
    `to take it away: ${program.endsWith(".cjs") ? `${process.execPath} ` : ""}${forShell(program)} leave --dir ${forShell(directory)}`,
  ];
}

/** Stops it and removes what {@link install} has made, the identity and what waits in the outbox among it. */
export async function uninstall(place: Place): Promise<void> {
  if (!existsSync(place.program))
    throw new BadInputError(`there is no agent in ${place.directory}: expected --dir with its directory`);
  if (existsSync(unitPath) && names(readFileSync(unitPath, "utf8"), place)) {
    systemctl("disable", "--now", unitName);
    rmSync(unitPath);
    systemctl("daemon-reload");
  }
  await endBeside(place);
  rmSync(place.directory, { recursive: true });
}

function startService(place: Place): void {
  replaceFile(unitPath, unitText(place));
  systemctl("daemon-reload");
  systemctl("enable", unitName);
  systemctl("restart", "--no-block", unitName);
}

function systemctl(...words: string[]): void {
  try {
    execFileSync("systemctl", words, { stdio: ["ignore", "ignore", "pipe"] });
  } catch (cause) {
    throw new EnvironmentError(`systemctl ${words.join(" ")} failed: ${asError(cause).message}`, { cause });
  }
}

async function startBeside(place: Place): Promise<void> {
  await endBeside(place);
  const log = openSync("/dev/null", "w");
  const words = [place.starter, "--beside"];
  spawn("/bin/sh", words, { detached: true, stdio: ["ignore", log, log], cwd: place.directory }).unref();
}

/** Milliseconds that an agent has to end, in which it says goodbye. */
const partingPatience = 15_000;
const lookedEvery = 50;

/** Ends one that runs, and waits for that: the next one needs its directory. A process id alone may be another program's by now. */
async function endBeside(place: Place): Promise<void> {
  const { directory } = place;
  const pid = numberIn(join(directory, "run.pid"));
  const isThere = (): boolean => pid !== undefined && names(commandOf(pid), place);
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

/** Whether it starts this agent; before there was a starter, `run.sh` did, or the unit itself. */
function names(text: string, { directory, starter, program }: Place): boolean {
  return [starter, program, join(directory, "run.sh")].some((path) => text.includes(path));
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
