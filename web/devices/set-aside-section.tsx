import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { counted } from "#shared/counted";
import type { Decision } from "#api/field-routes";
import type { OverBudgetDocument, SetAsideDocument } from "#api/quarantine-routes";
import { client } from "../state/page-client.ts";
import { generation } from "../state/live-state.ts";
import { session } from "../state/session-state.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { Ago } from "../format/when.tsx";

interface Known {
  readonly entries: readonly SetAsideDocument[];
  readonly offenders: readonly OverBudgetDocument[];
  readonly budget: number;
}

/** What a device (or the fleet) sends and the console does not store, and what to do about it. Nothing, where there is none. */
export function SetAsideSection({ device }: { device?: string }): JSX.Element | null {
  const known = useSignal<Known | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const outcome = useSignal<string | undefined>(undefined);
  const load = async (): Promise<void> => {
    try {
      const [{ entries }, { budget, devices }] = await Promise.all([
        client.getQuarantine({ device, limit: 200 }),
        client.getSeries(),
      ]);
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
  const settle = async (one: SetAsideDocument, type: Decision["type"]): Promise<void> => {
    const { measurement, field } = one;
    try {
      const { written, discarded, waiting, why } = await client.settleField({ measurement, field, type });
      const waits = waiting > 0 ? `, ${counted(waiting, "waits", "wait")}: ${why ?? "for the store"}` : "";
      outcome.value = `${measurement}.${field} is ${type} from now on: of what was held ${written} ${written === 1 ? "value is" : "values are"} stored, ${discarded} ${discarded === 1 ? "was" : "were"} let go${waits}.`;
    } catch (error) {
      outcome.value = error instanceof Error ? error.message : String(error);
    }
    await load();
  };
  if (problem.value) return <p class="refusal">{problem.value}</p>;
  if (!known.value || (known.value.entries.length + known.value.offenders.length === 0 && !outcome.value)) return null;
  const mayDecide = session.value?.role !== "viewer";
  const forget = (): void => void client.forgetQuarantine({ device }).then(load, load);
  const { entries, offenders, budget } = known.value;
  return (
    <section aria-labelledby="aside-title" data-testid="set-aside">
      <div class="section-head">
        <h2 id="aside-title">Not stored</h2>
        {entries.length > 0 && mayDecide && (
          <button type="button" class="button small" data-testid="forget-set-aside" onClick={forget}>
            Forget
          </button>
        )}
      </div>
      {outcome.value && (
        <p class="hint" role="status" data-testid="settled">
          {outcome.value}
        </p>
      )}
      {entries.length > 0 && <Fields entries={entries} onSettle={mayDecide ? settle : undefined} />}
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

interface FieldsProps {
  readonly entries: readonly SetAsideDocument[];
  /** Left out for who may only look. */
  readonly onSettle: ((one: SetAsideDocument, type: Decision["type"]) => Promise<void>) | undefined;
}

function Fields({ entries, onSettle }: FieldsProps): JSX.Element {
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label="Fields that are not stored">
      <MatrixTable>
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
          {entries.map((one) => {
            const { device, measurement, field, got, wanted, sample, count, last, advice } = one;
            return (
              <tr key={`${device} ${measurement} ${field} ${got} ${wanted}`}>
                <th scope="row">{device}</th>
                <td>{`${measurement}.${field}`}</td>
                <td>{got}</td>
                <td class="wrap brief">{wanted}</td>
                <td class="wrap brief">{sample.slice(0, 60)}</td>
                <td>{count}</td>
                <td>
                  <Ago ts={last} />
                </td>
                <td class="wrap">
                  {advice}
                  {onSettle && one.settle && <Choices one={one} onSettle={onSettle} />}
                </td>
              </tr>
            );
          })}
        </tbody>
      </MatrixTable>
    </div>
  );
}

/** One button for each type that the field may be from now on; what that means for the values that are held stands on it. */
function Choices({ one, onSettle }: { one: SetAsideDocument } & Pick<Required<FieldsProps>, "onSettle">): JSX.Element {
  const label = (type: string): string => {
    if (type === "string") return "Store as text";
    if (type === one.wanted) return one.got === "string" ? `Keep as ${type}, let texts go` : `Keep as ${type}`;
    return `Store as ${type}`;
  };
  return (
    <span class="choices">
      {one.settle?.map((type) => (
        <button
          key={type}
          type="button"
          class="button small"
          data-testid={`settle-${one.field}-${type}`}
          onClick={() => void onSettle?.(one, type)}
        >
          {label(type)}
        </button>
      ))}
    </span>
  );
}
