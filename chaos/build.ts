import { bundlePrograms } from "../test/bundle.ts";

/** The programs of the fleet, built. */
export interface Programs {
  readonly agent: string;
  readonly server: string;
  readonly metricsAgent: string;
  readonly metricsServer: string;
  readonly burner: string;
  readonly remove: () => void;
}

/** Builds them: there are hundreds of processes in a run. */
export async function buildPrograms(): Promise<Programs> {
  const { path, remove } = await bundlePrograms({
    agent: "chaos/agent.ts",
    server: "chaos/server.ts",
    "metrics-agent": "chaos/metrics/agent.ts",
    "metrics-server": "chaos/metrics/server.ts",
    burner: "chaos/burner.ts",
  });
  return {
    agent: path("agent"),
    server: path("server"),
    metricsAgent: path("metrics-agent"),
    metricsServer: path("metrics-server"),
    burner: path("burner"),
    remove,
  };
}
