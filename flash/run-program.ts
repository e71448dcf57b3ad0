import { spawn } from "node:child_process";
import { systemClock as clock } from "#shared/clock";
import { formatDuration } from "#shared/duration";
import { EnvironmentError, errorCode } from "#shared/errors";
import { forTerminal } from "#shared/printable";

export interface Ran {
  readonly code: number;
  readonly out: Buffer;
  readonly err: string;
}

export interface ProgramOptions {
  /** What it reads. */
  readonly input?: Buffer | string;
  /** How to get the program, for the error where it is not there. */
  readonly install?: string;
  /** Milliseconds that it may take. */
  readonly within?: number | undefined;
}

/** Runs one of the system's programs to its end. @throws EnvironmentError where it is not there */
export function runProgram(
  program: string,
  args: readonly string[],
  { input = "", install = "install it", within }: ProgramOptions = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      // What it starts itself is ended with it.
      detached: within !== undefined,
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (part: Buffer) => out.push(part));
    child.stderr.on("data", (part: Buffer) => err.push(part));
    child.on("error", (cause) =>
      reject(
        new EnvironmentError(
          errorCode(cause) === "ENOENT"
            ? `${program} is needed for this and is not here: ${install}`
            : `${program} cannot be run: ${cause.message}`,
          { cause },
        ),
      ),
    );
    const cancel = within === undefined ? undefined : clock.after(within, () => stopIt(child.pid));
    child.on("close", (code, signal) => {
      cancel?.();
      const slow = within !== undefined && signal === "SIGKILL";
      const why = slow ? `it had not ended after ${formatDuration(within)}` : Buffer.concat(err).toString("utf8");
      resolve({ code: code ?? 1, out: Buffer.concat(out), err: why });
    });
    // It may end before it has read all.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** With all that it has started. */
function stopIt(pid: number | undefined): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}

/** What it printed. @throws EnvironmentError with what it said where it fails */
export async function outputOf(program: string, args: readonly string[], options?: ProgramOptions): Promise<Buffer> {
  const { code, out, err } = await runProgram(program, args, options);
  if (code === 0) return out;
  throw new EnvironmentError(`${program} ${args[0] ?? ""} failed: ${forTerminal(err.trim().slice(-600), 600)}`);
}
