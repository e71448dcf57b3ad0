import { signal } from "@preact/signals";
import type { CommandDocument } from "#api/command-document";
import { supersedes } from "../commands/states.ts";

/** Known commands of all devices, by device and id: an id is one device's own. */
export const knownCommands = signal<ReadonlyMap<string, CommandDocument>>(new Map());

/** The ids are sortable by time, but a hand-typed one is not: hence the moment first. */
const newestFirst = (a: CommandDocument, b: CommandDocument): number => b.ts - a.ts || (a.id < b.id ? 1 : -1);

const nameOf = ({ device, id }: CommandDocument): string => `${device}/${id}`;

/** More than any list shows; keeps a page that stays open for weeks small. */
const kept = 500;

export function takeCommands(taken: readonly CommandDocument[]): void {
  const next = new Map(knownCommands.peek());
  for (const command of taken) {
    const known = next.get(nameOf(command));
    if (!known || supersedes(command, known)) next.set(nameOf(command), command);
  }
  const surplus = next.size - kept;
  if (surplus > 0)
    for (const command of [...next.values()].sort(newestFirst).slice(-surplus)) next.delete(nameOf(command));
  knownCommands.value = next;
}

/** Newest first; of one device, or of all. */
export function listCommands(device?: string): readonly CommandDocument[] {
  const all = [...knownCommands.value.values()];
  return (device === undefined ? all : all.filter((command) => command.device === device)).sort(newestFirst);
}

export function forgetCommands(): void {
  knownCommands.value = new Map();
}
