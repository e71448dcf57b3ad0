import { BadInputError } from "#shared/errors";
import type { MetricsQuery } from "./store.ts";

/** Points of one answer at most, in all its series together: half a megabyte, and 10 ms to write out. A longer range needs a larger `every`. */
export const maxPoints = 20_000;

/** There is more than one answer may have: a shorter range may do. */
export class TooManyPointsError extends BadInputError {}

export function tooManyPoints({ from, to, every }: Pick<MetricsQuery, "from" | "to" | "every">): TooManyPointsError {
  const means = Math.max(1_000, Math.ceil((to - from) / maxPoints / 1_000) * 1_000);
  const instead = every > 0 ? "a larger every, or one series by its own" : `means, such as every=${means / 1_000}s`;
  return new TooManyPointsError(`there are more than ${maxPoints} points: ask for a shorter range, or ${instead}`);
}
