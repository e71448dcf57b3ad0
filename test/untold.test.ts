import * as assert from "uvu/assert";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const secrets = { mqtt: "hunter-mqtt", influx: "hunter-influx", token: "hunter-token" };

suite("what is never told", ({ test }) => {
  test(
    "passwords of brokers, stores and people are in no line, no log and no health report, while nothing of it works",
    async (scope) => {
      const data = await scope.directory();
      const [mqtt, influx, http] = [await freePort(), await freePort(), await freePort()];
      const env = {
        MUSTER_DATA: data,
        MUSTER_HTTP_PORT: String(http),
        MUSTER_MQTT_URL: `mqtt://me:${secrets.mqtt}@127.0.0.1:${mqtt}`,
        MUSTER_INFLUX_URL: `http://me:${secrets.influx}@127.0.0.1:${influx}/muster`,
        MUSTER_ADMIN_PASSWORD: "correct horse",
        MUSTER_TOKEN: `admin:${secrets.token}`,
        MUSTER_LOG_LEVEL: "debug",
      };
      const silent = (text: string): void => {
        for (const secret of [...Object.values(secrets), "correct horse"]) assert.not.match(text, secret);
      };
      const all = new Running(scope, ...musterProgram(["start"]), { env });
      await eventually("both outages", () => {
        const text = all.lines.join("\n");
        return text.includes(`:${mqtt}`) && text.includes(`InfluxDB at http://127.0.0.1:${influx}`);
      });
      await all.line(/is up/);
      const asked = await fetch(`http://127.0.0.1:${http}/healthz`, {
        headers: { authorization: `Basic ${btoa("admin:correct horse")}` },
      });
      const health = await asked.text();
      assert.match(health, String(influx));
      silent(health);
      silent(all.lines.join("\n"));
      // A wrong token, and settings that are wrong.
      const refused = await runProgram(...musterProgram(["devices"]), { env });
      assert.is(refused.code, 1);
      silent(refused.out + refused.err);
      const wrong = [
        { MUSTER_MQTT_URL: `mqtt://me:${secrets.mqtt}%@127.0.0.1` },
        { MUSTER_INFLUX_URL: `http://me:${secrets.influx}@127.0.0.1:1` },
        { MUSTER_URL: `http://me:${secrets.token}@127.0.0.1` },
      ];
      const runs = wrong.map(async (one) => {
        const own = { MUSTER_HTTP_PORT: "0", MUSTER_DATA: await scope.directory(), ...one };
        return runProgram(...musterProgram(["console"]), { env: { ...env, ...own } });
      });
      for (const { code, out, err } of await Promise.all(runs)) {
        assert.is(code, 2, err);
        silent(out + err);
      }
    },
    { seconds: 40 },
  );
});
