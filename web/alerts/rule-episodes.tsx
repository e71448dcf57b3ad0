import type { JSX } from "preact";
import type { FieldUnit } from "#shared/field-units";
import { formatCoarsely } from "../format/format-duration.ts";
import { At } from "../format/when.tsx";
import { t } from "../language/text.ts";
import type { client } from "../state/page-client.ts";
import { firedValue } from "./alert-words.tsx";

/** What a look at what was has found. */
export type FoundEpisodes = Awaited<ReturnType<typeof client.previewAlertRule>>;

interface EpisodesProps {
  readonly found: FoundEpisodes;
  /** Of the values at which it fired. */
  readonly unit: FieldUnit;
}

/** How often a rule would have fired, and when. */
export function Episodes({ found: { every, series }, unit }: EpisodesProps): JSX.Element {
  const all = series.flatMap((one) => one.episodes.map((episode) => ({ ...episode, series: one.series })));
  return (
    <>
      <p>
        {all.length === 0
          ? t("It would not have fired.")
          : t("It would have fired {count} time.|It would have fired {count} times.", { count: all.length })}{" "}
        {every > 0 && t("Means of {span} were looked at.", { span: formatCoarsely(every) })}
      </p>
      <ul class="episodes">
        {all.map(({ series: name, since, fired, resolved, value }) => (
          <li key={`${name} ${since}`}>
            <At ts={fired} /> {resolved === null ? t("and it lasts") : formatCoarsely(resolved - fired)}{" "}
            <span class="muted">{[name, firedValue(value, unit)].filter((part) => part !== "").join(" · ")}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
