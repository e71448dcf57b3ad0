import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { LocationProvider, Route, Router, useLocation } from "preact-iso/router";
import { LaterHealth, LaterSetAside, LaterSettingsPage } from "../health/later-health.tsx";
import { LanguageSwitch } from "../language/language-switch.tsx";
import { t, word } from "../language/text.ts";
import { AuditPage } from "../audit/audit-page.tsx";
import { CommandsPage } from "../commands/commands-page.tsx";
import { JobPage } from "../jobs/job-page.tsx";
import { LaterSchedules } from "../jobs/jobs-nav.tsx";
import { JobsPage } from "../jobs/jobs-page.tsx";
import { FleetPage } from "../fleet/fleet-page.tsx";
import { DevicePage } from "../devices/device-page.tsx";
import { LaterAlert, LaterAlerts, LaterRule } from "../alerts/later-alerts.tsx";
import { LaterReports } from "../reports/later-reports.tsx";
import { countFiring } from "../state/open-alerts.ts";
import { connection, startLive } from "../state/live-state.ts";
import { startClock } from "../state/now.ts";
import { checkSession, logOut, session, sessionProblem } from "../state/session-state.ts";
import { LaterNotifications } from "../notifications/later-notifications.tsx";
import { LiveRegion } from "./live-region.tsx";
import { Banners } from "./banners.tsx";
import { DamagePage } from "./damage-page.tsx";
import { Logo } from "./icons.tsx";
import { PeoplePage } from "../people/people-page.tsx";
import { TokensPage } from "../people/tokens-page.tsx";
import { SessionsPage } from "./sessions-page.tsx";
import { later } from "./later.tsx";
import { LoginPage } from "./login.tsx";

const Palette = later("The palette", async () => (await import("./palette.tsx")).Palette);

/** The whole page: nothing, the log-in, or the work, by who is here. */
export function App(): JSX.Element {
  useEffect(() => {
    void checkSession();
    return startClock();
  }, []);
  if (session.value) return <Work key={session.value.name} />;
  if (session.value === null) return <LoginPage />;
  if (!sessionProblem.value) return <main class="login" aria-busy="true" />;
  return (
    <main class="login">
      <div class="unreachable" role="alert">
        <p>{sessionProblem.value}</p>
        <button type="button" class="button" onClick={() => void checkSession()}>
          {t("Try again")}
        </button>
      </div>
    </main>
  );
}

function Work(): JSX.Element {
  useEffect(startLive, []);
  const palette = useSignal(false);
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      palette.value = !palette.peek();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
  return (
    <LocationProvider>
      <TopBar />
      <Banners />
      <LiveRegion />
      {palette.value && <Palette onEnd={() => (palette.value = false)} />}
      <Router>
        <Route path="/" component={FleetPage} />
        <Route path="/devices/:id" component={DevicePage} />
        <Route path="/commands" component={CommandsPage} />
        <Route path="/jobs" component={JobsPage} />
        <Route path="/jobs/:id" component={JobPage} />
        <Route path="/schedules" component={LaterSchedules} />
        <Route path="/alerts" component={LaterAlerts} />
        <Route path="/alerts/:id" component={LaterAlert} />
        <Route path="/alerts/rules/edit" component={LaterRule} />
        <Route path="/reports" component={LaterReports} />
        <Route path="/damage" component={DamagePage} />
        <Route path="/health" component={LaterHealth} />
        <Route path="/set-aside" component={LaterSetAside} />
        <Route path="/notifications" component={LaterNotifications} />
        <Route path="/settings" component={LaterSettingsPage} />
        <Route path="/sessions" component={SessionsPage} />
        <Route path="/tokens" component={TokensPage} />
        <Route path="/people" component={PeoplePage} />
        <Route path="/audit" component={AuditPage} />
        <Route default component={NotFound} />
      </Router>
      <Foot />
    </LocationProvider>
  );
}

function TopBar(): JSX.Element {
  const { path } = useLocation();
  return (
    <header class="topbar">
      <a class="brand" href="/" aria-label={t("Muster, to the fleet")}>
        <Logo />
        <span>Muster</span>
      </a>
      <nav aria-label={t("Main")}>
        <NavLink href="/" name="Fleet" here={path === "/" || path.startsWith("/devices")} />
        <NavLink href="/commands" name="Commands" here={path === "/commands"} />
        <NavLink href="/jobs" name="Jobs" here={path.startsWith("/jobs") || path === "/schedules"} />
        <AlertsLink here={path.startsWith("/alerts") || path === "/reports"} />
      </nav>
      <span class={`stream ${connection.value}`} data-testid="stream" data-state={connection.value}>
        {{ connecting: t("Connecting"), live: t("Live"), lost: t("Reconnecting") }[connection.value]}
      </span>
      <a
        class="who-am-i"
        href="/sessions"
        data-testid="sessions-link"
        aria-current={["/sessions", "/tokens", "/people", "/audit"].includes(path) ? "page" : undefined}
        title={t("Role: {value}. Who is logged in", { value: word(session.value?.role ?? "") })}
      >
        {session.value?.name}
      </a>
      <button type="button" class="button small" data-testid="logout" onClick={() => void logOut().catch(() => {})}>
        {t("Log out")}
      </button>
    </header>
  );
}

/** Below every page: Muster itself, and the language. */
function Foot(): JSX.Element {
  return (
    <footer class="foot">
      <nav aria-label={t("Muster itself")}>
        {session.value?.groups === undefined && <a href="/health">{t("Health")}</a>}
        <a href="/set-aside">{t("Set aside")}</a>
      </nav>
      <LanguageSwitch />
    </footer>
  );
}

function NavLink({ href, name, here }: { href: string; name: string; here: boolean }): JSX.Element {
  return (
    <a href={href} aria-current={here ? "page" : undefined}>
      {word(name)}
    </a>
  );
}

/** With how many fire, where any does. */
function AlertsLink({ here }: { here: boolean }): JSX.Element {
  const count = countFiring();
  return (
    <a href="/alerts" aria-current={here ? "page" : undefined} data-testid="alerts-link">
      {t("Alerts")}
      {count > 0 && (
        <span class="firing" title={t("{count} fires|{count} fire", { count })}>
          {count}
        </span>
      )}
    </a>
  );
}

function NotFound(): JSX.Element {
  return (
    <main class="page narrow">
      <h1>{t("Nothing is here")}</h1>
      <p class="hint">
        {t("This address leads to no page.")} <a href="/">{t("To the fleet")}</a>
      </p>
    </main>
  );
}
