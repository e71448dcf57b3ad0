import { chmod, chown, lchown, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { SettingsError } from "#shared/errors";
import { formatDuration } from "#shared/duration";
import { flagOf, settingNames, settingOf, settingsOf } from "#shared/settings";
import { loadSettings } from "#shared/settings/load-settings";
import { maxSettingsFileBytes } from "#shared/settings-file";
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

  test("a number is decimal digits, and nothing else that a computer reads as one", () => {
    for (const name of settingNames) {
      const { env, write, min } = settingOf(name);
      if (min === undefined || write === formatDuration) continue;
      for (const text of ["0x50", "0b11", "0o17", "1e3", "80.0", "+80", "８０"])
        assert.match(
          problemsOf(() => loadSettings({ env: { [env]: text } })),
          "expected a whole number",
          name,
        );
    }
  });

  test("each goes from its least to its greatest value, and no further", () => {
    const bounded = settingNames.filter((name) => settingOf(name).min !== undefined);
    assert.ok(bounded.length > 8);
    for (const name of bounded) {
      const { min = 0, max = 0, env, write = String, default: value } = settingOf(name);
      if (value !== undefined) assert.ok(Number(value) >= min && Number(value) <= max, name);
      // What is one beyond the bound, in the unit that it is written in.
      const step = write === formatDuration ? 1 : Math.max(1, min);
      for (const good of [min, max]) assert.is(loadSettings({ env: { [env]: write(good) } }).values[name], good, name);
      for (const bad of [min - step, max + step]) {
        const text = write === formatDuration ? `${bad}ms` : write(bad);
        const expected = `from ${write(min)} to ${write(max)}`;
        const problems = problemsOf(() => loadSettings({ env: { [env]: text } }));
        assert.ok(problems.startsWith(`${env} is `) && problems.includes(bad > 0 ? expected : "expected "), problems);
      }
    }
  });

  test("each variable is the flag in capitals, and each secret may stand in a file and is never repeated", async ({
    directory,
  }) => {
    const file = join(await directory(), "secret");
    await writeFile(file, "\u0000hunter2 @://\n");
    for (const name of settingNames) {
      const { env, secret } = settingOf(name);
      assert.is(env, `MUSTER_${flagOf(name).slice(2).replaceAll("-", "_").toUpperCase()}`);
      const problems = problemsOf(() => loadSettings({ env: { [`${env}_FILE`]: `${file}-missing` } }));
      assert.is(problems !== "", secret === true, name);
      for (const variable of secret ? [env, `${env}_FILE`] : []) {
        const given = variable === env ? "hunter2 @://" : file;
        assert.not.match(
          problemsOf(() => loadSettings({ env: { [variable]: given } })),
          "hunter2",
        );
      }
    }
  });

  test("every program takes settings, and start those of all three that it is", () => {
    assert.equal(settingsOf("client"), ["data", "httpPort", "ca", "url", "token"]);
    assert.equal(settingsOf("doctor"), ["data", "listen", "httpPort", "mqttPort", "ca", "mqttUrl", "influxUrl"]);
    const three = new Set((["broker", "console", "agent"] as const).flatMap(settingsOf));
    assert.equal(new Set(settingsOf("start")), three);
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

  test("a file is read up to its bound", async (scope) => {
    const file = join(await scope.directory(), "muster.toml");
    const toml = (size: number): string => "http-port = 1\n#".padEnd(size, "x");
    await writeFile(file, toml(maxSettingsFileBytes));
    assert.is(loadSettings({ env: {}, file }).values.httpPort, 1);
    await writeFile(file, toml(maxSettingsFileBytes + 1));
    assert.match(
      problemsOf(() => loadSettings({ env: {}, file })),
      /muster\.toml cannot be read: expected a file of at most 262144 bytes, got more/,
    );
  });

  test("a file that was named must be there", () => {
    assert.throws(() => loadSettings({ file: "/nonexistent/muster.toml" }), /muster\.toml cannot be read/);
  });
});
