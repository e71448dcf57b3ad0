import type { CommandDocument } from "#api/command-document";
import { openStates, type CommandState } from "#shared/command-states";

/** Whether a command is in a state that it leaves again. */
export function isUnfinished({ state }: CommandDocument): boolean {
  return openStates.some((open) => open === state);
}

/** What a state is called, and the colour it has. */
export const stateLooks: Readonly<
  Record<CommandState, { label: string; tone: "wait" | "busy" | "good" | "bad" | "dull" }>
> = {
  queued: { label: "Queued", tone: "wait" },
  accepted: { label: "Accepted", tone: "busy" },
  running: { label: "Running", tone: "busy" },
  succeeded: { label: "Succeeded", tone: "good" },
  failed: { label: "Failed", tone: "bad" },
  interrupted: { label: "Interrupted", tone: "bad" },
  rejected: { label: "Rejected", tone: "bad" },
  expired: { label: "Expired", tone: "dull" },
  cancelled: { label: "Cancelled", tone: "dull" },
  timed_out: { label: "Timed out", tone: "bad" },
};

/**
 * Whether `incoming` is at least as new as `known`. An answer to a fetch may have been made before an event that
 * arrived first: a closed command never opens again, and its timeline never shrinks. The whole is not given up for a short form.
 */
export function supersedes(incoming: CommandDocument, known: CommandDocument): boolean {
  if (isUnfinished(incoming) !== isUnfinished(known)) return isUnfinished(known);
  const [steps, before] = [incoming, known].map(({ steps, timeline }) => steps ?? timeline?.length ?? 0) as [
    number,
    number,
  ];
  if (steps === before && incoming.brief) return known.brief === true;
  return steps >= before;
}

/** Commands that stop something or throw something away, and what they do, for the question before they are sent. */
const consequences: Readonly<Record<string, string>> = {
  shutdown: "The agent stops and stays off until somebody starts it again on the machine itself.",
  restart: "The agent stops and starts again. Samples are kept; commands that are running may be interrupted.",
  reboot: "The whole machine goes down and comes up again, with everything that runs on it.",
  "clear-outbox": "Samples that the store has not taken yet are thrown away for good.",
};

/** What to warn of before `key` is sent, or undefined where nothing needs a second thought. */
export function consequenceOf(key: string): string | undefined {
  return Object.hasOwn(consequences, key) ? consequences[key] : undefined;
}
