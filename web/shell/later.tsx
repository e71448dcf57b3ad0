import { signal } from "@preact/signals";
import type { ComponentType, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t, word } from "../language/text.ts";

/**
 * A part of the page whose code is fetched when it is first shown.
 * @param what its name in the sentence that says that it cannot be loaded: "The charts"
 */
export function later<P extends object>(what: string, load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const loaded = signal<{ readonly part: ComponentType<P> } | "failed" | undefined>(undefined);
  const fetchPart = async (): Promise<void> => {
    try {
      loaded.value = { part: await load() };
    } catch {
      loaded.value = "failed";
    }
  };
  return function Later(props: P): JSX.Element {
    useEffect(() => {
      if (typeof loaded.peek() !== "object") void fetchPart();
    }, []);
    const state = loaded.value;
    if (state === "failed")
      return (
        <p class="hint bad">
          {t("{what} cannot be loaded: the console is away, or another version by now. Load the page again.", {
            what: word(what),
          })}
        </p>
      );
    if (state === undefined) return <div aria-busy="true" />;
    const Part = state.part;
    return <Part {...props} />;
  };
}
