import { later } from "../shell/later.tsx";

/** The pages about Muster itself, whose code is fetched when somebody looks. */
export const LaterHealth = later(
  "The page of Muster's health",
  async () => (await import("./health-page.tsx")).HealthPage,
);
export const LaterSetAside = later(
  "The page of what was set aside",
  async () => (await import("../set-aside/set-aside-page.tsx")).SetAsidePage,
);
export const LaterSettingsPage = later(
  "The page of the settings",
  async () => (await import("./console-settings-page.tsx")).ConsoleSettingsPage,
);
