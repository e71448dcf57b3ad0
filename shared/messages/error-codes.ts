import type { Failure } from "#shared/messages/command-messages";

/**
 * Every code that Muster itself puts into a command's `error.code`, with the states it stands in. Handlers have codes of their own besides.
 * What each means stands in docs/protocol.md; a test compares the two.
 */
export const errorCodes = {
  "bad-input": ["rejected"],
  "unknown-command": ["rejected"],
  "bad-arguments": ["rejected"],
  "id-taken": ["rejected"],
  "no-room": ["rejected"],
  quarantined: ["rejected"],
  unsigned: ["rejected"],
  "unknown-signer": ["rejected"],
  "bad-signature": ["rejected"],
  "signature-time": ["rejected"],
  "signature-expired": ["rejected"],
  replayed: ["rejected"],
  expired: ["expired"],
  cancelled: ["cancelled"],
  removed: ["cancelled"],
  "not-kept": ["cancelled"],
  timeout: ["failed", "timed_out"],
  "agent-stopped": ["interrupted"],
  "begun-elsewhere": ["interrupted"],
  restored: ["interrupted"],
  "ledger-damaged": ["interrupted"],
  "ledger-lost": ["interrupted"],
  error: ["failed"],
  "too-deep": ["failed"],
  "not-exact": ["failed"],
  exit: ["failed"],
  signal: ["failed"],
  aborted: ["failed"],
  spawn: ["failed"],
  interrupted: ["failed"],
  "bad-settings": ["failed"],
  "rolled-back": ["failed"],
  "not-restarted": ["failed"],
  "not-rebooted": ["failed"],
  "no-release": ["failed"],
  downgrade: ["failed"],
  "not-updated": ["failed"],
  "not-proven": ["failed"],
  damaged: ["failed"],
  "not-allowed": ["failed"],
  "not-there": ["failed"],
  "not-a-file": ["failed"],
  "no-permission": ["failed"],
  exists: ["failed"],
  executable: ["failed"],
  changed: ["failed"],
  "too-large": ["failed"],
  "no-space": ["failed"],
  "no-transfer": ["failed"],
  "no-upload": ["failed"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ErrorCode = keyof typeof errorCodes;

/** What Muster itself says of a command that went wrong. */
export type OwnFailure = Failure & { readonly code: ErrorCode };
