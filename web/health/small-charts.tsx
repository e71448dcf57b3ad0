import type { JSX } from "preact";
import type { ConditionDocument } from "#api/condition-routes";
import { formatValue } from "../format/number.ts";
import { decimals, t } from "../language/text.ts";
import { rateOf } from "./rate-of.ts";
import { SmallChart } from "./small-chart.tsx";

/** What Muster has measured of itself in the last hour, a small chart for each number that tells how it is. */
export function SmallCharts({ past }: Pick<ConditionDocument, "past">): JSX.Element {
  const { times, numbers } = past;
  const own = (name: string): readonly (number | null)[] => numbers[name] ?? [];
  const rate = (name: string): readonly (number | null)[] => rateOf(times, own(name));
  const perSecond = (value: number): string => `${formatValue(value, "number")}/s`;
  const milliseconds = (value: number): string => `${decimals(value, value < 10 ? 1 : 0)} ms`;
  const bytes = (value: number): string => formatValue(value, "bytes");
  const plain = (value: number): string => formatValue(value, "number");
  const charts: [string, readonly (number | null)[], (value: number) => string][] = [
    [t("Samples stored"), rate("written"), perSecond],
    [t("Messages received"), rate("received"), perSecond],
    [t("Batches acknowledged"), rate("acked"), perSecond],
    [t("Writing takes (99 %)"), own("write_latency_p99_ms"), milliseconds],
    [t("Event loop late (99 %)"), own("event_loop_delay_p99_ms"), milliseconds],
    [t("Processor"), own("cpu"), (value) => `${decimals(value, 1)} %`],
    [t("Memory"), own("rss_bytes"), bytes],
    [t("Devices online"), own("devices_online"), plain],
    [t("Messages that wait for the store"), own("spool_rows"), plain],
  ];
  return (
    <section aria-labelledby="past-title">
      <h2 id="past-title">{t("The last hour")}</h2>
      {times.length < 2 ? (
        <p class="hint">{t("Muster has just been started: its numbers come every ten seconds.")}</p>
      ) : (
        <div class="small-charts" data-testid="small-charts">
          {charts.map(([name, values, format]) => (
            <SmallChart key={name} name={name} times={times} values={values} format={format} />
          ))}
        </div>
      )}
    </section>
  );
}
