import { foreignNode } from "./emulator.ts";
import { startFleet } from "./fleet.ts";
import { reportsAndObeys } from "./reporting.ts";
import { suite } from "./suite.ts";

const machines = [
  ["armv7", "20.11.0", { debian: "armhf", node: "armv7l", qemu: "arm", cpu: "cortex-a7" }],
  ["arm64", "18.19.0", { debian: "arm64", node: "arm64", qemu: "aarch64", cpu: "cortex-a53" }],
] as const;

suite("the agent in one file, on other machines", ({ test }) => {
  for (const [name, version, foreign] of machines) {
    test(
      `${name}, Node ${version}: connects, keeps and sends samples, answers`,
      async (scope) => {
        const command = await foreignNode(foreign, version);
        await reportsAndObeys({ scope, fleet: await startFleet(scope, "embedded"), command, version, patience: 100 });
      },
      { seconds: 400 },
    );
  }
});
