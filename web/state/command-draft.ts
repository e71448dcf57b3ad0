import { signal } from "@preact/signals";
import type { CommandDocument } from "#api/command-document";
import type { Json } from "#shared/messages/payload-schema";

/** What the form for a command is filled with: it is sent by whoever sends the form, under an id of its own. */
export interface CommandDraft {
  readonly device: string;
  readonly key: string;
  readonly args: Readonly<Record<string, Json>>;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly ttl?: number | undefined;
}

/** The newest; each is another one. */
export const commandDraft = signal<CommandDraft | undefined>(undefined);

/** A command of before as it was asked for: its own timeout and lifetime, and not the moments that came of them. */
export function draftOf({ device, key, args, timeout, expires, ts }: CommandDocument): CommandDraft {
  return {
    device,
    key,
    args: args ?? {},
    ...(timeout === null ? {} : { timeout }),
    ...(expires === null ? {} : { ttl: expires - ts }),
  };
}
