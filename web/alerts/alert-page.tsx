import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { useRoute } from "preact-iso/router";
import type { AlertDocument, ShownRuleDocument } from "#api/client";
import { toUnit } from "#shared/field-units";
import { fixed, maxSpan } from "../charts/chart-view.ts";
import { alertOccasions } from "../charts/occasions.ts";
import { Ago, At, ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";
import { Labelled, Typed } from "../people/labelled.tsx";
import { useTitle } from "../shell/title.ts";
import { alertChanges, listOpenAlerts, takeAlert } from "../state/open-alerts.ts";
import { generation } from "../state/live-state.ts";
import { stateLooks } from "../commands/states.ts";
import { listCommands } from "../state/command-state.ts";
import { groupsOfDevice } from "../state/fleet-rows.ts";
import { fleet } from "../state/fleet-state.ts";
import { looksByName } from "../state/field-looks.ts";
import { now } from "../state/now.ts";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { AlertButtons, AlertTable } from "./alert-table.tsx";
import { StateBadge, chartAddress, deviceAddress, Severity, firedValue } from "./alert-words.tsx";
import { LaterAlertChart } from "./later-alert-chart.tsx";
import { panelOfRule } from "./rule-panel.ts";
import "./alerts.css";

/** One alert: its rule, what has happened to it, and the way to its device's charts. */
export function AlertPage(): JSX.Element {
  const id = useRoute().params["id"] ?? "";
  return <Known key={id} id={id} />;
}

function Known({ id }: { readonly id: string }): JSX.Element {
  const {
    answer: read,
    problem,
    attempt,
  } = useAnswer(async () => {
    const alert = await client.getAlert(id);
    // Rules are for whoever is limited to nothing.
    if (session.value?.groups !== undefined) return { alert, rule: undefined };
    const { rules } = await client.listAlertRules();
    return { alert, rule: rules.find((one) => one.rule.name === alert.rule)?.rule };
  }, [generation.value, alertChanges.value]);
  const open = listOpenAlerts();
  const alert = open.find((one) => one.id === id) ?? read.value?.alert;
  useTitle(alert?.title ?? t("Alert"));
  const folded = open.filter(({ parent }) => parent === id);
  return (
    <main class="page alerts">
      <div class="page-head">
        <h1>{alert ? <ToldText text={alert.title} /> : t("Alert")}</h1>
        <nav class="people-nav" aria-label={t("About alerts")}>
          <a class="button small" href="/alerts">
            {t("All alerts")}
          </a>
        </nav>
      </div>
      {problem.value && (
        <p class="refusal" role="alert">
          {problem.value}
        </p>
      )}
      {alert && <AlertFacts alert={alert} rule={read.value?.rule} command={read.value?.alert.command} />}
      {alert?.resolved === null && session.value?.role !== "viewer" && (
        <Answer alert={alert} attempt={(act) => attempt(async () => takeAlert(await act()))} />
      )}
      {alert && read.value?.rule && <Chart alert={alert} rule={read.value.rule} />}
      {folded.length > 0 && (
        <>
          <h2>{t("Told as one")}</h2>
          <AlertTable name={t("Told as one")} alerts={folded} />
        </>
      )}
      {alert && <History alert={alert} />}
    </main>
  );
}

/** The least and the most that a chart shows before an alert and behind it, ms. */
const [leastBeside, mostBeside] = [900_000, 6 * 3_600_000];

/** What the rule looks at of the device, around the alert; what still fires goes on. */
function Chart({ alert, rule }: { readonly alert: AlertDocument; readonly rule: ShownRuleDocument["rule"] }) {
  const { id, device, tags, value, since, resolved } = alert;
  const looks = fleet.value.get(device ?? "")?.looks.value ?? looksByName;
  const groups = groupsOfDevice(device ?? "");
  const panel = useMemo(
    () => (tags === null ? undefined : panelOfRule(rule, { tags, looks, groups, value })),
    [id, rule, looks, groups.join()],
  );
  const view = useMemo(() => {
    const end = resolved ?? now.peek();
    const beside = Math.min(mostBeside, Math.max(leastBeside, end - since));
    return resolved === null ? { span: Math.min(maxSpan, end - since + beside) } : fixed(since - beside, end + beside);
  }, [id, resolved]);
  if (device === null || !panel) return null;
  return (
    <section aria-label={t("Chart")}>
      <LaterAlertChart device={device} panel={panel} view={view} occasions={alertOccasions([alert])} />
    </section>
  );
}

interface FactsProps {
  readonly alert: AlertDocument;
  readonly rule: ShownRuleDocument["rule"] | undefined;
  /** What the rule has had sent: events of the alert do not tell it. */
  readonly command: AlertDocument["command"];
}

function AlertFacts({ alert, rule, command }: FactsProps): JSX.Element {
  const { severity, state, device, series, since, resolved, why, value, unit, text, acknowledged, parent } = alert;
  const live = command && listCommands(device ?? "").find(({ id }) => id === command.id);
  const became = command && (live?.state ?? command.state ?? "unknown");
  const facts: readonly [string, JSX.Element | string][] = [
    [t("Device"), device === null ? "" : <a href={deviceAddress(device)}>{device}</a>],
    [t("Series"), series],
    [t("Value"), firedValue(value, toUnit(unit ?? ""))],
    [t("Since"), <Ago key="since" ts={since} />],
    [t("Over"), resolved === null ? "" : <Ago key="over" ts={resolved} />],
    [t("Ended by"), why === null ? "" : <ToldText key="why" text={why} />],
    [t("Seen to by"), acknowledged ? [acknowledged.by, acknowledged.note].filter(Boolean).join(": ") : ""],
    [t("Rule"), rule ? <a href={ruleAddress(alert)}>{alert.rule}</a> : alert.rule],
    [t("Condition"), rule ? <code>{rule.when}</code> : ""],
    [t("Of devices"), rule?.where ? <code>{rule.where}</code> : ""],
    [t("Command"), command && became ? `${command.key}: ${stateWord(became)}` : ""],
    [t("Channels"), rule?.channels?.join(", ") ?? ""],
  ];
  return (
    <section aria-label={t("Alert")} data-testid="alert">
      <p>
        <Severity severity={severity} /> <StateBadge state={state} />
      </p>
      <p class="alert-text">
        <ToldText text={text} />
      </p>
      <dl class="facts">
        {facts.map(
          ([name, fact]) =>
            fact !== "" && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{fact}</dd>
              </div>
            ),
        )}
      </dl>
      <p class="alert-ways">
        {device !== null && (
          <a href={chartAddress(alert, now.peek())} data-testid="alert-chart">
            {t("The charts of {device} at that time", { device })}
          </a>
        )}
        {parent !== null && <a href={`/alerts/${parent}`}>{t("With which it was told as one")}</a>}
      </p>
    </section>
  );
}

/** A command's state in words; one that is kept no more has none. */
function stateWord(state: string): string {
  const look = Object.entries(stateLooks).find(([name]) => name === state);
  return word(look?.[1].label ?? state);
}

/** Its editor, with this alert's device to look at. */
function ruleAddress({ rule, device }: AlertDocument): string {
  return `/alerts/rules/edit?${new URLSearchParams({ name: rule, ...(device === null ? {} : { device }) }).toString()}`;
}

interface AnswerProps {
  readonly alert: AlertDocument;
  readonly attempt: (act: () => Promise<AlertDocument>) => Promise<unknown>;
}

/** For how long nobody is told. */
const spans = ["1h", "4h", "1d", "7d"];

/** Somebody sees to it, with a few words, or nobody is to be told for a while. */
function Answer({ alert, attempt }: AnswerProps): JSX.Element {
  const note = useSignal("");
  const lasts = useSignal("1h");
  return (
    <section class="command-form" aria-labelledby="answer-title">
      <h2 id="answer-title">{t("What to do")}</h2>
      <form onSubmit={(event) => event.preventDefault()}>
        <Typed
          id="alert-note"
          title={t("Note")}
          note={t("who sees to it, or why nobody is told")}
          value={note.value}
          onTyped={(text) => (note.value = text)}
        />
        <Labelled
          id="alert-lasts"
          title={t("Silence for")}
          note={
            alert.device === null
              ? t("nobody is told of this rule, on any device")
              : t("nobody is told of this rule on this device")
          }
        >
          <select
            id="alert-lasts"
            value={lasts.value}
            onChange={({ currentTarget }) => (lasts.value = currentTarget.value)}
          >
            {spans.map((span) => (
              <option key={span} value={span}>
                {span}
              </option>
            ))}
          </select>
        </Labelled>
        <AlertButtons alert={alert} attempt={attempt} lasts={lasts.value} note={note.value.trim()} />
      </form>
    </section>
  );
}

function History({ alert: { history } }: Pick<FactsProps, "alert">): JSX.Element {
  return (
    <>
      <h2>{t("History")}</h2>
      <ol class="alert-history" data-testid="alert-history">
        {history.map(({ ts, what, by, text }) => (
          <li key={`${ts} ${what}`}>
            <At ts={ts} /> <strong>{word(what)}</strong> {by && t("by {name}", { name: by })}{" "}
            {text !== undefined && what !== "folded" && (
              <span class="muted">
                <ToldText text={text} />
              </span>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}
