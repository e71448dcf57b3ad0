import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Charts } from "./charts.tsx";
import type { Tracked } from "../state/fleet-state.ts";
import { t } from "../language/text.ts";

const loaded = signal<typeof Charts | "failed" | undefined>(undefined);

async function load(): Promise<void> {
  try {
    loaded.value = (await import("./charts.tsx")).Charts;
  } catch {
    loaded.value = "failed";
  }
}

/** The charts, whose code is fetched when the first device is looked at: it is a third of the page. */
export function LaterCharts({ tracked, ready }: { tracked: Tracked; ready: boolean }): JSX.Element {
  useEffect(() => {
    if (typeof loaded.peek() !== "function") void load();
  }, []);
  const Shown = loaded.value;
  if (Shown === "failed")
    return (
      <p class="hint bad">
        {t("The charts cannot be loaded: the console is away, or another version by now. Load the page again.")}
      </p>
    );
  return ready && Shown ? <Shown tracked={tracked} /> : <div class="charts-wait" aria-busy="true" />;
}
