import { later } from "../shell/later.tsx";

/** The page of channels and deliveries, whose code is fetched when somebody looks. */
export const LaterNotifications = later(
  "The page of notifications",
  async () => (await import("./notifications-page.tsx")).NotificationsPage,
);
