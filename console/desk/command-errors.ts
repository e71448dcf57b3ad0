import type { Args } from "#shared/messages/command-messages";
import type { Command } from "./command.ts";

/** Why the desk did not take a command. */
export type RefusalReason =
  | "unknown-device"
  | "retired"
  | "offline"
  | "unknown-key"
  | "bad-arguments"
  | "id-taken"
  | "too-many"
  | "unsigned";

/** What the caller asked for, before there is a command. */
export interface RefusedCommand {
  readonly device: string;
  readonly key: string;
  readonly args?: Args | undefined;
}

/** The desk did not take the command: nothing was sent. "Offline" is told here, and is not "no reply". */
export class CommandRefusedError extends Error {
  override readonly name = "CommandRefusedError" as const;
  readonly details: { readonly command: RefusedCommand };
  constructor(
    readonly reason: RefusalReason,
    message: string,
    command: RefusedCommand,
  ) {
    super(message);
    this.details = { command };
  }
}

/** The caller's time ran out before the final reply. A call is withdrawn by it; a queued task goes on waiting. */
export class CommandTimeoutError extends Error {
  override readonly name = "CommandTimeoutError" as const;
  readonly details: { readonly command: Command };
  constructor(command: Command, waited: number) {
    super(
      `no final reply from ${command.device} to "${command.key}" (${command.id}) within ${waited} ms; it is ${command.state}`,
    );
    this.details = { command };
  }
}

/** The command ended, but did not succeed. */
export class CommandFailedError extends Error {
  override readonly name = "CommandFailedError" as const;
  readonly details: { readonly command: Command };
  constructor(command: Command) {
    super(`"${command.key}" on ${command.device} ${command.state}: ${command.error?.message ?? "no reason given"}`);
    this.details = { command };
  }
}
