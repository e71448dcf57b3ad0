import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import * as assert from "uvu/assert";
import { createClient, type Client, type MadeEnrollment } from "#api/client";
import { parseJoinCode } from "#shared/join-code";
import { serveApi } from "./api-server.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { startBetween } from "./join-between.ts";
import { runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";
import { startTls } from "./tls.ts";

const password = "correct horse";
const agent = "dist/muster-agent.cjs";

interface Place {
  readonly fleet: Fleet;
  readonly client: Client;
  readonly url: string;
}

/** A console on HTTP; with `secure` on HTTPS as well, by an authority of its own. */
async function start(scope: Scope, secure = false): Promise<Place> {
  const fleet = await startFleet(scope, "embedded");
  fleet.state.accounts.set("admin", "admin", password);
  const broker = (): string => fleet.url;
  const tls = secure ? await startTls(scope) : undefined;
  const authority = tls && (() => ({ bundle: tls.authority.caBundle(), fingerprint: tls.authority.fingerprint }));
  const { url } = await serveApi(scope, fleet, {
    join: { agent, broker, authority },
    tls: tls && { identity: tls.identity, plaintext: true },
  });
  return { fleet, client: createClient({ url, login: `admin:${password}` }), url };
}

/** Pastes the line into a shell of a machine that has Node and the usual tools, and nothing of ours. */
async function paste(scope: Scope, line: string, directory: string, more = ""): Promise<Finished> {
  const clean = ["-i", `PATH=${process.env["PATH"] ?? ""}`, `HOME=${directory}`, `TMPDIR=${await scope.directory()}`];
  const dir = join(directory, "agent");
  scope.cleanup(() => runProgram(process.execPath, [join(dir, "muster-agent.cjs"), "leave", "--yes", "--dir", dir]));
  return runProgram("env", [...clean, "sh", "-c", `${line} --no-service --dir ${dir} ${more}`], { seconds: 60 });
}

function joinedIn(directory: string): string {
  return join(directory, "agent/data/agent/identity.json");
}

suite("joining by one pasted line", ({ test }) => {
  test("a bare machine becomes a device, is seen, and is the same device however often the line is pasted", async (scope) => {
    const { fleet, client } = await start(scope);
    const directory = await scope.directory();
    const { line } = await client.createEnrollment({ name: "cam", groups: ["lab"], uses: 2 });
    const dry = await paste(scope, line, directory, "--dry-run");
    assert.is(dry.code, 0, dry.err);
    assert.equal(await readdir(directory), []);

    const first = await paste(scope, line, directory);
    assert.is(first.code, 0, first.err);
    assert.match(first.out, /cam is online: http:/);
    assert.is(fleet.console.registry.get("cam")?.online, true);
    assert.equal(fleet.console.jobs.groups.of("cam"), ["lab"]);
    await eventually("its samples", () =>
      fleet.console.registry.latest("cam").some(({ measurement }) => measurement === "mem"),
    );
    const identity = joinedIn(directory);
    assert.is((await stat(identity)).mode & 0o777, 0o600);
    const { secret } = (JSON.parse(await readFile(identity, "utf8")) as { joined: { secret: string } }).joined;
    assert.is((await fleet.state.accounts.verify("cam", secret))?.role, "device");

    assert.is((await paste(scope, line, directory)).code, 0);
    const [enrollment] = (await client.listEnrollments()).enrollments;
    assert.is(enrollment?.used, 1);
    assert.is((await paste(scope, line, await scope.directory())).code, 0);
    assert.equal(
      (await client.listEnrollments()).enrollments[0]?.joined.map(({ device }) => device),
      ["cam", "cam-2"],
    );
    assert.match((await paste(scope, line, await scope.directory())).err, /has let in 2 of 2, and is used up/);
    const what = fleet.state.database
      .prepare("SELECT what, who FROM audit WHERE result = 'ok' AND what LIKE '%enroll%' ORDER BY n")
      .all();
    assert.equal(
      what.map((entry) => Object.values(entry as object).join(" ")),
      ["enrollment.made admin", "device.enrolled cam", "device.enrolled cam-2"],
    );
  });

  test("a device that was wiped comes back under its name by an operator's word, and who has its old secret is thrown out", async (scope) => {
    const { fleet, client } = await start(scope);
    const own = ["-t", "muster/rpi-7/cmd/+", "-d"];
    const old = new Running(scope, "stdbuf", ["-oL", "mosquitto_sub", ...fleet.login("rpi-7"), ...own]);
    await old.line(/Subscribed/);
    const { line } = await client.createEnrollment({ name: "rpi-7", again: true });
    const { code, err } = await paste(scope, line, await scope.directory());
    assert.is(code, 0, err);
    await fleet.sees("rpi-7", true);
    // It was cut off, and comes again by itself with what it has.
    await old.line(/CONNACK \(4\)/);
  });

  test("nobody in between can give it anything else, and nobody but the console gets the code", async (scope) => {
    const { fleet, client, url } = await start(scope, true);
    const secure = url.replace("http:", "https:");
    const between = await startBetween(scope, () => secure);
    const [through, straight] = await Promise.all(
      [between.origin, secure].map((origin) => client.createEnrollment({ name: "{hostname}", uses: 3, origin })),
    );
    assert.ok(through && straight);
    const attempts: [string, typeof between.change, RegExp][] = [
      ["the script", (path, body) => (path === "/join" ? Buffer.concat([body, Buffer.from("#\n")]) : body), /FAILED/],
      [
        "the agent",
        (path, body) => (path.endsWith(".cjs") ? Buffer.concat([body, Buffer.from("//\n")]) : body),
        /not the agent that this line was made for/,
      ],
      [
        "the authority",
        (path, body, own) => (path.endsWith("/ca") ? Buffer.from(JSON.stringify({ ca: own.ca })) : body),
        /another certificate authority than the code is of/,
      ],
      ["nothing", (_, body) => body, /is not the console that the code is of/],
    ];
    for (const [what, change, told] of attempts) {
      between.change = change;
      const directory = await scope.directory();
      const { code, out, err } = await paste(scope, through.line, directory);
      assert.is.not(code, 0, what);
      assert.match(out + err, told, what);
      assert.not.ok(existsSync(join(directory, "agent/muster-agent.cjs")), what);
    }
    const { id, secret } = parseJoinCode(through.code);
    assert.match(between.heard(), /GET \/join\/ca/);
    for (const word of [id, secret, "POST"]) assert.not.ok(between.heard().includes(word), word);
    assert.is(fleet.console.enrollments.find(id)?.used, 0);

    const directory = await scope.directory();
    const { code, err } = await paste(scope, straight.line, directory);
    assert.is(code, 0, err);
    const { joined } = JSON.parse(await readFile(joinedIn(directory), "utf8")) as { joined: { ca: string } };
    assert.match(joined.ca, /BEGIN CERTIFICATE/);
  });

  test("an agent without a device joins by a code in a file, and the file is gone then", async (scope) => {
    const { fleet, client } = await start(scope);
    const directory = await scope.directory();
    const { code }: MadeEnrollment = await client.createEnrollment({ name: "image-1" });
    const file = join(directory, "muster-join");
    await writeFile(file, `${code}\n`);
    const running = new Running(scope, process.execPath, [
      agent,
      "--data",
      join(directory, "data"),
      "--join-file",
      file,
    ]);
    await running.line(/agent image-1 reports to/);
    await fleet.sees("image-1", true);
    assert.not.ok(existsSync(file));
    await running.kill("SIGTERM");
    const again = new Running(scope, process.execPath, [agent, "--data", join(directory, "data"), "--join-file", file]);
    await again.line(/agent image-1 reports to/);
  });

  test("a machine asks without a code, shows a fingerprint, and is a device when a person has said yes to that", async (scope) => {
    const { fleet, client, url } = await start(scope, true);
    const directory = await scope.directory();
    const dir = join(directory, "agent");
    scope.cleanup(() => runProgram(process.execPath, [join(dir, "muster-agent.cjs"), "leave", "--yes", "--dir", dir]));
    const words = [
      "join",
      url.replace("http:", "https:"),
      "--ask",
      "--no-service",
      "--dir",
      relative(process.cwd(), dir),
    ];
    const asking = new Running(scope, process.execPath, [agent, ...words]);
    const shown = (await asking.line(/^ {2}[0-9a-f-]{39}$/)).trim();
    await eventually("the request", async () => (await client.listJoinRequests()).requests.length === 1);
    const [request] = (await client.listJoinRequests()).requests;
    assert.is(request?.fingerprint, shown);
    assert.is(request?.address, "127.0.0.1");
    await client.approveJoinRequest(request?.id ?? "", { name: "asked-1", groups: ["lab"] });
    await asking.line(/asked-1 is online/, 60);
    assert.is(fleet.console.registry.get("asked-1")?.online, true);
  });
});
