import { later } from "../shell/later.tsx";

/** The page of reports, whose code is fetched when somebody looks. */
export const LaterReports = later("The page of reports", async () => (await import("./reports-page.tsx")).ReportsPage);
