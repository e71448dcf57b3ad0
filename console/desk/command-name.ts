import type { Command } from "./command.ts";

/** What names a command: an id is one device's, and another device's command may have the same. */
export type CommandName = Pick<Command, "device" | "id">;

/** A command's name as one text. Neither part can hold a slash. */
export function nameOf({ device, id }: CommandName): string {
  return `${device}/${id}`;
}

/** What a command's row is called among those that wait for the disk. */
export function rowName(name: CommandName): string {
  return `command ${nameOf(name)}`;
}
