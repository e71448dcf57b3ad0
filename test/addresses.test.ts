import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { freePort } from "./mosquitto.ts";
import { assertOpened } from "./opened-lines.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

async function place(scope: Scope) {
  const [http, mqtt] = [await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: await scope.directory(),
    MUSTER_HTTP_PORT: String(http),
    MUSTER_MQTT_PORT: String(mqtt),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: "correct horse",
  };
  return { env, http, mqtt };
}

suite("addresses of programs", ({ test }) => {
  for (const [listen, host, scheme, warns] of [
    ["::1", "[::1]", "ws", false],
    ["::", "[::1]", "mqtt", true],
  ] as const) {
    test(
      `MUSTER_LISTEN=${listen}: all of this machine's programs find each other, and what is printed can be used`,
      async (scope) => {
        const { env, http, mqtt } = await place(scope);
        const programs = {
          ...env,
          MUSTER_LISTEN: listen,
          MUSTER_MQTTS_PORT: "0",
          MUSTER_INSECURE_PLAINTEXT: warns ? "yes" : "",
        };
        const server = new Running(scope, ...musterProgram(["start"]), { env: programs });
        assert.match(await server.line(/^ {2}page/), `http://${host}:${http}`);
        assert.match(await server.line(/^ {2}broker/), `${host}:${mqtt},`);
        assert.match(await server.line(/^ {2}watch/), `-h ::1 -p ${mqtt}`);
        assert.is((await fetch(`http://${host}:${http}/healthz`)).status, 200);
        const ping = await eventually("an answer", async () => {
          const answer = await runProgram(...musterProgram(["send", "edge-1", "ping"]), { env: programs });
          return answer.code === 0 ? answer.out : undefined;
        });
        assert.match(ping, "pong");
        await assertOpened(server, warns ? "--insecure-plaintext" : "loopback", {
          data: env.MUSTER_DATA,
          listen,
          http,
          mqtt,
        });

        const enrolled = await runProgram(...musterProgram(["enroll", "edge-2", "--secret"]), { env: programs });
        const secret = /edge-2:([^@]+)@/.exec(enrolled.out)?.[1] ?? "";
        const agent = new Running(scope, ...musterProgram(["agent"]), {
          env: {
            ...programs,
            MUSTER_DATA: await scope.directory(),
            MUSTER_DEVICE: "",
            MUSTER_MQTT_URL: `${scheme}://edge-2:${secret}@${host}:${mqtt}`,
          },
        });
        await agent.line(/agent edge-2 reports to/);
        await eventually("edge-2's answer", async () => {
          const { out } = await runProgram(...musterProgram(["send", "edge-2", "ping"]), { env: programs });
          return out.includes("pong");
        });
      },
      { seconds: 40 },
    );
  }

  test("a % in a password that is no code is told in a sentence, by every program", async (scope) => {
    const { env } = await place(scope);
    for (const program of ["agent", "console", "start"]) {
      const MUSTER_MQTT_URL = "mqtt://edge-1:100%secret@127.0.0.1:1883";
      const { code, err } = await runProgram(...musterProgram([program]), { env: { ...env, MUSTER_MQTT_URL } });
      assert.is(code, 2, program);
      assert.match(err, /^muster: MUSTER_MQTT_URL is not usable: its password has a %[^\n]*\n$/);
    }
  });

  test("a web server that is no broker: the agent says what it answered", async (scope) => {
    const server = createServer((_, response) => response.writeHead(404).end()).listen(0, "127.0.0.1");
    scope.cleanup(() => server.close());
    await once(server, "listening");
    const url = `ws://edge-1:x@127.0.0.1:${(server.address() as AddressInfo).port}/somewhere`;
    const { env } = await place(scope);
    const agent = new Running(scope, ...musterProgram(["agent"]), { env: { ...env, MUSTER_MQTT_URL: url } });
    await agent.line(/no connection to the broker at ws:[^ ]*\/somewhere \(Unexpected server response: 404\)/);
  });
});
