import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

/** In the place of every file of Muster's own, one after another or all at once. */
const strangers: Readonly<Record<string, (path: string) => void>> = {
  pipes: (path) => execFileSync("mkfifo", ["-m", "600", path]),
  devices: (path) => symlinkSync("/dev/zero", path),
};

const own = [
  "files.json",
  "accounts.changed",
  "muster.db-wal",
  "metrics.db",
  "spool.db",
  "held.db-journal",
  "agent/instance",
  "agent/ledger",
  "agent/ledger.new",
  "agent/preferences.json",
  "agent/outbox/clock",
];

/** It may be another's, whom Muster must not lock out: there is no start without a person's word. */
const secret = "secrets/edge-1";

suite("something else in the place of Muster's files", ({ test }) => {
  for (const [what, place] of Object.entries(strangers)) {
    test(
      `${what}: doctor says so, and a start sets them aside and goes on, or says what it cannot go on without`,
      async (scope) => {
        const directory = join(await scope.directory(), "data");
        const httpPort = String(await freePort());
        const env = {
          MUSTER_DATA: directory,
          MUSTER_HTTP_PORT: httpPort,
          MUSTER_MQTT_PORT: String(await freePort()),
          MUSTER_DEVICE: "edge-1",
          MUSTER_ADMIN_PASSWORD: "correct horse",
        };
        const start = (): Running => new Running(scope, ...musterProgram(["start"]), { env });
        const muster = (...args: string[]) => runProgram(...musterProgram(args), { env });
        const client = createClient({ url: `http://127.0.0.1:${httpPort}`, login: "admin:correct horse" });
        const device = () => client.getDevice("edge-1");
        const pings = () => client.sendCommand("edge-1", { key: "ping" });
        const first = start();
        await first.line(/is up/);
        await eventually("a sample", async () => (await device()).latest.length > 0);
        await eventually("a ping", pings);
        await first.kill("SIGTERM");

        const outbox = join(directory, "agent/outbox");
        const segments = readdirSync(outbox).filter((name) => name.endsWith(".seg"));
        const names = [...own, ...segments.map((name) => join("agent/outbox", name))];
        mkdirSync(join(directory, "mosquitto"), { recursive: true });
        for (const name of [...names, secret, "mosquitto/mosquitto.pid"]) {
          rmSync(join(directory, name), { force: true });
          place(join(directory, name));
        }
        const look = await muster("doctor");
        assert.is(look.code, 1, look.out + look.err);
        for (const name of [
          "files.json",
          "metrics.db",
          "spool.db",
          "secrets/edge-1",
          "instance",
          "ledger",
          "preferences.json",
        ])
          assert.match(look.out, new RegExp(`damaged +${name} .*expected a regular file, got a (named pipe|device)`));
        assert.match(look.out, /damaged +outbox\/\d+\.seg .*expected a regular file/);

        const refused = await muster("start");
        assert.is(refused.code, 1, refused.out + refused.err);
        assert.match(refused.err, /secrets\/edge-1 is not what Muster keeps there: expected a regular file, got a/);
        rmSync(join(directory, secret));

        const again = start();
        await again.line(/is up/);
        await eventually("the agent", async () => (await device()).online);
        await eventually("a ping", pings);
        assert.match((await device()).problem ?? "", /"instance" did not read.*ledger is damaged/);
        assert.is(await again.kill("SIGTERM"), 0, again.lines.join("\n"));
        const after = await muster("doctor", "--mend");
        assert.is(after.code, 0, after.out + after.err);
      },
      { seconds: 60 },
    );
  }

  test("a settings file and a secret's file that never end", async (scope) => {
    const directory = await scope.directory();
    const config = join(directory, "muster.toml");
    symlinkSync("/dev/zero", config);
    const env = { MUSTER_DATA: join(directory, "data"), MUSTER_TOKEN_FILE: config };
    const settings = await runProgram(...musterProgram(["doctor", "--config", config]), {});
    assert.is(settings.code, 2);
    assert.match(settings.err, /muster\.toml cannot be read: expected a file of at most \d+ bytes, got more/);
    const secrets = await runProgram(...musterProgram(["doctor"]), { env });
    assert.is(secrets.code, 2);
    assert.match(secrets.err, /first line of .* is too long for a secret/);
    // A pipe that somebody names is one that somebody writes to.
    const piped = `printf 'correct horse\\n' > "$0" & exec "$@"`;
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [program, args] = musterProgram(["operator", "ann", "--role", "viewer", "--password-file", pipe]);
    const made = await runProgram("sh", ["-c", piped, pipe, program, ...args], {
      env: { MUSTER_DATA: env.MUSTER_DATA },
    });
    assert.is(made.code, 0, made.err);
    assert.ok(existsSync(join(env.MUSTER_DATA, "muster.db")));
    writeFileSync(join(directory, "long.toml"), "#".repeat(300_000));
    const long = await runProgram(...musterProgram(["doctor", "--config", join(directory, "long.toml")]), {});
    assert.match(long.err, /got more/);
  });
});
