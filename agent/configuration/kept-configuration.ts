import { join } from "node:path";
import * as z from "zod/mini";
import { changesReach, configurationHash, type Configuration } from "#shared/configuration";
import { asError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { check, count } from "#shared/messages/payload-schema";
import { moveAside } from "#disk/aside";
import { systemDisk, type Disk } from "#disk/calls";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";

const one = z.object({ version: count, values: z.record(z.string(), z.string()) });
const tried = z.extend(one, { command: z.string() });
const schema = z.object({
  v: z.literal(1),
  /** What holds; where it is missing, the machine's own settings alone. */
  current: z.optional(one),
  /** What is being tried, and how often a run of the agent has begun with it. */
  trial: z.optional(z.extend(tried, { runs: count })),
  /** What was tried last and did not hold. */
  failed: z.optional(z.extend(tried, { why: z.string() })),
});
type Kept = z.output<typeof schema>;
export type Versioned = z.output<typeof one>;

/** Runs of the agent that may end while they try settings: power cuts come, but these take the agent down each time. */
export const maxTrialRuns = 3;
/** Characters of why settings did not hold. */
const maxWhyLength = 500;

export interface KeptConfigurationOptions {
  /** The agent's; without it, what was changed lives as long as the process. */
  readonly directory: string | undefined;
  readonly log: Log;
  readonly disk?: Disk;
}

/**
 * The settings that were changed from the console, in one file that is replaced as a whole:
 *
 * ```text
 * current ── taken ──► current, trial ──┬─ holds ───────────► current (the trial's)
 *                                       └─ does not ────────► current (as before), failed with the reason
 * ```
 *
 * Wherever a kill or a power cut comes between, the next run finds a trial that it goes on with, or none.
 */
export class KeptConfiguration {
  readonly #options: KeptConfigurationOptions;
  readonly #path: string | undefined;
  #kept: Kept;

  /** Reads what is kept. A damaged file is put aside: then the machine's own settings hold, and the console sends its again. */
  constructor(options: KeptConfigurationOptions) {
    this.#options = options;
    this.#path = options.directory === undefined ? undefined : join(options.directory, "configuration.json");
    this.#kept = this.#path === undefined ? { v: 1 } : this.#read(this.#path);
  }

  get current(): Versioned | undefined {
    return this.#kept.current;
  }

  get trial(): Kept["trial"] {
    return this.#kept.trial;
  }

  get failed(): Kept["failed"] {
    return this.#kept.failed;
  }

  /** What the next run is to work by. */
  get inForce(): Configuration {
    return (this.#kept.trial ?? this.#kept.current)?.values ?? {};
  }

  /** Whether what is tried may cut the agent off. */
  get isRisky(): boolean {
    const { trial, current } = this.#kept;
    return trial !== undefined && changesReach(current?.values ?? {}, trial.values);
  }

  /** To be tried by the next run. @throws the system's error where it cannot be kept: nothing has changed */
  take(next: Versioned, command: string): void {
    const { current } = this.#kept;
    this.#write({ v: 1, current, trial: { ...next, command, runs: 0 } });
  }

  /** The same settings under another number. @throws the system's error */
  renumber(version: number): void {
    const { current } = this.#kept;
    if (current) this.#write({ ...this.#kept, current: { ...current, version } });
  }

  /** A run begins with what is {@link inForce}. What has ended so many runs is not tried again. @throws the system's error */
  begin(): void {
    const { trial } = this.#kept;
    if (!trial) return;
    if (trial.runs >= maxTrialRuns) return this.rollBack(`the agent has ended ${trial.runs} times while it tried them`);
    this.#write({ ...this.#kept, trial: { ...trial, runs: trial.runs + 1 } });
  }

  /** What was tried holds from now on. @throws the system's error */
  confirm(): void {
    const { trial } = this.#kept;
    if (trial) this.#write({ v: 1, current: { version: trial.version, values: trial.values } });
  }

  /** What was tried does not hold: what was before does. @throws the system's error */
  rollBack(why: string): void {
    const { trial, current } = this.#kept;
    if (!trial) return;
    const { version, values, command } = trial;
    this.#write({ v: 1, current, failed: { version, values, command, why: why.slice(0, maxWhyLength) } });
  }

  #write(kept: Kept): void {
    if (this.#path !== undefined) {
      const { disk = systemDisk } = this.#options;
      makeDirectory(join(this.#path, ".."), undefined, disk);
      replaceFile(this.#path, `${JSON.stringify(kept)}\n`, disk);
    }
    this.#kept = kept;
  }

  #read(path: string): Kept {
    const { log, disk = systemDisk } = this.#options;
    try {
      return parseConfiguration(readRegularFile(path, maxSmallFileBytes));
    } catch (thrown) {
      if (errorCode(thrown) === "ENOENT") return { v: 1 };
      log.warn(
        { path, err: asError(thrown) },
        "the settings from the console do not read: the machine's own hold until the console sends them again",
      );
      try {
        if (errorCode(thrown) === undefined) moveAside(path, `${path}.damaged`, disk);
      } catch (err) {
        log.warn({ path, err: asError(err) }, "they could not be put aside");
      }
      return { v: 1 };
    }
  }
}

/** @throws Error for what does not read */
export function parseConfiguration(bytes: Buffer): Kept {
  return check(schema, JSON.parse(bytes.toString("utf8")), "configuration.json");
}

/** What is told of some: their number, and by what they are told apart. */
export function markOf({ version, values }: Versioned): { version: number; hash: string } {
  return { version, hash: configurationHash(values) };
}
