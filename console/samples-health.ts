import { counted } from "#shared/counted";
import type { ClockVerdict } from "./clock/clock-doubt.ts";
import type { SpoolState } from "./ingest/spool/spool.ts";
import type { StoreHealth } from "./store/store.ts";

/** Whether samples are stored and acknowledged right now, and if not, why; and what waits for the store on the console's disk. */
export interface SamplesHealth extends StoreHealth {
  /** Where samples are until then, as a sentence; undefined when ok. */
  readonly meanwhile?: string;
  /** What is wrong with the clock by which samples are placed although they are taken, as a sentence. */
  readonly clock?: string;
  /** What waits for a store that takes less than comes, as a sentence; it takes samples all the same. */
  readonly overload?: string;
  readonly spool: SpoolState;
}

/** All that it hangs on. */
export interface SamplesHealthOf {
  readonly clock: ClockVerdict;
  /** What the files and the ledger of batches say of themselves, as a sentence. */
  readonly problem: string | undefined;
  readonly store: StoreHealth;
  /** What a wrong clock has placed in the future, as a sentence. */
  readonly future: string | undefined;
  readonly overload: string | undefined;
  readonly spool: SpoolState;
}

/** A clock that stands before what was already stops everything; one that is only ahead does not. */
export function samplesHealth({
  clock: verdict,
  problem,
  store,
  future,
  overload,
  spool,
}: SamplesHealthOf): SamplesHealth {
  if (verdict.state === "behind") return { ok: false, problem: verdict.why, meanwhile: whileClockIsWrong, spool };
  const health = problem === undefined ? store : { ok: false, problem };
  const clock = verdict.state === "ahead" && verdict.notable ? verdict.why : future;
  return {
    ...health,
    ...(health.ok ? {} : { meanwhile: whileStoreIsAway(spool) }),
    ...(clock === undefined ? {} : { clock }),
    ...(health.ok && overload !== undefined ? { overload } : {}),
    spool,
  };
}

const whileClockIsWrong =
  "Agents keep their samples on their own disks until then; other senders are told that theirs were not taken.";

function whileStoreIsAway({ rows, bytes, problem }: SpoolState): string {
  const spooled = `${counted(rows, "message")} of other senders (${Math.ceil(bytes / 1024)} KiB) ${rows === 1 ? "waits" : "wait"} on the console's disk`;
  return `Agents keep their samples on their own disks; ${spooled}. All of it is stored when the store is back.${problem === undefined ? "" : ` But ${problem}.`}`;
}
