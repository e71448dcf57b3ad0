import type { JSX } from "preact";
import type { StoreDocument } from "#api/health-routes";
import { brokerState, connection, damaged, fetchProblem, store } from "../state/live-state.ts";
import { Warning } from "./icons.tsx";
import { At, ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";

function aboutStore({ problem = "it did not say why", since, meanwhile = "" }: StoreDocument): JSX.Element {
  return (
    <>
      {since === undefined ? t("The store takes no samples at the moment") : t("The store takes no samples since ")}
      {since !== undefined && <At ts={since} />}: <ToldText text={`${problem}. ${meanwhile}`} />
    </>
  );
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function aboutDamage(count: number): JSX.Element {
  const what =
    count === 1
      ? t("One thing in the console's data directory was")
      : t("{count} things in the console's data directory were", { count });
  return (
    <>
      {t("{what} damaged, gone or put back.", { what })} <a href="/damage">{t("What was set aside")}</a>
    </>
  );
}

/** What keeps the page from being the truth, or the console from doing its work. */
export function Banners(): JSX.Element {
  const sentences: (readonly [id: string, sentence: string | JSX.Element])[] = [];
  if (connection.value === "lost")
    sentences.push([
      "stream",
      t("The connection to the console is lost: reconnecting… What you see may be out of date."),
    ]);
  if (fetchProblem.value && connection.value === "live") sentences.push(["fetch", fetchProblem.value]);
  if (!store.value.ok) sentences.push(["store", aboutStore(store.value)]);
  if (store.value.overload !== undefined) sentences.push(["overload", capitalised(`${store.value.overload}.`)]);
  if (store.value.clock !== undefined) sentences.push(["clock", capitalised(`${store.value.clock}.`)]);
  if (!brokerState.value.connected && connection.value === "live")
    sentences.push(["broker", t("The console has no connection to the broker: devices cannot be heard or reached.")]);
  if (damaged.value > 0) sentences.push(["damage", aboutDamage(damaged.value)]);
  return (
    <div role="status" class="banners">
      {sentences.map(([id, sentence]) => (
        <div key={id} class="banner" data-testid={`banner-${id}`}>
          <Warning /> <span>{typeof sentence === "string" ? <ToldText text={sentence} /> : sentence}</span>
        </div>
      ))}
    </div>
  );
}
