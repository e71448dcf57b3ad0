import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { makeAuthority } from "../tls/issuing.ts";
import { bundlePath, tlsDirectory } from "../tls/paths.ts";
import { authoritySpan } from "../tls/spans.ts";
import { openPage } from "./browser.ts";
import { freePort } from "./mosquitto.ts";
import { assertOpened } from "./opened-lines.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";
/** An address of this machine that is not loopback's; a machine without any network has none. */
const outer = Object.values(networkInterfaces())
  .flatMap((entries) => entries ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

/** `muster start` as others on the network would reach it. */
async function startOpen(scope: Scope, more: NodeJS.ProcessEnv = {}) {
  const [http, mqtt, mqtts] = [await freePort(), await freePort(), await freePort()];
  const data = await scope.directory();
  const env = {
    MUSTER_DATA: data,
    MUSTER_HTTP_PORT: String(http),
    MUSTER_MQTT_PORT: String(mqtt),
    MUSTER_MQTTS_PORT: String(mqtts),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: password,
    ...more,
  };
  const server = new Running(scope, ...musterProgram(["start", "--listen", "0.0.0.0"]), { env });
  await server.line(/^without TLS, open to this machine alone|^Warning: --insecure-plaintext/);
  return { server, env, data, http, mqtt, mqtts, cafile: bundlePath(data) };
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true)).on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
    void socket.once("connect", () => socket.destroy());
  });
}

suite("muster start --listen 0.0.0.0", ({ test }) => {
  test(
    "TLS alone beyond loopback, for tools, agents, the command line and the page; a rotation by verbs",
    async (scope) => {
      const { server, env, data, http, mqtt, mqtts, cafile } = await startOpen(scope);
      await assertOpened(server, "tls", { data, listen: "0.0.0.0", http, mqtt, mqtts });
      const curl = (...args: string[]) => runProgram("curl", ["-sS", "--noproxy", "*", ...args]);
      const health = await curl("--cacert", cafile, `https://localhost:${http}/healthz`);
      assert.match(health.out, '"ok":true', health.err);
      assert.is.not((await curl(`https://localhost:${http}/healthz`)).code, 0);
      assert.match((await curl(`http://127.0.0.1:${http}/healthz`)).out, '"ok":true');

      if (outer !== undefined) {
        assert.is(await answers("127.0.0.1", mqtt), true);
        assert.is(await answers(outer, mqtt), false);
        assert.match((await curl("-i", `http://${outer}:${http}/devices`)).out, `https://${outer}:${http}/devices`);
        assert.match((await curl("-i", "-X", "POST", `http://${outer}:${http}/api/session`)).out, /^HTTP\/1.1 426/);
        const secure = await curl("--cacert", cafile, `https://${outer}:${http}/healthz`);
        assert.match(secure.out, '"ok":true', secure.err);
      }

      const enrolled = await runProgram(...musterProgram(["enroll", "edge-2", "--secret"]), { env });
      const secret = /edge-2:([^@]+)@/.exec(enrolled.out)?.[1] ?? "";
      const agent = {
        MUSTER_DATA: await scope.directory(),
        MUSTER_MQTT_URL: `mqtts://edge-2:${secret}@localhost:${mqtts}`,
      };
      const pinned = new Running(scope, process.execPath, ["dist/muster-agent.cjs", "--ca", cafile], { env: agent });
      await pinned.line(/agent edge-2 reports to mqtts:/);
      const stranger = new Running(scope, process.execPath, ["dist/muster-agent.cjs"], {
        env: { ...agent, MUSTER_DATA: await scope.directory() },
      });
      await stranger.line(/comes from no authority that is trusted here: --ca or MUSTER_CA/);
      await stranger.kill("SIGKILL");

      const sim = (...args: string[]) => runProgram(...musterProgram(["sim", "--devices", "2", ...args]), { env });
      const run = ["--interval", "300ms", "--duration", "1s", "--broker", `mqtts://localhost:${mqtts}`];
      const simulated = await sim(...run);
      assert.match(simulated.out, /^2 devices, .*\n\d+ batches stored, 0 not, /m, simulated.err);
      assert.match((await sim("--enroll")).out, `--broker mqtts://THIS-HOST:${mqtts} --ca ca.crt`);

      const elsewhere = {
        MUSTER_TOKEN: `admin:${password}`,
        MUSTER_URL: `https://localhost:${http}`,
        MUSTER_CA: cafile,
      };
      const verb = async (...args: string[]) => {
        const env = { ...elsewhere, MUSTER_DATA: agent.MUSTER_DATA };
        const { code, out, err } = await runProgram(...musterProgram(["tls", ...args]), { env });
        return code === 0 ? out : err;
      };
      const client = { ...elsewhere, MUSTER_CA: "", MUSTER_DATA: agent.MUSTER_DATA };
      const codes = (...args: string[]) => runProgram(...musterProgram(["enroll", ...args]), { env: client });
      assert.is((await codes("--ca", cafile)).code, 0);
      const { err: untrusted } = await codes();
      assert.match(untrusted, /trusted here: --ca or MUSTER_CA/);
      assert.not.match(untrusted, /no console answers|npm start/);
      await eventually("edge-2 trusts it", async () => /agents +1 trust/.test(await verb()));
      const own = await makeAuthority(authoritySpan(Date.now()));
      const files = [join(agent.MUSTER_DATA, "own.crt"), join(agent.MUSTER_DATA, "own.key")] as const;
      writeFileSync(files[0], own.cert);
      writeFileSync(files[1], own.key);
      assert.match(await verb("import", "--cert", files[0], "--key", files[0]), /the authority cannot be taken/);
      assert.match(await verb("import", "--cert", files[0], "--key", files[1]), /both are trusted since/);
      assert.match(await verb("rotate"), /a rotation has begun already/);
      await eventually("edge-2 trusts the next", async () => /1 trust the next one/.test(await verb("status")));
      assert.match(await verb("rotate", "--finish"), /agents +1 trust it/);
      assert.is(readFileSync(cafile, "utf8"), own.cert);

      const shown = (): X509Certificate =>
        new X509Certificate(readFileSync(join(tlsDirectory(data), "server.pem"), "utf8"));
      await eventually("a certificate of the new one", () => shown().checkIssued(new X509Certificate(own.cert)));
      const { page, complaints } = await openPage(scope, { trusted: shown() });
      await page.goto(`https://localhost:${http}/`);
      await page.getByLabel("Name").fill("admin");
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: /log in/i }).click();
      await page.getByText("edge-2").first().waitFor();
      const cookies = await page.context().cookies();
      assert.equal(
        cookies.map(({ name, secure }) => [name, secure]),
        [["__Host-muster_session", true]],
      );
      assert.equal(complaints, []);
    },
    { seconds: 60 },
  );

  test(
    "the devices' authority is rotated by verbs, and a device that has joined by a certificate goes on",
    async (scope) => {
      const { env, http } = await startOpen(scope);
      const client = createClient({ url: `http://127.0.0.1:${http}`, login: `admin:${password}` });
      const isOnline = (online: boolean): Promise<unknown> =>
        eventually(`online: ${online}`, async () => (await client.getDevice("edge-3")).online === online);
      const muster = async (...args: string[]): Promise<string> => {
        const { code, out, err } = await runProgram(...musterProgram(args), { env });
        return code === 0 ? out : err;
      };
      const enrolled = await muster("enroll", "edge-3", "--certificate");
      const [code = ""] = /muster1[.\w-]+/.exec(enrolled) ?? [];
      const own = { MUSTER_DATA: await scope.directory(), MUSTER_JOIN_FILE: join(await scope.directory(), "code") };
      writeFileSync(own.MUSTER_JOIN_FILE, `${code}\n`, { mode: 0o600 });
      const agent = new Running(scope, process.execPath, ["dist/muster-agent.cjs"], { env: own });
      await agent.line(/agent edge-3 reports to mqtts:/);
      await eventually("its certificate", async () => (await client.getDevicesTls()).have === 1);
      const before = await muster("tls", "--devices");
      assert.match(before, /^ +1 device has one$/m);

      assert.match(await muster("tls", "rotate", "--devices"), /both are trusted since/);
      assert.match(await muster("tls", "rotate", "--devices"), /a rotation has begun already/);
      assert.match(await muster("tls", "import", "--devices"), /it takes none/);
      await eventually("its renewal", async () => (await client.getDevicesTls()).have === 1);
      assert.match(await muster("tls", "status", "--devices"), /^renewed +1$/m);
      const after = await muster("tls", "rotate", "--devices", "--finish");
      assert.match(after, /^ +1 device has one$/m);
      assert.is.not(/SHA-256 (\S+)/.exec(after)?.[1], /SHA-256 (\S+)/.exec(before)?.[1]);
      assert.match(await muster("tls", "rotate", "--devices", "--finish"), /no rotation has begun/);

      // It has nothing else to come in by.
      await agent.kill("SIGKILL");
      await isOnline(false);
      const again = new Running(scope, process.execPath, ["dist/muster-agent.cjs"], { env: own });
      await again.line(/agent edge-3 reports to mqtts:/);
      await isOnline(true);
    },
    { seconds: 120 },
  );

  test("half of a certificate of one's own is told in a sentence", async (scope) => {
    const env = { MUSTER_DATA: await scope.directory(), MUSTER_TLS_CERT: "somewhere.pem", MUSTER_LISTEN: "0.0.0.0" };
    const { code, err } = await runProgram(...musterProgram(["start"]), { env });
    assert.is(code, 2);
    assert.match(err, /both MUSTER_TLS_CERT and MUSTER_TLS_KEY/);
  });
});
