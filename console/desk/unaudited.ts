import type { Command } from "./command.ts";

/** How what becomes of commands is written down beside their rows: each calls `write` once, and both last or neither. */
export interface CommandAudit {
  /** @param from where the order came from @throws what `write` throws, and where it cannot be written down */
  sent(command: Command, from: string | undefined, write: () => void): void;
  ended(command: Command, write: () => void): void;
}

/** For a desk whose commands nobody writes down. */
export const unaudited: CommandAudit = {
  sent: (_command, _from, write) => write(),
  ended: (_command, write) => write(),
};
