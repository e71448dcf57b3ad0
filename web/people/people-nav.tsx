import type { JSX } from "preact";
import { useLocation } from "preact-iso/router";
import { session } from "../state/session-state.ts";
import { t, word } from "../language/text.ts";

const places = [
  ["/sessions", "Sessions"],
  ["/tokens", "Tokens"],
  ["/people", "People"],
  ["/audit", "Audit"],
] as const;

/** The way between the pages about who comes in; the accounts of others and who did what are an administrator's. */
export function PeopleNav(): JSX.Element {
  const { path } = useLocation();
  const shown = managesPeople() ? places : places.slice(0, 2);
  return (
    <nav class="people-nav" aria-label={t("Who comes in")}>
      {shown.map(([href, name]) => (
        <a key={href} class="button small" href={href} aria-current={path === href ? "page" : undefined}>
          {word(name)}
        </a>
      ))}
    </nav>
  );
}

/** Whether whoever is here manages accounts: an administrator who is limited to nothing. */
export function managesPeople(): boolean {
  return session.value?.role === "admin" && session.value.groups === undefined;
}

/** Groups as somebody types them. */
export function readGroups(text: string): string[] {
  return text.split(/[\s,]+/).filter((one) => one !== "");
}

/** What somebody may, in a few words. */
export function reachOf(groups: readonly string[] | undefined): string {
  return groups ? groups.join(", ") : t("all devices");
}
