import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { fleetKnown, rowOf, rowsVersion } from "../state/fleet-rows.ts";
import type { Tracked } from "../state/fleet-state.ts";
import { Chart } from "./chart.tsx";
import { maxOwnPanels, panelsOf } from "./own-panels.ts";
import { fixed, viewQuery, viewOf, type ChartView } from "./chart-view.ts";
import { CompareControls } from "./compare-controls.tsx";
import { comparisonOf, withComparison, type ChartComparison } from "./comparison.ts";
import { useOccasions } from "./device-occasions.ts";
import { useSeries } from "./stored-series.ts";
import { Moment, TimeControls } from "./time-controls.tsx";
import { t } from "../language/text.ts";

/** Samples that an agent may leave out before its states are over. */
const samplesLeftOut = 6;

/** All charts of a device, of one time. The address says which, so that it can be passed on. */
export function Charts({ tracked }: { tracked: Tracked }): JSX.Element {
  const { id: device, agent, interval } = tracked.presence.value;
  const view = useSignal(viewOf(location.search));
  const comparison = useSignal(comparisonOf(location.search));
  // Known once the fleet is; of what comes and goes only that is drawn anew.
  const isUnknown = useComputed(() => {
    const { beside } = comparison.value;
    return beside !== undefined && fleetKnown.value && rowsVersion.value >= 0 && rowOf(beside) === undefined;
  });
  const compared = isUnknown.value ? { ...comparison.value, beside: undefined } : comparison.value;
  const own = useSignal(0);
  const moment = useSignal<number | undefined>(undefined);
  const occasions = useOccasions(tracked, view.value);
  const {
    shown,
    own: charted,
    more,
  } = panelsOf(useSeries(device, view.value, tracked.latest.value), {
    looks: tracked.looks.value,
    hasAgent: Boolean(agent),
    own: own.value,
  });
  const newest = () => ({
    pairs: [...tracked.latest.peek().values()],
    hold: interval ? interval * samplesLeftOut : tracked.silentAfter.peek(),
  });
  const look = (next: ChartView, beside: ChartComparison = comparison.peek()): void => {
    view.value = next;
    comparison.value = beside;
    moment.value = undefined;
    history.replaceState(history.state, "", `${location.pathname}${withComparison(viewQuery(next), beside)}`);
  };
  const { span, to } = view.value;
  return (
    <section aria-labelledby="charts-title">
      <div class="section-head">
        <h2 id="charts-title">{t("Charts")}</h2>
        <CompareControls
          comparison={comparison.value}
          isUnknown={isUnknown.value}
          onCompare={(next) => look(view.peek(), next)}
        />
        <TimeControls view={view.value} onView={look} />
      </div>
      <Moment view={view.value} moment={moment.value} occasions={occasions} />
      {shown.length === 0 && (
        <p class="hint">
          {view.value.to === undefined
            ? t("It has sent no values yet. Charts appear with them.")
            : t("Nothing that it sent in this time is stored.")}
        </p>
      )}
      <div class="charts">
        {shown.map((panel) => (
          <Chart
            key={`${panel.key ?? panel.id} ${span} ${to ?? ""} ${withComparison("", compared)}`}
            device={device}
            panel={panel}
            view={view.value}
            comparison={compared}
            occasions={occasions}
            newest={newest}
            onMoment={(ts) => (moment.value = ts)}
            onSelect={(from, end) => look(fixed(from, end))}
          />
        ))}
      </div>
      {more > 0 && (
        <button
          type="button"
          class="button more-charts"
          data-testid="more-charts"
          onClick={() => (own.value = charted + maxOwnPanels)}
        >
          {t("Show more of what it measures: {count} chart|Show more of what it measures: {count} charts", {
            count: more,
          })}
        </button>
      )}
    </section>
  );
}
