import type { JSX } from "preact";
import { useLocation } from "preact-iso/router";
import { t } from "../language/text.ts";
import { managesPeople } from "../people/people-nav.tsx";
import { session } from "../state/session-state.ts";

const places = [
  ["/health", "Health"],
  ["/set-aside", "Set aside"],
  ["/damage", "Damage"],
  ["/notifications", "Notifications"],
  ["/settings", "Settings"],
] as const;

/** The way between the pages about Muster itself; its settings are an administrator's, and how it is nobody's who is limited to groups. */
export function HealthNav(): JSX.Element {
  const { path } = useLocation();
  const shown = places.filter(([href]) => {
    if (href === "/settings") return managesPeople();
    return href !== "/health" || session.value?.groups === undefined;
  });
  return (
    <nav class="people-nav" aria-label={t("About Muster itself")}>
      {shown.map(([href, name]) => (
        <a key={href} class="button small" href={href} aria-current={path === href ? "page" : undefined}>
          {t(name)}
        </a>
      ))}
    </nav>
  );
}
