import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { fixed, maxSpan } from "../charts/chart-view.ts";
import type { Occasion } from "../charts/occasions.ts";
import { t } from "../language/text.ts";
import { Labelled } from "../people/labelled.tsx";
import { allRows, groupsOfDevice, shownName } from "../state/fleet-rows.ts";
import { fleet } from "../state/fleet-state.ts";
import { looksByName } from "../state/field-looks.ts";
import { client } from "../state/page-client.ts";
import { useAttempt, useOnce } from "../state/use-answer.ts";
import { LaterAlertChart } from "./later-alert-chart.tsx";
import { previewPlace, type RuleOrder } from "./rule-draft.ts";
import { Episodes, type FoundEpisodes } from "./rule-episodes.tsx";
import { panelOfRule, unitOfRule } from "./rule-panel.ts";

interface Looked {
  readonly rule: RuleOrder;
  readonly device: string;
  readonly found: FoundEpisodes;
}

interface PreviewProps {
  /** The rule as it is typed; undefined while it does not read, which the form tells then. */
  readonly rule: () => RuleOrder | undefined;
  readonly usual: string | undefined;
}

/** When the rule would have fired on a device in its last week: on the chart, and one by one. */
export function RulePreview({ rule, usual }: PreviewProps): JSX.Element {
  const device = useSignal(usual ?? "");
  const came = useSignal<Looked | undefined>(undefined);
  const { problem, attempt } = useAttempt();
  const [busy, once] = useOnce();
  const choice = useRef<HTMLSelectElement>(null);
  useEffect(() => {
    if (window.location.hash === `#${previewPlace}`) choice.current?.focus();
  }, []);
  const look = async (): Promise<void> => {
    const typed = rule();
    if (!typed) return;
    const asked = { rule: { ...typed, name: typed.name === "" ? "Preview" : typed.name }, device: device.value };
    came.value = undefined;
    await attempt(async () => (came.value = { ...asked, found: await client.previewAlertRule(asked) }));
  };
  return (
    <section class="command-form rule-preview" aria-labelledby="preview-title">
      <h2 id="preview-title">{t("On the last week")}</h2>
      <div class="rule-preview-device">
        <Labelled id="preview-device" title={t("Device")}>
          <select
            ref={choice}
            id="preview-device"
            data-testid="preview-device"
            value={device.value}
            onChange={({ currentTarget }) => (device.value = currentTarget.value)}
          >
            <option value="">–</option>
            {allRows().map((row) => (
              <option key={row.id} value={row.id}>
                {shownName(row)}
              </option>
            ))}
          </select>
        </Labelled>
        <button
          type="button"
          class="button"
          data-testid="preview-run"
          disabled={device.value === "" || busy}
          onClick={() => once(look)}
        >
          {t("Show when it would have fired")}
        </button>
      </div>
      <div role="status" data-testid="preview">
        {busy ? (
          <p class="hint">{t("looking …")}</p>
        ) : problem.value !== undefined ? (
          <p class="refusal">{problem.value}</p>
        ) : (
          came.value && <Found {...came.value} />
        )}
      </div>
    </section>
  );
}

function Found({ rule, device, found }: Looked): JSX.Element {
  const looks = fleet.value.get(device)?.looks.value ?? looksByName;
  const groups = groupsOfDevice(device);
  const panel = useMemo(() => {
    const value = found.series.flatMap(({ episodes }) => episodes.map((one) => one.value)).find((one) => one !== null);
    return panelOfRule(rule, { looks, groups, ...(value === undefined ? {} : { value }) });
  }, [found, looks, groups.join()]);
  const view = useMemo(() => fixed(Math.max(found.from, found.to - maxSpan), found.to), [found]);
  const occasions = useMemo(
    (): readonly Occasion[] =>
      found.series.flatMap(({ series, episodes }) =>
        episodes.map(({ fired, resolved }) => ({
          kind: "alert" as const,
          from: fired,
          to: resolved ?? Infinity,
          text: series,
        })),
      ),
    [found],
  );
  return (
    <>
      <Episodes found={found} unit={unitOfRule(rule, looks)} />
      {panel && <LaterAlertChart device={device} panel={panel} view={view} occasions={occasions} />}
    </>
  );
}
