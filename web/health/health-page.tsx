import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ConditionDocument } from "#api/condition-routes";
import { formatAgo } from "../format/format-duration.ts";
import { ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";
import { useTitle } from "../shell/title.ts";
import { brokerState, damaged, generation, store } from "../state/live-state.ts";
import { now } from "../state/now.ts";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { HealthNav } from "./health-nav.tsx";
import { factsAbout } from "./health-facts.ts";
import { SmallCharts } from "./small-charts.tsx";
import "./health.css";

/** Milliseconds between two looks, as long as somebody looks: the console measures itself as often. */
const lookEvery = 10_000;

/** How Muster itself is: what is to be seen to and what to do, its last hour in small charts, and its parts. */
export function HealthPage(): JSX.Element {
  useTitle(t("Health"));
  const {
    answer: known,
    problem,
    look,
  } = useAnswer<ConditionDocument>(
    () => client.getCondition(),
    [generation.value, store.value, brokerState.value, damaged.value],
  );
  useEffect(() => {
    const again = setInterval(() => void look(), lookEvery);
    return () => clearInterval(again);
  }, []);
  const condition = known.value;
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Health")}</h1>
        <HealthNav />
      </div>
      {problem.value && (
        <p class="refusal" role="alert">
          {problem.value}
        </p>
      )}
      {condition && (
        <>
          <p class="hint">{t("Looked at every ten seconds, for as long as this page is open.")}</p>
          <Troubles troubles={condition.troubles} />
          <SmallCharts past={condition.past} />
          <section aria-labelledby="parts-title">
            <h2 id="parts-title">{t("Parts")}</h2>
            <div class="health-parts" data-testid="health-parts">
              {factsAbout(condition, now.value).map(([name, facts]) => (
                <div key={name} class="panel health-part">
                  <h3>{name}</h3>
                  <dl>
                    {facts.map(([what, says]) => (
                      <div key={what}>
                        <dt>{what}</dt>
                        <dd>{says}</dd>
                      </div>
                    ))}
                  </dl>
                </div>
              ))}
            </div>
          </section>
        </>
      )}
    </main>
  );
}

function Troubles({ troubles }: Pick<ConditionDocument, "troubles">): JSX.Element {
  if (troubles.length === 0)
    return (
      <p class="health-well" data-testid="health-well">
        {t("All is well: nothing about Muster itself is to be seen to.")}
      </p>
    );
  return (
    <ul class="troubles" data-testid="troubles" aria-label={t("To be seen to")}>
      {troubles.map(({ what, grave, says, advice, since }) => (
        <li key={`${what} ${says}`} class={`trouble ${grave ? "grave" : ""}`} data-testid={`trouble-${what}`}>
          <strong>
            <ToldText text={says} />
          </strong>
          {since !== undefined && <span class="muted"> {formatAgo(since, now.value)}</span>}
          <div>
            <ToldText text={advice} />
          </div>
        </li>
      ))}
    </ul>
  );
}
