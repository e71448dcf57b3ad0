import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { BrowserDocument } from "#api/client";
import { formatAgo } from "../format/format-duration.ts";
import { t, word } from "../language/text.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { now } from "../state/now.ts";
import { client } from "../state/page-client.ts";
import { useAnswer, useOnce } from "../state/use-answer.ts";
import { switchOff, switchOn, thisBrowser, whyNoPush } from "./this-browser.ts";

/** Which of a person's browsers are told of alerts, and whether this one is. */
export function BrowsersSection(): JSX.Element {
  const { answer, problem, look, attempt } = useAnswer(async () => {
    const [{ browsers }, here] = await Promise.all([client.listBrowsers(), thisBrowser()]);
    return { browsers, here };
  });
  const [busy, once] = useOnce();
  const { browsers = [], here } = answer.value ?? {};
  const isOn = browsers.some(({ id, gone }) => id === here && gone === null);
  const why = whyNoPush();
  return (
    <section class="notices" aria-labelledby="browsers-title">
      <h2 id="browsers-title">{t("Your browsers")}</h2>
      <p class="hint">
        {t("Alerts of the devices that you may see are shown in these browsers, also while this page is not open.")}
      </p>
      <div class="field tick">
        <input
          id="notify-here"
          data-testid="notify-here"
          type="checkbox"
          checked={isOn}
          disabled={busy || answer.value === undefined || (why !== undefined && !isOn)}
          aria-describedby={why || problem.value ? "notify-why" : undefined}
          onClick={(event) => {
            // It stands as it is until that is so.
            event.preventDefault();
            once(() => attempt(isOn ? switchOff : switchOn));
          }}
        />
        <label for="notify-here">{t("Notify this browser")}</label>
        {busy && <span role="status">{t("sending …")}</span>}
      </div>
      {(problem.value ?? why) && (
        <p id="notify-why" class={problem.value ? "refusal" : "hint"} role="status" data-testid="notify-why">
          {problem.value ?? why}
        </p>
      )}
      {browsers.length > 0 && (
        <BrowserTable
          browsers={browsers}
          here={here}
          tested={look}
          remove={(one) => void attempt(() => (one.id === here ? switchOff() : client.removeBrowser(one.id)))}
        />
      )}
    </section>
  );
}

interface TableProps {
  readonly browsers: readonly BrowserDocument[];
  readonly here: string | undefined;
  readonly tested: () => Promise<unknown>;
  readonly remove: (one: BrowserDocument) => void;
}

function BrowserTable({ browsers, here, ...acts }: TableProps): JSX.Element {
  const heads = [t("Browser"), t("Since"), t("Waiting"), t("Last")];
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Your browsers")}>
      <MatrixTable data-testid="browsers">
        <thead>
          <tr>
            {heads.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            <th scope="col" class="wrap">
              <span class="visually-hidden">{t("Actions")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {browsers.map((one) => (
            <BrowserRow key={one.id} browser={one} isHere={one.id === here} {...acts} />
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}

function BrowserRow({
  browser,
  isHere,
  tested,
  remove,
}: { readonly browser: BrowserDocument; readonly isHere: boolean } & Pick<
  TableProps,
  "tested" | "remove"
>): JSX.Element {
  const { id, name, ts, gone, waiting, last } = browser;
  const [busy, once] = useOnce();
  const came = useSignal("");
  const test = async (): Promise<void> => {
    try {
      const { delivered, said } = await client.testBrowser(id);
      came.value = `${word(delivered ? "delivered" : "failed")}: ${said}`;
    } catch (error) {
      came.value = error instanceof Error ? error.message : String(error);
    }
    await tested();
  };
  return (
    <tr data-testid={`browser-${id}`}>
      <th scope="row">{isHere ? t("{name} (this one)", { name }) : name}</th>
      <td>{formatAgo(ts, now.value)}</td>
      <td>{waiting}</td>
      {gone === null ? (
        <td class={last?.state === "failed" ? "bad" : undefined} title={last?.said ?? undefined}>
          {last ? `${word(last.state)} ${formatAgo(last.ts, now.value)}` : "\u2013"}
        </td>
      ) : (
        <td class="bad wrap">
          {t("Its push service does not know it any more, {ago}: switch it on there again.", {
            ago: formatAgo(gone, now.value),
          })}
        </td>
      )}
      <td class="wrap">
        <span class="choices">
          {gone === null && (
            <button
              type="button"
              class="button small"
              disabled={busy}
              aria-label={t("Test the browser {name}", { name })}
              onClick={() => once(test)}
            >
              {t("Test")}
            </button>
          )}{" "}
          <button
            type="button"
            class="button small"
            aria-label={t("Remove the browser {name}", { name })}
            onClick={() => remove(browser)}
          >
            {t("Remove")}
          </button>
          <span role="status" data-testid={`browser-test-${id}`}>
            {busy ? ` ${t("sending …")}` : came.value && ` ${came.value}`}
          </span>
        </span>
      </td>
    </tr>
  );
}
