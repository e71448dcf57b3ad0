import type { JSX } from "preact";
import type { PlannedDevice } from "#api/job-routes";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

export interface Plan {
  readonly now: number;
  readonly waits: number;
  readonly refused: number;
  readonly devices: readonly PlannedDevice[];
}

/** Rows of a plan that are shown: the counts say the rest. */
const mostShown = 200;
/** Devices up to which the list stands open. */
const fewDevices = 8;
/** Reasons that are told before the list is opened. */
const mostReasons = 4;
const words = { now: "At once", waits: "When it is there", refused: "Not at all" } as const;

/** What a job would come to, device by device. */
export function JobPlan({ plan }: { plan: Plan }): JSX.Element {
  const { now, waits, refused, devices } = plan;
  return (
    <div class="job-plan" data-testid="job-plan-shown">
      <p role="status">
        <b>{now}</b> {t("at once,")} <b>{waits}</b> {t("when they are there,")} <b>{refused}</b>{" "}
        {t("not at all. Nothing was sent yet.")}
      </p>
      {devices.length > fewDevices && (
        <ul class="plan-exceptions" data-testid="plan-exceptions">
          {exceptionsOf(devices).map(({ text, why }) => (
            <li key={why}>
              {text}: <ToldText text={why} />
            </li>
          ))}
        </ul>
      )}
      <details open={devices.length <= fewDevices}>
        <summary>{t("Device by device")}</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={t("The plan")}>
          <MatrixTable>
            <thead>
              <tr>
                <th scope="col">{t("Device")}</th>
                <th scope="col">{t("Sent to")}</th>
                <th scope="col">{t("Why")}</th>
              </tr>
            </thead>
            <tbody>
              {devices.slice(0, mostShown).map(({ device, name, verdict, canary, why }) => (
                <tr key={device} data-verdict={verdict}>
                  <th scope="row">
                    {name ?? device}
                    {canary && t(" (canary)")}
                  </th>
                  <td>{word(words[verdict])}</td>
                  <td class="plan-why">
                    <ToldText text={why ?? ""} />
                  </td>
                </tr>
              ))}
            </tbody>
          </MatrixTable>
        </div>
        {devices.length > mostShown && (
          <p class="hint">{t("{value} more are not shown.", { value: devices.length - mostShown })}</p>
        )}
      </details>
    </div>
  );
}

/** Why some would not have it at once, the most frequent reason first, each with one device that it holds for. */
export function exceptionsOf(devices: readonly PlannedDevice[]): readonly { text: string; why: string }[] {
  const reasons = new Map<string, PlannedDevice[]>();
  for (const one of devices) {
    if (one.verdict === "now") continue;
    // A reason may name its device: then it is one of its own.
    const why = one.why ?? word(words[one.verdict]).toLowerCase();
    reasons.set(why, [...(reasons.get(why) ?? []), one]);
  }
  return [...reasons]
    .sort(
      ([, a], [, b]) =>
        Number(b[0]?.verdict === "refused") - Number(a[0]?.verdict === "refused") || b.length - a.length,
    )
    .slice(0, mostReasons)
    .map(([why, [first, ...others]]) => ({
      why,
      text: `${first?.name ?? first?.device ?? ""}${others.length > 0 ? t(" and {length} more", { length: others.length }) : ""}`,
    }));
}
