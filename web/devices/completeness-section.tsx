import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { CompletenessDocument } from "#api/completeness-routes";
import { client } from "../state/page-client.ts";
import { generation } from "../state/live-state.ts";
import type { Tracked } from "../state/fleet-state.ts";
import { useAnswer } from "../state/use-answer.ts";
import { now } from "../state/now.ts";
import { countsOf, gapRows } from "./completeness-rows.ts";
import { At, ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

/** Milliseconds between two looks while the device sends. */
const refreshEvery = 15_000;

/** What of the device's samples is stored, missing and outstanding. */
export function CompletenessSection({ tracked }: { tracked: Tracked }): JSX.Element {
  const { id } = tracked.presence.value;
  const asked = useRef(0);
  const seen = tracked.seen.value;
  const {
    answer: known,
    problem,
    look,
  } = useAnswer<CompletenessDocument>(() => {
    asked.current = now.peek();
    return client.getCompleteness(id);
  }, [generation.value]);
  useEffect(() => {
    if (known.value) tracked.missing.value = known.value.missing;
  }, [known.value]);
  useEffect(() => {
    if (now.peek() - asked.current >= refreshEvery) void look();
  }, [seen]);

  return (
    <section aria-labelledby="completeness-title" data-testid="completeness">
      <h2 id="completeness-title">{t("Completeness")}</h2>
      {problem.value && <p class="hint bad">{problem.value}</p>}
      {known.value && <Known known={known.value} />}
    </section>
  );
}

function Known({ known }: { known: CompletenessDocument }): JSX.Element {
  if (known.since === null)
    return <p class="hint">{t("Nothing to count: this device has not sent a numbered batch, as agents do.")}</p>;
  return (
    <div class="panel completeness">
      <dl class="counts">
        {countsOf(known).map(({ name, value, note, bad }) => (
          <div key={name} class={bad ? "bad" : ""}>
            <dt>{word(name)}</dt>
            <dd data-testid={`completeness-${name}`}>{value}</dd>
            {note && <dd class="note">{note}</dd>}
          </div>
        ))}
      </dl>
      {known.gaps.length > 0 && <Gaps known={known} />}
      <p class="hint">
        {t("Samples counted since")} <At ts={known.since} />.
      </p>
    </div>
  );
}

function Gaps({ known }: { known: CompletenessDocument }): JSX.Element {
  const { rows, older } = gapRows(known.gaps);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("Gaps")}>
      <table class="gaps">
        <thead>
          <tr>
            {(["Since", "Until", "Samples", "Why"] as const).map((name) => (
              <th key={name} scope="col">
                {t(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, from, to, samples, why }) => (
            <tr key={key}>
              <td>{from === null ? "–" : <At ts={from} />}</td>
              <td>{to === null ? "–" : <At ts={to} />}</td>
              <td>{samples}</td>
              <td>
                <ToldText text={why} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {older > 0 && <p class="hint">{t("And {older} older gaps.", { older })}</p>}
    </div>
  );
}
