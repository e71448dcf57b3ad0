import type { Columns } from "../to-columns.ts";
import type { AckRange } from "./record.ts";

/** Batches in the order of their numbers that wait for the console's ack: on the disk, or in memory. */
export interface BatchQueue {
  /** Names its numbers: acks for another one's batches change nothing here. */
  readonly id: string;
  /** Batches that wait, and the bytes of their payloads. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Wall clock (epoch ms) of the oldest batch that waits. */
  readonly oldest: number | undefined;
  /** Numbers and keeps a batch. @returns false, and nothing was done, when it is too large for one message */
  append(columns: Columns): boolean;
  /** The first batch after `seq` that waits and may be sent. */
  after(seq: number): number | undefined;
  /** Whether this batch waits. */
  has(seq: number): boolean;
  /**
   * The message as it goes out now; undefined when it does not wait, or cannot be read.
   * @param names how many of the known names the console has; 0, the default, where none need be in its list
   */
  read(seq: number, names?: number): Buffer | undefined;
  /**
   * Lets go of what the store has; numbers that are not here change nothing.
   * @param run whose numbers these are; undefined where the console did not say
   * @returns how many batches left
   */
  ack(ranges: readonly AckRange[], run?: string): number;
  /** Throws everything away, and tells it as a gap. @returns how many batches were lost by it */
  clear(why: string): number;
}
