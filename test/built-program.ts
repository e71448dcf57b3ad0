import { bundlePrograms, type Bundle } from "./bundle.ts";

/** Agents and consoles that tests begin again and again: built once in each worker, a start costs a third of what tsx makes of it. */
const programs = {
  "mortal-agent": "test/mortal-agent.ts",
  "outbox-agent": "test/outbox-agent.ts",
  "mortal-console": "test/mortal-console.ts",
};
let built: Promise<Bundle> | undefined;

/** What Node is told to run one of them. It is there until this process ends. */
export async function builtProgram(name: keyof typeof programs): Promise<string> {
  built ??= bundlePrograms(programs).then((bundle) => {
    process.once("exit", bundle.remove);
    return bundle;
  });
  return (await built).path(name);
}
