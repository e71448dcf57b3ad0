import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Tracked } from "../state/fleet-state.ts";
import { unitOf } from "../format/units.ts";
import { Chart } from "./chart.tsx";
import { maxOwnPanels, panelsOf } from "./own-panels.ts";
import { defaultRange, ranges, type RangeName } from "./time-ranges.ts";

/** Milliseconds that a state holds where nobody knows how often its device speaks. */
const holdByDefault = 600_000;
/** Samples that an agent may leave out before its states are over. */
const samplesLeftOut = 6;

/** All charts of a device, of one range of time. */
export function Charts({ tracked }: { tracked: Tracked }): JSX.Element {
  const { id: device, agent, interval } = tracked.presence.value;
  const chosen = useSignal<RangeName>(defaultRange);
  const own = useSignal(0);
  const { span } = ranges.find((range) => range.name === chosen.value) ?? ranges[1];
  const {
    shown,
    own: charted,
    more,
  } = panelsOf(tracked.latest.value, { unitOf, hasAgent: Boolean(agent), own: own.value });
  const newest = () => ({
    pairs: [...tracked.latest.peek().values()],
    hold: interval ? interval * samplesLeftOut : holdByDefault,
  });
  return (
    <section aria-labelledby="charts-title">
      <div class="section-head">
        <h2 id="charts-title">Charts</h2>
        <div class="segments" role="group" aria-label="Time range">
          {ranges.map(({ name }) => (
            <button
              key={name}
              type="button"
              aria-pressed={chosen.value === name}
              data-testid={`range-${name}`}
              onClick={() => (chosen.value = name)}
            >
              {name}
            </button>
          ))}
        </div>
      </div>
      {shown.length === 0 && <p class="hint">It has sent no values yet. Charts appear with them.</p>}
      <div class="charts">
        {shown.map((panel) => (
          <Chart key={`${panel.key ?? panel.id} ${span}`} device={device} panel={panel} span={span} newest={newest} />
        ))}
      </div>
      {more > 0 && (
        <button
          type="button"
          class="button more-charts"
          data-testid="more-charts"
          onClick={() => (own.value = charted + maxOwnPanels)}
        >
          Show more of what it measures: {more} charts
        </button>
      )}
    </section>
  );
}
