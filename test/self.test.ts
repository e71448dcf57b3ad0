import * as assert from "uvu/assert";
import { buildApp } from "../console/http/server.ts";
import { silentLog } from "#shared/log";
import { brokerKinds, startFleet } from "./fleet.ts";
import { startInflux } from "./influx.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

for (const kind of brokerKinds) {
  suite(`what the console measures of itself, over ${kind}`, ({ test }) => {
    test("stands on topics, at /metrics and in the store", async (scope) => {
      const influx = await startInflux(scope);
      const fleet = await startFleet(scope, kind, { influxUrl: `${influx.url}/muster`, selfInterval: 300 });
      await fleet.agent();
      await fleet.pub("-t", "muster/rpi-7/metrics", "-m", "{}");
      const stats = await fleet.sub(scope, "-t", "muster/console/stats/+");
      await stats.line(/muster\/console\/stats\/received [1-9]/);
      await stats.line(/muster\/console\/stats\/acked [1-9]/);
      await stats.line(/muster\/console\/stats\/devices_online 1/);
      await stats.line(/muster\/console\/stats\/event_loop_delay_ms [0-9.]+/);

      const app = await buildApp({
        console: fleet.console,
        accounts: fleet.state.accounts,
        listen: "",
        port: 0,
        page: undefined,
        log: silentLog,
      });
      scope.cleanup(() => app.close());
      assert.is((await app.inject({ method: "GET", url: "/metrics" })).statusCode, 401);
      const authorization = `Basic ${Buffer.from(`vic:${fleet.secretOf("vic")}`).toString("base64")}`;
      const scraped = await app.inject({ method: "GET", url: "/metrics", headers: { authorization } });
      assert.is(scraped.statusCode, 200);
      assert.match(String(scraped.headers["content-type"]), "text/plain; version=0.0.4");
      assert.match(scraped.body, /^muster_written_total [1-9]\d*$/m);
      assert.match(scraped.body, /^muster_store_ok 1$/m);
      assert.match(scraped.body, /^muster_write_latency_seconds\{stat="p99"\} \d/m);

      const csv = await eventually("a report in InfluxDB", async () => {
        const answer = await influx.shell("SELECT last(acked) FROM muster WHERE host = 'console'", { format: "csv" });
        return /muster,\d+,[1-9]/.test(answer) && answer;
      });
      assert.ok(csv);
      assert.match(
        await influx.shell("SHOW TAG VALUES FROM muster_refused WITH KEY = reason", { format: "csv" }),
        "invalid",
      );
    });

    test("tells refusals by their reason", async (scope) => {
      const fleet = await startFleet(scope, kind);
      await fleet.agent();
      const device = fleet.login("rpi-8");
      const refused = await fleet.sub(scope, "-t", "muster/+/refused");
      await runProgram("mosquitto_pub", [...device, "-t", "muster/rpi-8/metrics/room", "-m", '{"a":null}']);
      await refused.line(/rpi-8\/refused .*expected/);
      await runProgram("mosquitto_pub", [
        ...device,
        "-t",
        "muster/rpi-8/metrics/room",
        "-m",
        `{"a":"${"x".repeat(40_000)}"}`,
      ]);
      await refused.line(/rpi-8\/refused .*larger than/);
      assert.equal(fleet.console.report().refused, { unknown_device: 0, size: 1, invalid: 1, no_room: 0, no_clock: 0 });
    });
  });
}
