import { spawn } from "node:child_process";
import type { Clock } from "#shared/clock";
import type { ErrorCode } from "#shared/messages/error-codes";
import { CommandError, type Handler } from "./handler.ts";

/** Milliseconds after which a restart, or a reboot, that has not happened is answered as failed. */
const patience = { restarted: 30_000, rebooted: 120_000 };

/**
 * Commands that are answered after coming back. The handler itself never ends: the run of the agent that follows finds the
 * command in the ledger, begun and not ended, and its `verify` tells whether what was asked for has happened.
 */
export function restartCommand(restart: () => void, clock: Clock): Handler {
  return {
    title: "Restart the agent",
    onInterrupt: "verify",
    run: (_, { signal }) => {
      restart();
      return notInTime("restarted", clock, signal);
    },
    verify: (_, { runId, begunRunId }) => ({ boot: runId, before: begunRunId }),
  };
}

/** @param words the command that reboots the machine; run without a shell */
export function rebootMachine(words: readonly string[], clock: Clock): Handler {
  const [program = "", ...args] = words;
  return {
    title: "Reboot the machine",
    onInterrupt: "verify",
    run: async (_, { signal }) => {
      await runToEnd(program, args);
      return notInTime("rebooted", clock, signal);
    },
    verify: (_, { runId, machine, begunMachine }) => {
      if (machine !== undefined && machine !== begunMachine) return { boot: runId, machine };
      throw new CommandError(
        "not-rebooted" satisfies ErrorCode,
        "the agent is back, but the machine has not been rebooted",
      );
    },
  };
}

/** What a handler waits with that is answered by the run after this one. @throws CommandError when that has not come in time */
export function notInTime(what: "restarted" | "rebooted", clock: Clock, signal: AbortSignal): Promise<never> {
  const ms = patience[what];
  return new Promise((_, reject) => {
    const cancel = clock.after(ms, () =>
      reject(new CommandError(`not-${what}` satisfies ErrorCode, `nothing was ${what} within ${ms / 1_000} s`)),
    );
    signal.addEventListener("abort", () => {
      cancel();
      reject(signal.reason as Error);
    });
  });
}

function runToEnd(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-500)));
    child.once("error", (cause) =>
      reject(new CommandError("spawn" satisfies ErrorCode, `${program} could not be run: ${cause.message}`)),
    );
    child.once("close", (code) =>
      code === 0
        ? resolve()
        : reject(new CommandError("exit" satisfies ErrorCode, `${program} ended with ${code}: ${said.trim()}`)),
    );
  });
}
