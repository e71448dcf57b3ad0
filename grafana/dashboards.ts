import { writeFileSync } from "node:fs";
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { device } from "./device.ts";
import { fleet } from "./fleet.ts";
import { muster } from "./muster.ts";

/** The dashboards by the name of their file in grafana/dashboards/. */
export function dashboards(): Readonly<Record<string, Dashboard>> {
  return {
    "fleet.json": numbered(fleet().build()),
    "device.json": numbered(device().build()),
    "muster.json": numbered(muster().build()),
  };
}

/** Grafana numbers panels by itself when it saves one; a provisioned file is better off with numbers that stay. */
function numbered(made: Dashboard): Dashboard {
  for (const [at, panel] of (made.panels ?? []).entries()) panel.id = at + 1;
  return made;
}

// `node --import tsx grafana/dashboards.ts` writes the files anew.
if (process.argv[1] === import.meta.filename) {
  for (const [name, made] of Object.entries(dashboards()))
    writeFileSync(new URL(`dashboards/${name}`, import.meta.url), `${JSON.stringify(made, null, 2)}\n`);
}
