/** Where a command is in its life; all but the first three are final. */
export const commandStates = [
  "queued",
  "accepted",
  "running",
  "succeeded",
  "failed",
  "interrupted",
  "rejected",
  "expired",
  "cancelled",
  "timed_out",
] as const;
export type CommandState = (typeof commandStates)[number];

export const openStates = ["queued", "accepted", "running"] as const satisfies readonly CommandState[];
