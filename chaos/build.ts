import { bundlePrograms } from "../test/bundle.ts";

const sources = {
  server: "chaos/server.ts",
  commandsAgent: "chaos/commands/agent.ts",
  samplesAgent: "chaos/samples/agent.ts",
  burner: "chaos/burner.ts",
  keeper: "chaos/keeper.ts",
};

/** The programs of the fleet, built. */
export type Programs = Readonly<Record<keyof typeof sources, string>> & { readonly remove: () => void };

/** Builds them: there are hundreds of processes in a run. */
export async function buildPrograms(): Promise<Programs> {
  const { path, remove } = await bundlePrograms(sources);
  const built = Object.keys(sources).map((name) => [name, path(name)] as const);
  return { ...(Object.fromEntries(built) as Record<keyof typeof sources, string>), remove };
}
