import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { deleteQuarantine, getQuarantine, getSeries } from "../api/console.ts";
import type { OverBudget, SetAside } from "../api/documents.ts";
import { formatAgo } from "../format/duration.ts";
import { generation } from "../state/live.ts";
import { now } from "../state/now.ts";
import { session } from "../state/session.ts";

interface Known {
  readonly entries: readonly SetAside[];
  readonly offenders: readonly OverBudget[];
  readonly budget: number;
}

/** What a device (or the fleet) sends and the console does not store, and what to do about it. Nothing, where there is none. */
export function SetAsideSection({ device }: { device?: string }): JSX.Element | null {
  const known = useSignal<Known | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const load = async (): Promise<void> => {
    try {
      const [entries, { budget, devices }] = await Promise.all([getQuarantine(device), getSeries()]);
      known.value = {
        entries,
        budget,
        offenders: devices.filter((one) => device === undefined || one.device === device),
      };
      problem.value = undefined;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  useEffect(() => void load(), [device, generation.value]);
  if (problem.value) return <p class="refusal">{problem.value}</p>;
  if (!known.value || known.value.entries.length + known.value.offenders.length === 0) return null;
  const forget = (): void => void deleteQuarantine(device).then(load, load);
  const { entries, offenders, budget } = known.value;
  return (
    <section aria-labelledby="aside-title" data-testid="set-aside">
      <div class="section-head">
        <h2 id="aside-title">Not stored</h2>
        {entries.length > 0 && session.value?.role !== "viewer" && (
          <button type="button" class="button small" data-testid="forget-set-aside" onClick={forget}>
            Forget
          </button>
        )}
      </div>
      {entries.length > 0 && <Fields entries={entries} />}
      {offenders.map((one) => (
        <p key={one.device} class="hint" data-testid="over-budget">
          {one.device} has more than the {budget} series that a device may have: about {one.series} more are set aside.{" "}
          {one.worst
            .map(({ measurement, tag, values }) => `${measurement}: tag ${tag} has about ${values} values`)
            .join("; ")}
        </p>
      ))}
    </section>
  );
}

function Fields({ entries }: { entries: readonly SetAside[] }): JSX.Element {
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label="Fields that are not stored">
      <table class="matrix">
        <thead>
          <tr>
            {["Device", "Field", "Got", "Wanted", "Sample", "Count", "Last", "What to do"].map((name) => (
              <th key={name} scope="col" class={name === "What to do" ? "wrap" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map(({ device, measurement, field, got, wanted, sample, count, last, advice }) => (
            <tr key={`${device} ${measurement} ${field} ${got} ${wanted}`}>
              <th scope="row">{device}</th>
              <td>{`${measurement}.${field}`}</td>
              <td>{got}</td>
              <td>{wanted}</td>
              <td>{sample.slice(0, 60)}</td>
              <td>{count}</td>
              <td>{formatAgo(last, now.value)}</td>
              <td class="wrap">{advice}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
