/** How a command is sent, and by which of the three promises its handler goes. */
export const ways = ["call", "patient", "queued", "brief", "typed-task", "typed-short"] as const;
export type Way = (typeof ways)[number];
export const keys = ["once", "rerun", "verify"] as const;
export type Key = (typeof keys)[number];
