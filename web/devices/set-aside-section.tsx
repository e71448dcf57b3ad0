import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Decision } from "#api/field-routes";
import type { OverBudgetDocument, SetAsideDocument } from "#api/quarantine-routes";
import { client } from "../state/page-client.ts";
import { generation } from "../state/live-state.ts";
import { sentenceOf, useAnswer } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { Ago, ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";

interface Known {
  readonly entries: readonly SetAsideDocument[];
  readonly offenders: readonly OverBudgetDocument[];
  readonly budget: number;
}

/** What a device (or the fleet) sends and the console does not store, and what to do about it. Nothing, where there is none. */
export function SetAsideSection({ device }: { device?: string }): JSX.Element | null {
  const outcome = useSignal<string | undefined>(undefined);
  const {
    answer: known,
    problem,
    look,
    attempt,
  } = useAnswer<Known>(async () => {
    const [{ entries }, { budget, devices }] = await Promise.all([
      client.getQuarantine({ device, limit: 200 }),
      client.getSeries(),
    ]);
    return { entries, budget, offenders: devices.filter((one) => device === undefined || one.device === device) };
  }, [device, generation.value]);
  const settle = async (one: SetAsideDocument, type: Decision["type"]): Promise<void> => {
    const { measurement, field } = one;
    try {
      const { written, discarded, waiting, why } = await client.settleField({ measurement, field, type });
      const said = [
        t("{name} is {type} from now on: of what was held", { name: `${measurement}.${field}`, type }),
        t("{count} value is stored,|{count} values are stored,", { count: written }),
        t("{count} was let go|{count} were let go", { count: discarded }),
      ].join(" ");
      const waits = t("{count} waits: {why}|{count} wait: {why}", { count: waiting, why: why ?? t("for the store") });
      outcome.value = waiting > 0 ? `${said}, ${waits}.` : `${said}.`;
    } catch (error) {
      outcome.value = sentenceOf(error);
    }
    await look();
  };
  if (problem.value) return <p class="refusal">{problem.value}</p>;
  if (!known.value || (known.value.entries.length + known.value.offenders.length === 0 && !outcome.value)) return null;
  const mayDecide = session.value?.role !== "viewer";
  const forget = (): void => void attempt(() => client.forgetQuarantine({ device }));
  const { entries, offenders, budget } = known.value;
  return (
    <section aria-labelledby="aside-title" data-testid="set-aside">
      <div class="section-head">
        <h2 id="aside-title">{t("Not stored")}</h2>
        {entries.length > 0 && mayDecide && (
          <button type="button" class="button small" data-testid="forget-set-aside" onClick={forget}>
            {t("Forget")}
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
          {t(
            "{device} has more than the {budget} series that a device may have: about {series} more are set aside. {list}",
            {
              device: one.device,
              budget,
              series: one.series,
              list: one.worst.map((worst) => t("{measurement}: tag {tag} has about {values} values", worst)).join("; "),
            },
          )}
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
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Fields that are not stored")}>
      <MatrixTable>
        <thead>
          <tr>
            {(["Device", "Field", "Got", "Wanted", "Sample", "Count", "Last", "What to do"] as const).map((name) => (
              <th key={name} scope="col" class={name === "What to do" ? "wrap" : undefined}>
                {t(name)}
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
                  <ToldText text={advice} />
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
    if (type === "string") return t("Store as text");
    if (type === one.wanted)
      return one.got === "string" ? t("Keep as {type}, let texts go", { type }) : t("Keep as {type}", { type });
    return t("Store as {type}", { type });
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
