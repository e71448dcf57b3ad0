import { later } from "../shell/later.tsx";

/** The charts' code is more than the rest of the page of an alert, which people read at night. */
export const LaterAlertChart = later("The charts", async () => (await import("./alert-chart.tsx")).AlertChart);
