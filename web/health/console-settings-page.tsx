import type { JSX } from "preact";
import type { ConsoleSettingDocument } from "#api/console-settings-routes";
import { ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";
import { managesPeople } from "../people/people-nav.tsx";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { useTitle } from "../shell/title.ts";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { HealthNav } from "./health-nav.tsx";
import { SettingRow } from "./setting-row.tsx";
import { sourceOf } from "./setting-source.ts";
import "./health.css";

/** The console's own settings: those that change while it runs, to be changed; the others with the reason why they do not. */
export function ConsoleSettingsPage(): JSX.Element {
  useTitle(t("Settings"));
  const { answer: known, problem } = useAnswer<readonly ConsoleSettingDocument[]>(async () =>
    managesPeople() ? (await client.listConsoleSettings()).settings : [],
  );
  const took = (one: ConsoleSettingDocument): void => {
    known.value = known.value?.map((before) => (before.name === one.name ? one : before));
  };
  const settings = known.value ?? [];
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Settings")}</h1>
        <HealthNav />
      </div>
      {!managesPeople() && (
        <p class="hint">{t("The console's settings are for administrators whose account has no limit to groups.")}</p>
      )}
      {problem.value && <p class="refusal">{problem.value}</p>}
      {settings.length > 0 && (
        <>
          <p class="hint">
            {t(
              "What is set here counts over flag, variable and file, also after a restart, until it is reset. The audit log has who did it.",
            )}
          </p>
          <h2>{t("While it runs")}</h2>
          <div class="panel settings-running" data-testid="settings-running">
            {settings
              .filter(({ changeable }) => changeable)
              .map((one) => (
                <SettingRow key={one.name} setting={one} took={took} />
              ))}
          </div>
          <h2>{t("At a start")}</h2>
          <AtStart settings={settings.filter(({ changeable }) => !changeable)} />
        </>
      )}
    </main>
  );
}

/** A default that is said in words has them in the reader's language. */
function ValueText({ text }: { readonly text: string }): JSX.Element {
  const own = word(text);
  return own === text ? <ToldText text={text} /> : <>{own}</>;
}

function AtStart({ settings }: { readonly settings: readonly ConsoleSettingDocument[] }): JSX.Element {
  const head = [t("Setting"), t("Value"), t("From"), t("Why at a start")];
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Settings that are taken at a start")}>
      <MatrixTable data-testid="settings-at-start">
        <thead>
          <tr>
            {head.map((name, at) => (
              <th key={name} scope="col" class={at === 3 ? "wrap" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {settings.map(({ name, value, source, why }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="wrap brief">
                {value === null || value === undefined ? t("secret") : <ValueText text={value} />}
              </td>
              <td>{sourceOf(source)}</td>
              <td class="wrap">{why && word(why)}</td>
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
