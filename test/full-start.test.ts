import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { statusOf } from "./checked-client.ts";
import { freePort } from "./mosquitto.ts";
import { powerDisk } from "./power-cut.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { fillDisk, smallDisk } from "./small-disk.ts";
import { eventually, suite, type Scope } from "./suite.ts";

async function musterOn(scope: Scope, disk: string) {
  const data = join(disk, "data");
  const http = String(await freePort());
  const env = {
    MUSTER_DATA: data,
    MUSTER_HTTP_PORT: http,
    MUSTER_MQTT_PORT: String(await freePort()),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: "correct horse",
  };
  const client = createClient({ url: `http://127.0.0.1:${http}`, login: "admin:correct horse" });
  return {
    data,
    start: () => new Running(scope, ...musterProgram(["start"]), { env }),
    muster: (...args: string[]) => runProgram(...musterProgram(args), { env }),
    client,
    /** The status of the answer to a ping. */
    ping: (): Promise<number> => statusOf(client.sendCommand("edge-1", { key: "ping" })),
  };
}

suite("a start on a full disk", ({ test }) => {
  test(
    "killed on it, it comes up on it: what is kept can be read, devices are connected, and it heals when there is room",
    async (scope) => {
      const { directory: disk } = await powerDisk(scope);
      const { start, client, ping, muster } = await musterOn(scope, disk);
      const first = start();
      await first.line(/is up/);
      await eventually("a ping", async () => (await ping()) === 200);
      const filler = fillDisk(disk);
      await eventually("the full disk", async () => (await ping()) === 503);
      await first.kill("SIGKILL");
      const rest = fillDisk(disk, "rest");

      const second = start();
      await second.line(/is up/);
      await eventually("the agent", async () => (await client.getDevice("edge-1")).online);
      const { ok, rows, broker } = await client.getHealth();
      assert.equal([ok, rows?.ok, broker?.connected], [false, false, true]);
      assert.match(rows?.problem ?? "", /disk takes no writes.*make room/);
      assert.is(await ping(), 503);
      rmSync(filler);
      rmSync(rest);
      await eventually("the rows", async () => (await client.getHealth()).rows?.ok);
      await eventually("a ping", async () => (await ping()) === 200);
      // The command line's login was renewed as soon as there was room.
      await eventually("a login", async () => (await muster("devices")).code === 0);
      assert.is(await second.kill("SIGTERM"), 0);
    },
    { seconds: 60 },
  );

  test("a database that cannot even be opened there is a sentence that says what to free", async (scope) => {
    const disk = await smallDisk(scope, 8 * 1024);
    const { start, muster, data } = await musterOn(scope, disk);
    const first = start();
    await first.line(/is up/);
    await first.kill("SIGTERM");
    // As in a copy that was put back: SQLite has to make what it works with beside a database.
    for (const name of readdirSync(data)) if (/-(wal|shm)$/.test(name)) rmSync(join(data, name));
    const filler = fillDisk(disk);
    const refused = await muster("start");
    assert.is(refused.code, 1, refused.out);
    assert.match(refused.err, /cannot open the database .*muster\.db: its disk is full.* make room on it .*damaged/);
    rmSync(filler);
    await start().line(/is up/);
    assert.ok(existsSync(join(data, "muster.db")));
  });
});
