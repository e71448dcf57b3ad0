import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { SettingsError } from "#shared/errors";
import { loadSettings } from "#shared/settings";
import { suite } from "../test/suite.ts";

suite("settings", ({ test }) => {
  test("a flag comes before a variable, a variable before the file, the file before the default", async ({
    directory,
  }) => {
    const file = join(await directory(), "muster.toml");
    await writeFile(file, "http-port = 1\nmqtt-port = 2\nroot = 'file'\n");
    const env = { MUSTER_HTTP_PORT: "3", MUSTER_MQTT_PORT: "4" };
    const { values, given } = loadSettings({ flags: { httpPort: "5" }, env, file });
    assert.is(values.httpPort, 5);
    assert.is(values.mqttPort, 4);
    assert.is(values.root, "file");
    assert.is(values.data, "./data");
    assert.equal([...given].sort(), ["httpPort", "mqttPort", "root"]);
  });

  test("an empty variable counts as none", () => {
    assert.is(loadSettings({ env: { MUSTER_HTTP_PORT: "" } }).values.httpPort, 3_000);
  });

  test("all mistakes are told at once, each with key, value and what was expected", async ({ directory }) => {
    const file = join(await directory(), "muster.toml");
    await writeFile(file, "colour = 'red'\n");
    const env = { MUSTER_HTTP_PORT: "http", MUSTER_DEVICE: "Rpi 7", MUSTER_INTERVAL: "soon", MUSTER_LOG_LEVEL: "loud" };
    try {
      loadSettings({ env, file });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, SettingsError);
      const { problems } = error as SettingsError;
      assert.is(problems.length, 5);
      for (const [at, part] of [
        'unknown key "colour"',
        'MUSTER_DEVICE is "Rpi 7"',
        'MUSTER_INTERVAL is "soon"',
      ].entries()) {
        assert.ok(
          problems.some((problem) => problem.includes(part)),
          `${at}: ${problems.join("\n")}`,
        );
      }
      assert.ok(
        problems.some((problem) => problem === 'MUSTER_HTTP_PORT is "http": expected a whole number from 0 to 65535'),
      );
    }
  });

  test("a wrong value that may hold a password is not repeated", () => {
    const env = { MUSTER_INFLUX_URL: "htp://me:hunter2@db/x", MUSTER_MQTT_URL: "mqtt//me:hunter2@host" };
    assert.throws(
      () => loadSettings({ env }),
      (error: Error) => error instanceof SettingsError && !error.message.includes("hunter2"),
    );
  });

  test("a file that was named must be there", () => {
    assert.throws(() => loadSettings({ file: "/nonexistent/muster.toml" }), /muster\.toml cannot be read/);
  });
});
