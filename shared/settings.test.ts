import { chmod, chown, lchown, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { SettingsError } from "#shared/errors";
import { loadSettings } from "#shared/settings";
import { suite, type Scope } from "../test/suite.ts";

function problemsOf(load: () => unknown): string {
  try {
    load();
    return "";
  } catch (error) {
    assert.instance(error, SettingsError);
    return (error as SettingsError).problems.join("\n");
  }
}

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

  test("a duration without a unit is refused, wherever it comes from", async ({ directory }) => {
    const file = join(await directory(), "muster.toml");
    await writeFile(file, "interval = 10\n");
    const sources: [Parameters<typeof loadSettings>[0], string][] = [
      [{ env: { MUSTER_INTERVAL: "10" } }, "MUSTER_INTERVAL"],
      [{ flags: { interval: "10" } }, "--interval"],
      [{ file }, `interval in ${file}`],
    ];
    for (const [source, name] of sources)
      assert.match(
        problemsOf(() => loadSettings(source)),
        `${name} is "10": expected a unit with the number, as in 10s`,
      );
  });

  test("a wrong value that may hold a password is not repeated", () => {
    const env = { MUSTER_INFLUX_URL: "htp://me:hunter2@db/x", MUSTER_MQTT_URL: "mqtt//me:hunter2@host" };
    assert.throws(
      () => loadSettings({ env }),
      (error: Error) => error instanceof SettingsError && !error.message.includes("hunter2"),
    );
  });

  /** What is told when `text` is the muster.toml of the present directory. */
  const told = async ({ directory, cleanup }: Scope, text: string, env = {}, mode = 0o600): Promise<string> => {
    const here = process.cwd();
    cleanup(() => process.chdir(here));
    process.chdir(await directory());
    await writeFile("muster.toml", text);
    await chmod("muster.toml", mode);
    return problemsOf(() => loadSettings({ env }));
  };

  const directions: readonly (readonly [what: string, toml: string, env: Record<string, string>, told: RegExp])[] = [
    [
      "url",
      "url = 'http://evil'",
      { MUSTER_TOKEN: "a:b" },
      /url in muster\.toml would get a token that comes from elsewhere/,
    ],
    [
      "url to this machine",
      "url = 'http://127.0.0.1:4000'",
      { MUSTER_TOKEN: "a:b" },
      /token that comes from elsewhere/,
    ],
    ["both, unencrypted", "url = 'http://evil'\ntoken = 'a:b'", {}, /unencrypted over a network/],
    ["both, encrypted", "url = 'https://console'\ntoken = 'a:b'", {}, /^$/],
    ["both, on this machine", "url = 'http://localhost:4000'\ntoken = 'a:b'", {}, /^$/],
    ["token, to an URL that was said", "token = 'a:b'", { MUSTER_URL: "http://console" }, /^$/],
    ["url that a variable outdoes", "url = 'http://evil'", { MUSTER_URL: "http://console", MUSTER_TOKEN: "a:b" }, /^$/],
    [
      "mqtt-url without a login",
      "mqtt-url = 'mqtt://evil'",
      {},
      /mqtt-url in muster\.toml .* secrets of the data directory/,
    ],
    ["mqtt-url to this machine", "mqtt-url = 'mqtt://[::1]'", {}, /^$/],
    ["mqtt-url with a login", "mqtt-url = 'mqtt://a:b@broker'", {}, /^$/],
    [
      "url with a login",
      "url = 'http://a:hunter2@console'",
      {},
      /url in muster\.toml is not usable: expected no login/,
    ],
  ];
  for (const [what, toml, env, expected] of directions) {
    test(`a muster.toml that happens to be there sends no secret astray: ${what}`, async (scope) => {
      const problems = await told(scope, toml, env);
      assert.match(problems, expected);
      assert.not.match(problems, "hunter2");
      // Who names it means it.
      const named = problemsOf(() => loadSettings({ env, file: "muster.toml" }));
      assert.is(named, what === "url with a login" ? problems : "");
    });
  }

  test("a file that others could have written is not read", async (scope) => {
    for (const mode of [0o620, 0o602, 0o666]) {
      const problems = await told(scope, "http-port = 1", {}, mode);
      assert.match(
        problems,
        /muster\.toml cannot be read: muster\.toml is writable by .* chmod go-w .* --config muster\.toml/,
      );
      assert.match(
        problemsOf(() => loadSettings({ file: "muster.toml" })),
        /is writable by/,
      );
    }
    if (process.getuid?.() !== 0) return;
    await told(scope, "http-port = 1");
    await chown("muster.toml", 12_345, 12_345);
    assert.match(
      problemsOf(() => loadSettings({})),
      /muster\.toml belongs to another user \(12345\)/,
    );
    assert.is(loadSettings({ file: "muster.toml" }).values.httpPort, 1);
    // Nor where only the link to it is somebody else's.
    await chown("muster.toml", 0, 0);
    await rename("muster.toml", "own.toml");
    await symlink("own.toml", "muster.toml");
    assert.is(loadSettings({}).values.httpPort, 1);
    await lchown("muster.toml", 12_345, 12_345);
    assert.match(
      problemsOf(() => loadSettings({})),
      /belongs to another user/,
    );
  });

  test("a file that was named must be there", () => {
    assert.throws(() => loadSettings({ file: "/nonexistent/muster.toml" }), /muster\.toml cannot be read/);
  });
});
