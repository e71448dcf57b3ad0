import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { CommandFailedError } from "../console/console.ts";
import { startFleet } from "./fleet.ts";
import { Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const run = promisify(execFile);
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly bin: Readonly<Record<string, string>>;
};

/** What nobody needs who only uses Muster. */
const ours =
  /^(test|chaos|attack|bench|sim|agent|api|broker|console|disk|shared)\/|\.test\.|^(?!examples\/).*(?<!\.d)\.tsx?$|^(build|knip|tsconfig)/;

/** The package as it would be published, unpacked into a project that has its dependencies. @returns the project's directory */
async function install(scope: Scope): Promise<string> {
  const project = await scope.directory();
  await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", project]);
  const [tarball = ""] = await readdir(project);
  const modules = join(project, "node_modules");
  await mkdir(join(modules, "muster"), { recursive: true });
  await run("tar", ["-xzf", join(project, tarball), "-C", join(modules, "muster"), "--strip-components=1"]);
  // What `npm install` would bring; @types/node is what every program for Node has.
  for (const name of [...Object.keys(manifest.dependencies), "@types/node"]) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(resolve("node_modules", name), join(modules, name));
  }
  return project;
}

/** A program of somebody else's: each exported module, by the names that docs/library.md tells. */
const consumer = `
import { Agent, CommandError, type AgentOptions, type Handler } from "muster/agent";
import { CommandFailedError, CommandRefusedError, CommandTimeoutError, Console, type Command, type ConsoleOptions } from "muster/console";
import { ApiError, createClient, type DeviceDocument } from "muster/client";
import * as z from "zod";

const options: AgentOptions = { device: "rpi-7", url: "mqtt://127.0.0.1", password: "secret", interval: 1_000 };
const agent = new Agent(options);
agent.handle("greet", {
  args: z.object({ name: z.string(), times: z.number().default(1) }),
  async run({ name, times }, { progress, output, signal }) {
    signal.throwIfAborted();
    output(name.toUpperCase());
    progress(times.toFixed().length);
    if (times > 9) throw new CommandError("too-often", "expected at most 9 times", { times });
    return { greeted: name, times };
  },
});
const ping: Handler = { title: "Answer", harmless: true, run: () => ({ pong: true }) };
agent.handle("answer", ping);
agent.gauge("room", { temperature: 21.5 });
agent.start();
export const reason: string = await agent.finished;

const place: ConsoleOptions = { directory: "./data", url: "mqtt://127.0.0.1", password: "secret" };
const muster = new Console(place);
await muster.start();
muster.registry.changes.on(() => console.log(muster.devices().map(({ id, online }) => [id, online])));
try {
  const command: Command = await muster.send("rpi-7", { key: "greet", args: { name: "world" } }, { timeout: "5s" });
  console.log(command.state, command.result);
} catch (error) {
  if (error instanceof CommandRefusedError) console.log(error.reason);
  else if (error instanceof CommandTimeoutError) console.log(error.details.command.id);
  else if (error instanceof CommandFailedError) console.log(error.details.command.error?.code);
  else throw error;
}
const client = createClient({ url: "http://127.0.0.1:3000", login: "ann:correct horse" });
const devices: readonly DeviceDocument[] = (await client.listDevices({ limit: 10 })).devices;
try {
  const { state, explain } = await client.sendCommand("rpi-7", { key: "ping", timeout: "5s" }, { wait: true });
  console.log(devices.length, state === "succeeded", explain.length);
  for await (const told of client.events()) {
    if (told.event === "presence") console.log(told.data.online);
    if (told.event === "command") console.log(told.data.timeline.length);
  }
} catch (error) {
  if (error instanceof ApiError) console.log(error.status, error.problem?.reason === "offline");
}
// @ts-expect-error a route's query has no such part
await client.listDevices({ page: 2 });
// @ts-expect-error a command has a key
await client.sendCommand("rpi-7", {});
// @ts-expect-error types are really there: this is no device's id
agent.device = 5;
await muster.stop();
`;

/** What the compiler says of the program with such modules; every declaration that it meets is checked as well. */
async function compile(
  project: string,
  module: object,
  file = "program.ts",
  emits: object = { noEmit: true },
): Promise<string> {
  const name = `tsconfig.${Object.values(module).join("-")}.json`;
  const strict = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  };
  const compilerOptions = { target: "es2023", lib: ["es2023"], types: ["node"], ...emits, ...strict, ...module };
  await writeFile(join(project, name), JSON.stringify({ compilerOptions, files: [file] }));
  const tsc = resolve("node_modules/typescript/bin/tsc");
  return run(process.execPath, [tsc, "-p", name], { cwd: project }).then(
    () => "",
    ({ stdout }: { stdout: string }) => stdout,
  );
}

suite("the package", ({ test, before }) => {
  let project = "";
  before(async (scope) => {
    project = await install(scope);
  });

  test("what is published is what a user needs, and all that it promises is in it", async () => {
    const inside = join(project, "node_modules/muster");
    const files = (await readdir(inside, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(inside.length + 1));
    assert.equal(
      files.filter((file) => ours.test(file)),
      [],
    );
    const { exports, bin } = manifest;
    const promised = Object.values(exports).flatMap((one) => (typeof one === "string" ? [one] : Object.values(one)));
    for (const path of [...promised, ...Object.values(bin), "README.md", "LICENSE", "mosquitto.conf"])
      assert.ok(existsSync(join(inside, path)), path);
  });

  for (const module of [{ module: "nodenext" }, { module: "esnext", moduleResolution: "bundler" }]) {
    test(`a program compiles against it without an error: ${Object.values(module).join(", ")}`, async () => {
      await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
      await writeFile(join(project, "program.ts"), consumer);
      assert.is(await compile(project, module), "");
    });
  }

  test(
    "the example agent compiles against it and runs on it: its collector, what it says of that, and its command",
    async (scope) => {
      const [file, module] = ["sdk-agent.ts", { module: "nodenext" }];
      await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
      await copyFile(join(project, "node_modules/muster/examples", file), join(project, file));
      assert.is(await compile(project, module, file, { noEmitOnError: true }), "");
      const fleet = await startFleet(scope, "embedded");
      const env = {
        BROKER: fleet.url,
        SECRET: fleet.secretOf("rpi-7"),
        SECONDS: "0.2",
        DIRECTORY: join(project, "data"),
      };
      const agent = new Running(scope, process.execPath, ["sdk-agent.js"], { env, cwd: project });
      await fleet.sees("rpi-7", true);
      const device = () => fleet.console.registry.get("rpi-7");
      await eventually("its word", () => device()?.measurements?.["tank"]?.fields?.["level"]?.unit === "l");
      const pumped = await fleet.console.send("rpi-7", { key: "pump", args: { litres: 5 } }, { timeout: "30s" });
      assert.equal(pumped.result, { litres: 45 });
      const values = () => fleet.console.registry.latest("rpi-7").find(({ measurement }) => measurement === "tank");
      await eventually("its values", () => values()?.fields["level"] === 45);
      assert.equal([values()?.tags, values()?.fields["full"]], [{ site: "yard" }, false]);
      await fleet.console.send("rpi-7", { key: "pump", args: { litres: 50 } }, { timeout: "30s" });
      const full = await fleet.console
        .send("rpi-7", { key: "pump", args: { litres: 50 } }, { timeout: "30s" })
        .catch((error: unknown) => error);
      assert.instance(full, CommandFailedError);
      assert.is((full as CommandFailedError).details.command.error?.code, "too-full");
      agent.child.kill("SIGTERM");
      assert.is(await agent.end(), 0, agent.lines.join("\n"));
    },
    { seconds: 120 },
  );
});
