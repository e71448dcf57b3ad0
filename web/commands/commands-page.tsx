import type { JSX } from "preact";
import { useTitle } from "../shell/title.ts";
import { CommandList } from "./command-list.tsx";
import { t } from "../language/text.ts";

/** What was asked of all devices, and what became of it. */
export function CommandsPage(): JSX.Element {
  useTitle(t("Commands"));
  return (
    <main class="page narrow">
      <h1>{t("Commands")}</h1>
      <CommandList limit={100} />
    </main>
  );
}
