import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

interface Listed<T> {
  readonly items: ReadonlySignal<readonly T[] | undefined>;
  readonly problem: ReadonlySignal<string | undefined>;
  /** Does something, then reads the list anew. @returns whether that went well */
  readonly attempt: (act: () => Promise<unknown>) => Promise<boolean>;
}

/** A list that is read when its page is opened, and after everything that changes it. */
export function useListed<T>(read: () => Promise<readonly T[]>): Listed<T> {
  const items = useSignal<readonly T[] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const attempt = async (act: () => Promise<unknown>): Promise<boolean> => {
    try {
      await act();
      items.value = await read();
      problem.value = undefined;
      return true;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
      return false;
    }
  };
  useEffect(() => void attempt(async () => {}), []);
  return { items, problem, attempt };
}
