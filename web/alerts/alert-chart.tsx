import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { Chart } from "../charts/chart.tsx";
import type { ChartView } from "../charts/chart-view.ts";
import type { Occasion } from "../charts/occasions.ts";
import type { Panel } from "../charts/panels.ts";

interface AlertChartProps {
  readonly device: string;
  readonly panel: Panel;
  readonly view: ChartView;
  readonly occasions: readonly Occasion[];
}

/** No sample is older than the range and still holds. */
const nothingNewer = () => ({ pairs: [], hold: 0 });
const nowhere = (): void => {};
const alone = {};

/** What a rule looks at, with the time in which it fired. */
export function AlertChart({ device, panel, view, occasions }: AlertChartProps): JSX.Element {
  // Every chart is drawn anew where it is another list.
  const marked = useMemo(() => occasions, [JSON.stringify(occasions)]);
  return (
    <div class="charts alert-chart">
      <Chart
        key={`${device} ${panel.key} ${view.span} ${view.to ?? ""}`}
        device={device}
        panel={panel}
        view={view}
        comparison={alone}
        occasions={marked}
        newest={nothingNewer}
        onMoment={nowhere}
        onSelect={nowhere}
      />
    </div>
  );
}
