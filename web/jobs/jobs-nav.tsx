import type { JSX } from "preact";
import { later } from "../shell/later.tsx";
import { useTitle } from "../shell/title.ts";
import { t, word } from "../language/text.ts";

const Schedules = later("The schedules", async () => (await import("./schedules-page.tsx")).SchedulesPage);

const places = [
  ["/jobs", "Sent"],
  ["/schedules", "By the clock"],
] as const;

/** Between jobs and what the clock begins. */
export function JobsNav({ here }: { here: string }): JSX.Element {
  return (
    <nav class="people-nav" aria-label={t("Sent or by the clock")}>
      {places.map(([href, name]) => (
        <a key={href} class="button small" href={href} aria-current={href === here ? "page" : undefined}>
          {word(name)}
        </a>
      ))}
    </nav>
  );
}

/** What the clock begins; its code is fetched when somebody looks. */
export function LaterSchedules(): JSX.Element {
  useTitle(t("Schedules"));
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Jobs")}</h1>
        <JobsNav here="/schedules" />
      </div>
      <Schedules />
    </main>
  );
}
