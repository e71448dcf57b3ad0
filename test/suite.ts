import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite as uvuSuite } from "uvu";

/**
 * The house suite over uvu, which by itself swallows a throwing `before`, lets a forgotten `.run()` pass, and
 * waits for ever. Here a suite runs itself, each test has a deadline, and what a test opens it closes.
 */
export interface Scope {
  /** Runs `undo` after the test (or, given by `before`, after the suite), in reverse order of acquiring. */
  readonly cleanup: (undo: () => unknown) => void;
  /** An empty directory of its own, removed afterwards. */
  readonly directory: () => Promise<string>;
}

type Body = (scope: Scope) => unknown;

export interface Suite {
  readonly test: (name: string, body: Body, options?: { seconds?: number }) => void;
  /** Runs once before the first test; when it throws, every test of the suite fails with its error. */
  readonly before: (body: Body) => void;
}

/** What the whole run counted, for its closing line and the check that every file registered tests. */
export const tally = { passed: 0, failed: 0, suites: 0 };

/** What test files share is closed when there are no more of them in this process. */
const lasting: (() => unknown)[] = [];

export function untilTheEnd(undo: () => unknown): void {
  lasting.push(undo);
}

/** Closes what test files have shared. */
export async function closeShared(): Promise<void> {
  for (const undo of lasting.splice(0).toReversed()) await undo();
}

const defaultDeadlineSeconds = 20;
/** A deadline ends what hangs, and is no measurement: a machine that is busy with other things needs several times as long. */
const busy = 3;

export function suite(name: string, define: (suite: Suite) => void): void {
  const inner = uvuSuite(name);
  const befores: Body[] = [];
  const outer = new Releasers();
  let prepared: Promise<void> | undefined;
  let registered = 0;
  tally.suites += 1;

  const prepare = async (): Promise<void> => {
    for (const body of befores) await withDeadline(body(outer), defaultDeadlineSeconds * busy, `before of "${name}"`);
  };

  define({
    before(body) {
      befores.push(body);
    },
    test(title, body, { seconds = defaultDeadlineSeconds } = {}) {
      registered += 1;
      inner(title, async () => {
        const releasers = new Releasers();
        try {
          await (prepared ??= prepare());
          await withDeadline(body(releasers), seconds * busy, `"${name}: ${title}"`);
          await releasers.release();
          tally.passed += 1;
        } catch (error) {
          tally.failed += 1;
          await releasers.release();
          throw readable(error);
        }
      });
    },
  });
  inner.after(() => outer.release());
  if (registered === 0) throw new Error(`suite "${name}" has no tests`);
  inner.run();
}

/** uvu takes `details` for a text of its own assertions, and prints nothing of an error where it is something else. */
function readable(error: unknown): unknown {
  if (!(error instanceof Error) || !("details" in error) || typeof error.details === "string") return error;
  const plain = new Error(`${error.name}: ${error.message}\n${JSON.stringify(error.details, undefined, 2)}`);
  plain.stack = error.stack ?? plain.stack ?? "";
  return plain;
}

class Releasers implements Scope {
  readonly #undo: (() => unknown)[] = [];

  readonly cleanup = (undo: () => unknown): void => {
    this.#undo.push(undo);
  };

  readonly directory = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), "t-"));
    this.cleanup(() => rm(path, { recursive: true, force: true }));
    return path;
  };

  async release(): Promise<void> {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) {
      await withDeadline(undo(), defaultDeadlineSeconds * busy, "a cleanup");
    }
  }
}

/** Awaits `work`, for at most `seconds`. @throws Error naming `what` ran out of time */
export async function withDeadline<T>(work: T | Promise<T>, seconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${seconds} s`)), seconds * 1_000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits until `probe` gives something other than undefined, null or false. For the outsides of other programs only,
 * which have no event to await. @throws Error with `what` and the last error
 */
export async function eventually<T>(what: string, probe: () => T | Promise<T>, seconds = 30): Promise<NonNullable<T>> {
  const end = performance.now() + seconds * 1_000;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited ${seconds} s for ${what}; last: ${last instanceof Error ? last.message : String(last)}`);
}
