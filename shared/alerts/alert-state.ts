/** Where a rule stands for one series of one device. Moments are epoch ms, by the samples. One object stands for as long as nothing changes. */
export type AlertState =
  | { readonly phase: "normal" }
  | { readonly phase: "pending"; readonly since: number }
  /** `since`: from when the condition held; `fired`: when it had held for its time. */
  | { readonly phase: "firing"; readonly since: number; readonly fired: number };

export const normal: AlertState = { phase: "normal" };

/** What of a rule concerns time, in ms. */
export interface AlertTiming {
  /** For how long the condition has to hold. */
  readonly hold: number;
  /** How far apart two samples may be to say something of the time between: beyond it nobody knows whether the condition held. */
  readonly gap: number;
}

/**
 * What one more sample makes of a state. The state itself where nothing has changed.
 * @param at the sample's own time, later than that of the one before
 * @param previous the time of the one before; -Infinity where there was none, or something between is not here yet
 * @param holds of a state that fires whether it goes on, of others whether the condition holds; undefined where the sample does not tell
 */
export function advance(
  state: AlertState,
  { hold, gap }: AlertTiming,
  at: number,
  previous: number,
  holds: boolean | undefined,
): AlertState {
  if (holds === undefined) return state;
  if (!holds) return normal;
  if (state.phase === "firing") return state;
  // Where a clock was put back, it began in the future.
  const isNew = state.phase === "normal" || at - previous > gap || at < state.since;
  const since = isNew ? at : state.since;
  if (at - since >= hold) return { phase: "firing", since, fired: at };
  return state.phase === "pending" && state.since === since ? state : { phase: "pending", since };
}
