import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { suite, type Scope } from "../../test/suite.ts";
import { FilePlaces } from "./file-places.ts";
import { ownPlaces } from "./own-places.ts";
import { parseMounts } from "./out-of-reach.ts";

const settings = {
  data: "/nowhere/data",
  ca: undefined,
  joinFile: "/nowhere/join",
  execDirectory: undefined,
  metricsDirectory: "/nowhere/metrics",
  remoteDirectories: [],
};

/** A directory with these files, all of which a device lets be put; and which of them are within reach of an agent begun so. */
async function reachable(
  scope: Scope,
  { files, program, env = () => ({}) }: { files: string[]; program: string; env?: (root: string) => NodeJS.ProcessEnv },
): Promise<string[]> {
  const root = await scope.directory();
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), "");
  }
  symlinkSync(join(root, program), join(root, "begun"));
  const own = ownPlaces(settings, { argv: ["node", join(root, "begun")], env: env(root) });
  const places = new FilePlaces({ from: [], into: [root], own });
  const reached: string[] = [];
  for (const file of files) await places.inPlace(join(root, file), async () => reached.push(file)).catch(() => {});
  return reached;
}

suite("what the agent runs", ({ test }) => {
  test("all of the package, and the packages that it takes from elsewhere", async (scope) => {
    const files = [
      "package.json",
      "app.conf",
      "node_modules/mqtt/index.js",
      "node_modules/muster/package.json",
      "node_modules/muster/dist/muster.js",
      "node_modules/muster/dist/chunks/agent-1.js",
    ];
    assert.equal(await reachable(scope, { files, program: "node_modules/muster/dist/muster.js" }), [
      "package.json",
      "app.conf",
    ]);
    const cloned = ["package.json", "dist/muster.js", "dist/chunks/a.js", "dist/web/a.js", "node_modules/mqtt/a.js"];
    assert.equal(await reachable(scope, { files: cloned, program: "dist/muster.js" }), []);
  });

  test("the directory of the agent's one file, its versions, and what an executable has unpacked", async (scope) => {
    const one = ["opt/muster-agent.cjs", "opt/start.sh", "node_modules/bufferutil/index.js", "etc/app.conf"];
    assert.equal(await reachable(scope, { files: one, program: "opt/muster-agent.cjs" }), ["etc/app.conf"]);
    const updated = ["state/versions/0123456789abcdef", "state/muster-agent.cjs", "state/current", "etc/app.conf"];
    const started = (root: string): NodeJS.ProcessEnv => ({ MUSTER_AGENT_STATE: join(root, "state") });
    assert.equal(await reachable(scope, { files: updated, program: "state/versions/0123456789abcdef", env: started }), [
      "etc/app.conf",
    ]);
    const unpacked = [
      "run/.muster-0123456789abcdef/muster-agent.cjs",
      "run/.muster-0123456789abcdef/node",
      "run/.muster-fedcba9876543210/muster-agent.cjs",
      "bin/muster-agent",
      "run/app.conf",
    ];
    const env = (root: string): NodeJS.ProcessEnv => ({
      MUSTER_RUNTIME_DIRECTORY: join(root, "run"),
      MUSTER_AGENT_EXECUTABLE: join(root, "bin", "muster-agent"),
    });
    const [program = ""] = unpacked;
    assert.equal(await reachable(scope, { files: unpacked, program, env }), ["run/app.conf"]);
  });

  test("mounts are read as the kernel writes them", () => {
    const line = "36 35 98:0 /mnt\\0401 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n";
    assert.equal(parseMounts(line), [{ device: "98:0", root: "/mnt 1", point: "/mnt 2" }]);
  });
});
