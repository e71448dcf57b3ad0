import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Tracked } from "../state/fleet-state.ts";
import type { SettingsPanel } from "./settings-panel.tsx";

const loaded = signal<typeof SettingsPanel | undefined>(undefined);

/** Settings from afar, whose code is fetched when the first device is looked at that takes some. */
export function LaterSettings({ tracked }: { tracked: Tracked }): JSX.Element | null {
  const takesSome = Object.hasOwn(tracked.presence.value.commands ?? {}, "configure");
  useEffect(() => {
    // Without it the rest of the page stands; with the next look it is tried again.
    if (takesSome && !loaded.peek())
      void import("./settings-panel.tsx").then(
        (code) => (loaded.value = code.SettingsPanel),
        () => {},
      );
  }, [takesSome]);
  const Shown = loaded.value;
  return takesSome && Shown ? <Shown tracked={tracked} /> : null;
}
