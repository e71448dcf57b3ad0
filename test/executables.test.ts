import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

suite("executables of an agent", ({ test }) => {
  test(
    "the examples are offered, checked and run as commands, with their output and progress",
    async (scope) => {
      const directory = await scope.directory();
      await cp("examples/handlers", join(directory, "handlers"), { recursive: true });
      await mkdir(join(directory, "home/muster-app/cache"), { recursive: true });
      const env = {
        MUSTER_DATA: join(directory, "data"),
        MUSTER_HTTP_PORT: String(await freePort()),
        MUSTER_MQTT_PORT: String(await freePort()),
        MUSTER_DEVICE: "edge-1",
        MUSTER_ADMIN_PASSWORD: "correct horse",
        MUSTER_EXEC_DIRECTORY: join(directory, "handlers"),
        MUSTER_EXEC_ALLOW: "heartbeat,clear-cache",
        HOME: join(directory, "home"),
      };
      await new Running(scope, ...musterProgram(["start"]), { env }).line(/Muster .* is up/);
      const muster = (...args: string[]) => runProgram(...musterProgram(args), { env });
      const client = createClient({ url: `http://127.0.0.1:${env.MUSTER_HTTP_PORT}`, login: "admin:correct horse" });
      await eventually("the device", async () => (await client.listDevices()).devices.some(({ online }) => online));
      const beat = await muster("send", "edge-1", "exec:heartbeat", "--json");
      assert.is(beat.code, 0, beat.err + beat.out);
      const cleared = await muster("send", "edge-1", "exec:clear-cache", "--json");
      assert.is(cleared.code, 0, cleared.err + cleared.out);
      const story = await muster("explain", (JSON.parse(cleared.out) as { id: string }).id);
      assert.match(
        story.out,
        /console +taken from admin[\s\S]*device +succeeded[\s\S]*exec:clear-cache" succeeded on edge-1/,
      );
      assert.match((await muster("send", "edge-1", "exec:application")).err, /does not offer "exec:application"/);
    },
    { seconds: 40 },
  );
});
