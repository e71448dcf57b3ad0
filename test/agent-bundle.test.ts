import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { startFleet } from "./fleet.ts";
import { runProgram, Running } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const built = "dist/muster-agent.cjs";
/** Bytes: what a slow line or a small card is asked to carry. */
const maxBytes = 400_000;

suite("the agent in one file", ({ test }) => {
  test("copied alone to an empty directory it reports, obeys, and runs executables with arguments", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await scope.directory();
    await copyFile(built, join(directory, "muster-agent.cjs"));
    await mkdir(join(directory, "commands"));
    await writeFile(join(directory, "commands/double"), executable);
    await chmod(join(directory, "commands/double"), 0o755);
    const url = fleet.url.replace("//", `//rpi-7:${fleet.secretOf("rpi-7")}@`);
    const agent = new Running(
      scope,
      process.execPath,
      ["muster-agent.cjs", "--interval", "1s", "--exec-directory", "commands", "--config", await emptyFile(directory)],
      { cwd: directory, env: { MUSTER_MQTT_URL: url, NODE_PATH: "" } },
    );
    await agent.line(/agent rpi-7 reports to mqtt:/);
    await fleet.sees("rpi-7", true);

    await eventually("its samples", () =>
      fleet.console.registry.latest("rpi-7").some(({ measurement }) => measurement === "mem"),
    );
    assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
    const doubled = await fleet.console.send("rpi-7", { key: "exec:double", args: { number: 21 } });
    assert.equal(doubled.result, { doubled: 42 });
    const wrong = fleet.console.send("rpi-7", { key: "exec:double", args: { number: "much" } });
    const refusal = await wrong.then(() => "", String);
    assert.match(refusal, /number/, "its schema was announced");

    assert.equal(await childrenOf(agent.child.pid), [], "no child process is left by sampling or commands");
    assert.equal((await readdir(directory)).toSorted(), ["commands", "data", "empty.toml", "muster-agent.cjs"]);
    assert.is(await agent.kill("SIGTERM"), 0);
    await fleet.sees("rpi-7", false);
  });

  test("it loads nothing of Node's that costs memory for little, and says so of itself", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await scope.directory();
    const [telling, told] = [join(directory, "telling.cjs"), join(directory, "told")];
    const tell = `process.on("exit", () => require("fs").writeFileSync(${JSON.stringify(told)}, process.moduleLoadList.join("\\n")))`;
    await writeFile(telling, tell);
    const url = fleet.url.replace("//", `//rpi-7:${fleet.secretOf("rpi-7")}@`);
    const settings = ["--interval", "1s", "--data", directory, "--mqtt-url", url];
    // As its starter runs it: then it also tells which file it is.
    const env = { MUSTER_AGENT_STATE: directory, MUSTER_AGENT_BASE: "1-2" };
    const start = async (): Promise<Running> => {
      const one = new Running(scope, process.execPath, ["--require", telling, built, ...settings], { env });
      await one.line(/agent rpi-7 reports to mqtt:/);
      return one;
    };
    const first = await start();
    await fleet.sees("rpi-7", true);
    // The first start has hashed its own file, and written down what came out.
    await first.kill("SIGTERM");
    assert.match(await readFile(told, "utf8"), /^NativeModule crypto$/m);
    await fleet.sees("rpi-7", false);
    const second = await start();
    await eventually("its samples", () => fleet.console.registry.latest("rpi-7").length > 5);
    await fleet.sees("rpi-7", true);
    assert.match(fleet.console.registry.get("rpi-7")?.build ?? "", /^[0-9a-f]{16}$/);
    await second.kill("SIGTERM");
    const loaded = (await readFile(told, "utf8")).split("\n");
    const costly =
      /^NativeModule (crypto|perf_hooks|cluster|child_process|dgram|dns|http|https|readline|tls|internal\/fs\/promises|internal\/fs\/streams)$/;
    // The telling itself writes a file at once, and loads none of these.
    assert.equal(
      loaded.filter((name) => costly.test(name)),
      [],
    );
  });

  test("it is small", async () => {
    const { size } = await stat(built);
    assert.ok(size <= maxBytes, `${size} bytes: expected at most ${maxBytes}`);
  });

  test("what it holds for systems other than Linux is there, and tells its memory", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await scope.directory();
    const disguise = join(directory, "disguise.cjs");
    await writeFile(disguise, `Object.defineProperty(process, "platform", { value: "freebsd" });`);
    const url = fleet.url.replace("//", `//rpi-7:${fleet.secretOf("rpi-7")}@`);
    const settings = ["--interval", "1s", "--data", directory, "--mqtt-url", url];
    const agent = new Running(scope, process.execPath, ["--require", disguise, built, ...settings]);
    await agent.line(/agent rpi-7 reports to mqtt:/);
    await fleet.sees("rpi-7", true);
    await eventually("its memory", () =>
      fleet.console.registry
        .latest("rpi-7")
        .some(({ measurement, fields }) => measurement === "mem" && "free" in fields),
    );
  });

  test("it speaks over WebSocket too", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const url = `ws://rpi-7:${fleet.secretOf("rpi-7")}@127.0.0.1:${fleet.port}/mqtt`;
    const data = await scope.directory();
    const agent = new Running(scope, process.execPath, [built, "--mqtt-url", url, "--data", data]);
    await agent.line(/agent rpi-7 reports to ws:/);
    await fleet.sees("rpi-7", true);
    assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
  });

  test("its command line knows the agent's settings alone, and tells what is wrong in a sentence", async () => {
    const { out } = await runProgram(process.execPath, [built, "--help"]);
    assert.match(out, /--interval <value> .*\[MUSTER_INTERVAL\]/);
    assert.not.match(out, "--http-port");
    const unknown = await runProgram(process.execPath, [built, "--http-port", "1"]);
    assert.is(unknown.code, 2);
    assert.match(unknown.err, /^muster: Unknown option '--http-port'/);
    const wrong = await runProgram(process.execPath, [built, "--interval", "soon", "--device", "a/b"]);
    assert.is(wrong.code, 2);
    assert.match(wrong.err, /muster: --device is .*\nmuster: --interval is /s);
    const secretless = await runProgram(process.execPath, [built, "--device", "rpi-7"], {
      env: { MUSTER_MQTT_URL: "" },
    });
    assert.is(secretless.code, 1);
    assert.match(secretless.err, /^muster: no secret for rpi-7: .*muster enroll rpi-7/);
    const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
    assert.is((await runProgram(process.execPath, [built, "--version"])).out.trim(), version);
  });
});

const executable = `#!${process.execPath}
if (process.argv[2] === "--describe") {
  const args = { type: "object", properties: { number: { type: "number" } }, required: ["number"] };
  console.log(JSON.stringify({ title: "Double", args }));
} else {
  let text = "";
  process.stdin.on("data", (chunk) => (text += chunk));
  process.stdin.on("end", () => console.log(JSON.stringify({ doubled: JSON.parse(text).number * 2 })));
}
`;

async function emptyFile(directory: string): Promise<string> {
  const path = join(directory, "empty.toml");
  await writeFile(path, "");
  return path;
}

/** The processes that any thread of this one has started and not yet seen end. */
async function childrenOf(pid: number | undefined): Promise<string[]> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, "utf8")));
  return lists.flatMap((list) => list.split(" ").filter(Boolean));
}
