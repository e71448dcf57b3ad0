import { decode, encode } from "#shared/codec";
import { BadInputError } from "#shared/errors";

export interface Signed {
  /** The id in the topic, which is the command's. */
  readonly id: string;
  /** The user who publishes. */
  readonly by: string;
  /** The present moment, milliseconds since 1970-01-01 UTC. */
  readonly ts: number;
}

/**
 * A hand-typed task as its device may see it: with the true name of who published it and the topic's id, whatever was typed. Its other
 * fields and its encoding stay. A bare word names nobody and is left alone, and so is what does not read: its device takes it for
 * no task either.
 */
export function signed(payload: Buffer, { id, by, ts }: Signed): Buffer {
  let task: Record<string, unknown>;
  try {
    const { encoding, value } = decode(payload);
    if (encoding === "word" || typeof value !== "object" || value === null || Array.isArray(value)) return payload;
    task = value as Record<string, unknown>;
    return encode({ ...task, by, ...("id" in task ? { id } : {}), ...("ts" in task ? { ts } : {}) }, encoding);
  } catch (thrown) {
    if (thrown instanceof BadInputError) return payload;
    throw thrown;
  }
}
