/** Where an agent can be made to die on a sample's way. */
export const agentPoints = [
  "outbox.append",
  "outbox.appended",
  "batch.send",
  "batch.sent",
  "ack.received",
  "ack.taken",
] as const;

/** Where the console's process can be made to die on a sample's way. */
export const serverPoints = ["batch.received", "store.write", "store.written", "ack.publish", "ack.published"] as const;

export type MetricsPoint = (typeof agentPoints)[number] | (typeof serverPoints)[number];
