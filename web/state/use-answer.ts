import { useComputed, useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useNewest } from "./newest.ts";

interface Attempts {
  /** Why the newest was refused, as a sentence. */
  readonly problem: Signal<string | undefined>;
  /** Does something that may be refused. @returns whether it was done */
  readonly attempt: (act: (isNewest: () => boolean) => Promise<unknown>) => Promise<boolean>;
}

/** @param newestOnly whether of two that are under way what becomes of the later one alone is told, as where it takes the place of the earlier one */
export function useAttempt({ newestOnly = false } = {}): Attempts {
  const problem = useSignal<string | undefined>(undefined);
  const newest = useNewest();
  const attempt = async (act: (isNewest: () => boolean) => Promise<unknown>): Promise<boolean> => {
    const isNewest = newest.begin();
    problem.value = undefined;
    try {
      await act(isNewest);
      return true;
    } catch (error) {
      if (!newestOnly || isNewest()) problem.value = sentenceOf(error);
      return false;
    }
  };
  return { problem, attempt };
}

interface Answer<T> {
  readonly answer: Signal<T | undefined>;
  /** What is wrong, as a sentence: why something was not done, or else why nothing was read. */
  readonly problem: ReadonlySignal<string | undefined>;
  /** Asks anew. */
  readonly look: () => Promise<void>;
  /** Does something, then asks anew; where it is refused, nothing is asked. @returns whether it was done */
  readonly attempt: (act: () => Promise<unknown>) => Promise<boolean>;
}

/** What the console answers to a question that is asked more than once: at first, with each change of `inputs`, and after everything that is done. The newest question wins. */
export function useAnswer<T>(ask: () => Promise<T>, inputs: readonly unknown[] = []): Answer<T> {
  const answer = useSignal<T | undefined>(undefined);
  const unread = useSignal<string | undefined>(undefined);
  const { problem: refused, attempt: doIt } = useAttempt();
  const newest = useNewest();
  const look = async (): Promise<void> => {
    const isNewest = newest.begin();
    try {
      const read = await ask();
      if (!isNewest()) return;
      answer.value = read;
      unread.value = undefined;
    } catch (error) {
      if (isNewest()) unread.value = sentenceOf(error);
    }
  };
  const attempt = async (act: () => Promise<unknown>): Promise<boolean> => {
    const done = await doIt(act);
    if (done) await look();
    return done;
  };
  useEffect(() => void look(), inputs);
  return { answer, problem: useComputed(() => refused.value ?? unread.value), look, attempt };
}

/**
 * For a form that is sent once: what is pressed again while the answer is on its way is nothing.
 * @returns whether something is on its way, and what sends
 */
export function useOnce(): readonly [busy: boolean, once: (act: () => Promise<unknown>) => void] {
  const busy = useSignal(false);
  const once = (act: () => Promise<unknown>): void => {
    if (busy.peek()) return;
    busy.value = true;
    void act().finally(() => (busy.value = false));
  };
  return [busy.value, once];
}

export const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
