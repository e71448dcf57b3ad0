import { later } from "../shell/later.tsx";

/** The pages of alerts, whose code is fetched when somebody looks. */
export const LaterAlerts = later("The page of alerts", async () => (await import("./alerts-page.tsx")).AlertsPage);
export const LaterAlert = later("The page of alerts", async () => (await import("./alert-page.tsx")).AlertPage);
export const LaterRule = later("The page of alerts", async () => (await import("./rule-page.tsx")).RulePage);
