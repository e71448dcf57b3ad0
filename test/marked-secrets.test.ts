import { chmodSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { openPage } from "./browser.ts";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { DeviceAuthority } from "../tls/device-authority.ts";
import { tlsDirectory } from "../tls/paths.ts";
import { statusOf } from "./checked-client.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { startTls } from "./tls.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** Everything that may be known to whoever it was shown, and to nobody else; each can be found again wherever it comes up. */
const mark = {
  admin: "mark-of-admin's password",
  person: "mark-of-ann's password",
  wrong: "mark-of-a mistyped password",
  influx: "mark-of-influx",
  broker: "mark-of-a-broker",
};

async function place(scope: Scope) {
  const directory = await scope.directory();
  const data = join(directory, "data");
  const [http, mqtt, nowhere] = [await freePort(), await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: data,
    MUSTER_HTTP_PORT: String(http),
    MUSTER_MQTT_PORT: String(mqtt),
    MUSTER_DEVICE: "edge-1",
    MUSTER_LOG_LEVEL: "debug",
    MUSTER_INTERVAL: "1s",
  };
  return { directory, data, env, mqtt, nowhere, url: `http://127.0.0.1:${http}` };
}

suite("secrets stay where they belong", ({ test }) => {
  test(
    "in no log, process title, address, report or export, while everything is at work and fails",
    async (scope) => {
      const { directory, data, env, mqtt, nowhere, url } = await place(scope);
      const muster = (...args: string[]) => runProgram(...musterProgram(args), { env });
      const running = new Running(scope, ...musterProgram(["start"]), {
        env: {
          ...env,
          MUSTER_ADMIN_PASSWORD: mark.admin,
          // Nobody listens there: what fails is told, and where.
          MUSTER_INFLUX_URL: `http://writer:${mark.influx}@127.0.0.1:${nowhere}/metrics`,
        },
      });
      await running.line(/is up/);
      const admin = createClient({ url, login: `admin:${mark.admin}` });
      const file = join(directory, "password");
      writeFileSync(file, `${mark.person}\n`, { mode: 0o600 });
      assert.is((await muster("operator", "ann", "--password-file", file)).code, 0);
      const forMqtt = word(/(\S{27})/, (await muster("operator", "ann", "--mqtt")).out);
      const token = (await admin.createToken({ name: "night", role: "viewer" })).secret;
      const enrolled = word(/edge-9:([^@\s]+)@/, (await muster("enroll", "edge-9", "--secret")).out);
      const code = word(/muster1\.\w+\.([\w-]+)/, (await muster("enroll", "edge-8")).out);
      const agent = new Running(scope, ...musterProgram(["agent"]), {
        env: {
          ...env,
          MUSTER_DEVICE: "",
          MUSTER_DATA: join(directory, "elsewhere"),
          MUSTER_MQTT_URL: `mqtt://edge-9:${enrolled}@127.0.0.1:${mqtt}`,
        },
      });
      const lost = new Running(scope, ...musterProgram(["agent"]), {
        env: {
          ...env,
          MUSTER_DEVICE: "edge-7",
          MUSTER_DATA: join(directory, "lost"),
          MUSTER_MQTT_URL: `mqtt://edge-7:${mark.broker}@127.0.0.1:${nowhere}`,
        },
      });
      await agent.line(/agent edge-9 reports/);
      await eventually("it", async () => (await admin.getDevice("edge-9")).online);
      await lost.line(/ECONNREFUSED|refused|cannot reach|not there/i);
      await eventually("the store's failure", async () => !(await admin.getHealth()).ok);
      assert.is(await statusOf(createClient({ url, login: `ann:${mark.wrong}` }).listDevices()), 401);
      const asked = await lookAround(scope, url);
      const kept = readdirSync(join(data, "secrets")).filter((name) => !/^(cli\.url|mqtt@port)$/.test(name));
      const secrets = {
        ...mark,
        forMqtt,
        token,
        enrolled,
        code,
        ...Object.fromEntries(
          kept.map((name) => [`secrets/${name}`, readFileSync(join(data, "secrets", name), "utf8").trim()]),
        ),
      };
      const backup = join(directory, "muster.tar");
      const made = await muster("backup", backup);
      assert.is(made.code, 0, made.err);
      const report = await muster("doctor");
      const places = {
        "the log": [...running.lines, ...agent.lines, ...lost.lines].join("\n"),
        "the command lines": [running, agent, lost].map(({ child }) => titlesOf(child.pid ?? 0)).join("\n"),
        "addresses that the page asks": asked.join("\n"),
        "the doctor's report": report.out + report.err,
        "the audit log": await admin.exportAudit({}),
        "the backup's names": made.out + made.err + (await runProgram("tar", ["-tvf", backup])).out,
        "/healthz": JSON.stringify(await admin.getHealth()),
        "/metrics": await admin.getMetrics(),
      };
      for (const [where, text] of Object.entries(places)) {
        assert.ok(text.length > 20, where);
        for (const [name, secret] of Object.entries(secrets))
          for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")])
            assert.not(text.includes(form), `${where} has ${name}`);
      }
      assert.is(lstatSync(backup).mode & 0o777, 0o600);
      // What stands on the disk for its user alone, and a password in no form at all.
      for (const path of [data, join(directory, "elsewhere"), join(directory, "lost")])
        for (const [one, mode, bytes] of filesBelow(path)) {
          assert.is(mode & 0o077, 0, `${one} is open to others: ${mode.toString(8)}`);
          for (const [name, secret] of Object.entries(secrets))
            if (!one.includes("/secrets/")) assert.not(bytes.includes(secret), `${one} has ${name}`);
        }
      for (const one of [agent, lost, running]) assert.is(await one.kill("SIGTERM"), 0);

      chmodSync(join(data, "secrets", "edge-1"), 0o640);
      const refused = await muster("start");
      assert.is(refused.code, 1);
      assert.match(refused.err, /secrets\/edge-1 can be read by others than its owner \(640\).*chmod 600/);
    },
    { seconds: 120 },
  );

  test("a key that others could read is refused at a start, and no other is made in its place", async (scope) => {
    const { data } = await startTls(scope);
    const devices = new DeviceAuthority({ directory: tlsDirectory(data), clock: systemClock, log: silentLog });
    await devices.start();
    const all = filesBelow(tlsDirectory(data)).filter(([, , bytes]) => bytes.includes("PRIVATE KEY"));
    assert.is(all.length, 3);
    for (const [path, mode] of all) {
      assert.is(mode & 0o777, 0o600);
      chmodSync(path, 0o640);
      const why = await Promise.allSettled([startTls(scope, { data }), devices.start()]);
      assert.match(JSON.stringify(why.map((one) => "reason" in one && String(one.reason))), /can be read by others/);
      chmodSync(path, 0o600);
    }
  });
});

/** What somebody's eyes on the page cause: each address that it asks for, and where it stands. */
async function lookAround(scope: Scope, url: string): Promise<string[]> {
  const { page } = await openPage(scope);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url);
  await page.getByTestId("login-name").fill("ann");
  await page.getByTestId("login-password").fill(mark.person);
  await page.getByTestId("login-submit").click();
  await page.getByTestId("device-edge-1").waitFor();
  for (const path of ["devices/edge-1", "sessions", "tokens", "commands"]) {
    await page.goto(`${url}/${path}`);
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    asked.push(page.url());
  }
  return asked;
}

/** What every user of the machine sees of a process and its children. */
function titlesOf(pid: number): string {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  const own = `${readFileSync(`/proc/${pid}/cmdline`, "latin1")}\n${readFileSync(`/proc/${pid}/comm`, "latin1")}`;
  return [own, ...children.map((child) => titlesOf(Number(child)))].join("\n");
}

function filesBelow(path: string): [path: string, mode: number, bytes: Buffer][] {
  const { mode } = lstatSync(path);
  const names = readdirSync(path, { withFileTypes: true });
  return [
    [path, mode, Buffer.alloc(0)],
    ...names.flatMap((one): [string, number, Buffer][] => {
      const at = join(path, one.name);
      if (one.isDirectory()) return filesBelow(at);
      return one.isFile() ? [[at, lstatSync(at).mode, readFileSync(at)]] : [];
    }),
  ];
}

function word(pattern: RegExp, text: string): string {
  const found = pattern.exec(text)?.[1] ?? "";
  assert.ok(found.length > 10, text);
  return found;
}
