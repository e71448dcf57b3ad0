import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient, type Client, type MadeEnrollment } from "#api/client";
import { silentLog } from "#shared/log";
import { HttpServer } from "../console/http/server.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { runProgram, type Finished } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";
const agent = "dist/muster-agent.cjs";

interface Place {
  readonly fleet: Fleet;
  readonly client: Client;
  readonly url: string;
}

async function start(scope: Scope): Promise<Place> {
  const fleet = await startFleet(scope, "embedded");
  const { console, state } = fleet;
  state.accounts.set("admin", "admin", password);
  const { accounts } = state;
  const around = { console, accounts, listen: "127.0.0.1", port: 0, log: silentLog };
  const server = new HttpServer({ ...around, join: { agent, broker: () => fleet.url } });
  const url = `http://127.0.0.1:${await server.start()}`;
  scope.cleanup(() => server.stop());
  return { fleet, client: createClient({ url, login: `admin:${password}` }), url };
}

/** Pastes the line into a shell of a machine that has Node and the usual tools, and nothing of ours. */
async function paste(scope: Scope, { line }: MadeEnrollment, directory: string, more = ""): Promise<Finished> {
  const clean = ["-i", `PATH=${process.env["PATH"] ?? ""}`, `HOME=${directory}`];
  const dir = join(directory, "agent");
  scope.cleanup(() => runProgram(process.execPath, [join(dir, "muster-agent.cjs"), "leave", "--dir", dir]));
  return runProgram("env", [...clean, "sh", "-c", `${line} --no-service --dir ${dir} ${more}`], { seconds: 60 });
}

suite("joining by one pasted line", ({ test }) => {
  test("a bare machine becomes a device, is seen, and is the same device however often the line is pasted", async (scope) => {
    const { fleet, client } = await start(scope);
    const directory = await scope.directory();
    const made = await client.createEnrollment({ name: "cam", groups: ["lab"], uses: 2 });
    const dry = await paste(scope, made, directory, "--dry-run");
    assert.is(dry.code, 0, dry.err);
    assert.equal(await readdir(directory), []);

    const first = await paste(scope, made, directory);
    assert.is(first.code, 0, first.err);
    assert.match(first.out, /cam is online: http:/);
    assert.is(fleet.console.registry.get("cam")?.online, true);
    assert.equal(fleet.console.jobs.groups.of("cam"), ["lab"]);
    await eventually("its samples", () =>
      fleet.console.registry.latest("cam").some(({ measurement }) => measurement === "mem"),
    );
    const identity = join(directory, "agent/data/agent/identity.json");
    assert.is((await stat(identity)).mode & 0o777, 0o600);
    const { secret } = (JSON.parse(await readFile(identity, "utf8")) as { joined: { secret: string } }).joined;
    assert.is((await fleet.state.accounts.verify("cam", secret))?.role, "device");

    assert.is((await paste(scope, made, directory)).code, 0);
    const [enrollment] = (await client.listEnrollments()).enrollments;
    assert.is(enrollment?.used, 1);
    assert.is((await paste(scope, made, await scope.directory())).code, 0);
    assert.equal(
      (await client.listEnrollments()).enrollments[0]?.joined.map(({ device }) => device),
      ["cam", "cam-2"],
    );
    assert.match((await paste(scope, made, await scope.directory())).err, /has let in 2 of 2, and is used up/);
  });
});
