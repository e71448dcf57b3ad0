import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import mqtt from "mqtt";
import * as assert from "uvu/assert";
import { codeOf } from "./authenticator.ts";
import { checkedClient, statusOf } from "./checked-client.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite, withDeadline, type Scope } from "./suite.ts";

async function start(scope: Scope) {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  // As a service is given it: nobody is there at the first start.
  const passwordFile = join(await scope.directory(), "admin");
  await writeFile(passwordFile, "correct horse\n", { mode: 0o600 });
  const env = {
    MUSTER_DATA: join(await scope.directory(), "data"),
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD_FILE: passwordFile,
  };
  const program = new Running(scope, ...musterProgram(["start"]), { env });
  await program.line(/Muster .* is up/);
  assert.not.ok(
    program.lines.some((line) => /correct horse|password \S{20}/.test(line)),
    "no secret is printed",
  );
  const http = `http://127.0.0.1:${httpPort}`;
  const muster = (...args: string[]): Promise<Finished> => runProgram(...musterProgram(args), { env });
  /** The same with something on its standard input. */
  const typing = async (text: string, command: string, args: readonly string[]): Promise<string> => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
    scope.cleanup(() => child.kill("SIGKILL"));
    let out = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        out += chunk;
        if (/(Password|Once more): $/.test(out)) child.stdin.write(`${text}\n`);
      });
    if (args.includes("-")) child.stdin.end(`${text}\n`);
    await withDeadline(once(child, "close"), 10, args.join(" "));
    return out;
  };
  /** Logs in on the page. The cookie is a browser's, which the client keeps to itself. */
  const logIn = async (name: string, password: string): Promise<{ status: number; cookie: string }> => {
    const response = await fetch(`${http}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "Somebody's browser" },
      body: JSON.stringify({ name, password }),
    });
    return { status: response.status, cookie: response.headers.get("set-cookie")?.split(";")[0] ?? "" };
  };
  return { http, env, mqtt: `mqtt://127.0.0.1:${mqttPort}`, muster, typing, logIn };
}

/** A connection of ann's at the broker. @returns what resolves when it is closed */
async function connectAnn(scope: Scope, url: string): Promise<{ readonly closed: Promise<void> }> {
  const login = { username: "ann", password: "battery staple" };
  const client = mqtt.connect(url, { ...login, reconnectPeriod: 0, protocolVersion: 4 });
  scope.cleanup(() => client.endAsync(true));
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  return { closed: new Promise((resolve) => client.once("close", () => resolve())) };
}

suite("accounts on the command line", ({ test }) => {
  test(
    "muster operator beside a running console ends what was open with the old password; muster sessions lists and ends",
    async (scope) => {
      const { http, mqtt: broker, muster, logIn } = await start(scope);
      assert.match(
        (await muster("operator", "ann", "--password", "battery staple")).err,
        /other users of this machine/,
      );
      const { cookie } = await logIn("ann", "battery staple");
      const stop = new AbortController();
      scope.cleanup(() => stop.abort());
      const stream = await fetch(`${http}/api/events`, { headers: { cookie }, signal: stop.signal });
      const ended = (async () => {
        for await (const _ of stream.body ?? []) continue;
      })().catch(() => {});
      const { closed } = await connectAnn(scope, broker);

      const listed = await muster("sessions");
      const id = /^(\w+) +ann +session .*127\.0\.0\.1 +Somebody's browser$/m.exec(listed.out)?.[1] ?? "";
      assert.ok(id, listed.out);
      assert.match(listed.out, /admin +token .*this one/);
      const [, own = ""] = /^(\w+) +admin +token/m.exec(listed.out) ?? [];
      const other = await logIn("ann", "battery staple");
      assert.match((await muster("sessions", "--end", id)).out, /has ended/);
      await withDeadline(ended, 10, "the stream's end");
      const who = (login: string): Promise<number> =>
        statusOf(checkedClient(http, undefined, { headers: { cookie: login } }).client.whoAmI());
      assert.equal([await who(cookie), await who(other.cookie)], [401, 200]);
      assert.match((await muster("sessions", "--end", id)).err, /no such session/);

      assert.match((await muster("operator", "ann", "--role", "admin")).out, /^ann \(admin\), the password stays$/m);
      assert.is(await who(other.cookie), 401, "a session is under the role that it began with");
      assert.is((await logIn("ann", "battery staple")).status, 200);
      const made = await muster("operator", "ann");
      assert.match(made.out, /^ann \(admin\), password .*the old password is void now/m);
      await withDeadline(closed, 10, "the connection's end");
      assert.is(await who(other.cookie), 401);
      assert.is((await logIn("ann", "battery staple")).status, 401);
      const password = /password (\S{27}) /.exec(made.out)?.[1] ?? "";
      assert.is((await logIn("ann", password)).status, 200);

      // The command line's own token is one of the administrator's.
      assert.is((await muster("operator", "admin")).code, 0);
      await eventually("a new token", async () => (await muster("sessions")).code === 0);
      assert.is((await logIn("admin", "correct horse")).status, 401);
      const [, token = ""] = /^(\w+) +admin +token/m.exec((await muster("sessions")).out) ?? [];
      assert.is.not(token, own);
      assert.is((await muster("sessions", "--end", token)).code, 0);
      assert.match(
        (await muster("sessions")).err,
        /data\/secrets\/cli.token was ended, .* the next start makes a new one/,
      );
    },
    { seconds: 40 },
  );

  test(
    "what an account is already is said, and no verb makes one silently",
    async (scope) => {
      const { env, mqtt: broker, muster } = await start(scope);
      assert.match(
        (await muster("operator", "bob", "--mqtt")).err,
        /there is no account "bob" yet: make it with --role/,
      );
      assert.match((await muster("operator", "edge-1", "--mqtt")).err, /"edge-1" is a device's/);
      assert.match(
        (await muster("operator", "bob", "--mqtt", "--role", "viewer")).out,
        /^bob \(viewer\), password .*\nbob, secret/,
      );
      assert.not.match((await muster("enroll", "rpi-7", "--secret")).out, /already/);
      assert.match(
        (await muster("enroll", "rpi-7", "--secret")).out,
        /^rpi-7 was enrolled already: its old secret is void now/,
      );
      const taken = await muster("operator", "rpi-7");
      assert.match(taken.err, /"rpi-7" is taken by a device: choose another name$/m);
      // From a terminal that does not know the port of the start.
      const elsewhere = { ...env, MUSTER_MQTT_PORT: "" };
      const { out } = await runProgram(...musterProgram(["enroll", "rpi-8", "--secret"]), { env: elsewhere });
      assert.match(out, `@THIS-HOST:${new URL(broker).port} `);
    },
    { seconds: 40 },
  );

  test(
    "accounts are limited to groups and listed; programs get tokens with a scope, which are listed and revoked",
    async (scope) => {
      const { http, muster } = await start(scope);
      await muster("group", "edge-1", "lab");
      const made = await muster("operator", "ann", "--role", "operator", "--group", "lab", "--group", "field");
      assert.match(made.out, /^ann \(operator, of the groups lab, field\), password \S+/);
      assert.match(made.out, /^no device is in field yet/m);
      const listed = (await muster("operator", "list")).out;
      assert.match(listed, /^admin +admin +all devices/m);
      assert.match(listed, /^ann +operator +lab, field +password +– +–/m);
      assert.match((await muster("operator", "list", "--role", "admin")).out, /^NAME/, "it is no name");
      const token = await muster("token", "create", "nightly export", "--account", "ann", "--role", "viewer");
      const [secret = ""] = token.out.split("\n");
      assert.match(token.out, /nightly export \(viewer of lab, field\), a token of ann until \d{4}-/);
      const { client } = checkedClient(http, secret);
      assert.equal(
        (await client.listDevices()).devices.map(({ id }) => id),
        ["edge-1"],
      );
      const tokens = (await muster("token", "list")).out;
      const [, id = ""] = /^(\S+) +nightly export +ann +viewer of lab, field .* 127\.0\.0\.1$/m.exec(tokens) ?? [];
      assert.ok(id, tokens);
      assert.match((await muster("token", "revoke", id)).out, /is revoked/);
      assert.is(await statusOf(client.whoAmI()), 401);
      const password = /password (\S+)/.exec(made.out)?.[1] ?? "";
      const ann = checkedClient(http, `ann:${password}`).client;
      const { secret: key } = await ann.beginSecondFactor();
      await ann.confirmSecondFactor({ code: codeOf(key) });
      assert.is(await statusOf(ann.whoAmI()), 401);
      assert.match((await muster("operator", "list")).out, /^ann +operator +lab, field +password +yes/m);
      assert.match((await muster("operator", "ann", "--no-second-factor")).out, /^ann has no second factor any more/);
      assert.is(await statusOf(ann.whoAmI()), 200);
      assert.match((await muster("token", "shake")).err, /expected create, list or revoke/);
      assert.match((await muster("operator", "ann", "--no-group")).out, /^ann \(operator\), the password stays/);
      assert.match((await muster("operator", "admin", "--group", "lab")).err, /the last administrator/);
    },
    { seconds: 60 },
  );

  test(
    "muster operator NAME --remove ends everything of that account, and it stays away; the last administrator stays",
    async (scope) => {
      const { http, env, mqtt: broker, muster, logIn } = await start(scope);
      await muster("operator", "ann", "--role", "admin", "--password", "battery staple");
      const { cookie } = await logIn("ann", "battery staple");
      const { closed } = await connectAnn(scope, broker);
      const unasked = await muster("operator", "ann", "--remove");
      assert.is(unasked.code, 1);
      assert.match(unasked.err, /Remove ann \(admin\).*no terminal to ask on: add --yes/);
      const { out } = await muster("operator", "ann", "--remove", "--yes");
      assert.match(out, /^ann \(admin\) is removed, and what was open with that account has ended$/m);
      await withDeadline(closed, 10, "the connection's end");
      assert.is(await statusOf(checkedClient(http, undefined, { headers: { cookie } }).client.whoAmI()), 401);
      assert.is((await logIn("ann", "battery staple")).status, 401);
      for (const [args, why] of [
        [["ann", "--remove", "--yes"], /there is no account "ann"/],
        [["edge-1", "--remove", "--yes"], /"edge-1" is a device: expected muster device edge-1 --remove/],
        [["admin", "--remove", "--yes"], /"admin" is the last administrator: make another one first/],
        [["admin", "--role", "viewer"], /"admin" is the last administrator/],
        [["admin", "--remove", "--role", "viewer"], /expected no other option but --yes/],
      ] as const)
        assert.match((await muster("operator", ...args)).err, why);

      // Another administrator takes over: the first one is removed for good, and the command line of this machine goes on.
      await muster("operator", "eve", "--role", "admin", "--password", "battery staple");
      assert.is((await muster("operator", "admin", "--remove", "--yes")).code, 0);
      await eventually("a token of eve's", async () => /eve +token .*this one/.test((await muster("sessions")).out));
      const { MUSTER_ADMIN_PASSWORD_FILE: _, ...later } = env;
      const again = await runProgram(...musterProgram(["mosquitto"]), { env: later });
      assert.not.match(again.out, /operator admin, password/, "no administrator comes back by himself");
      assert.match(again.out, /^eve, secret for MQTT/m);
    },
    { seconds: 40 },
  );

  test("muster mosquitto names settings that are there, also where the directory has none", async (scope) => {
    const directory = await scope.directory();
    const [command, args] = musterProgram(["mosquitto"]);
    const absolute = args.map((one) => (one.endsWith(".js") ? resolve(one) : one));
    const there = ["-c", 'cd "$1" && shift && exec "$@"', "sh", directory, command, ...absolute];
    const { out } = await runProgram("sh", there, { env: { MUSTER_DATA: "", MUSTER_DEVICE: "edge-1" } });
    const [, path = ""] = /^now run: mosquitto -c (.+)$/m.exec(out) ?? [];
    assert.ok(isAbsolute(path), out);
    assert.match(await readFile(path, "utf8"), /^allow_anonymous false$/m);
  });

  test("the line that muster mosquitto prints names files that are there, whatever the directory is called", async (scope) => {
    const directory = join(await scope.directory(), "data");
    const env = { MUSTER_DATA: directory, MUSTER_DEVICE: "edge-1", MUSTER_MQTT_PORT: "1888" };
    const { out } = await runProgram(...musterProgram(["mosquitto", "--listen", "0.0.0.0"]), { env });
    const [, adapt = ""] = /^first the settings .*: (sed .*)$/m.exec(out) ?? [];
    assert.is((await runProgram("sh", ["-c", adapt])).code, 0, out);
    const settings = await readFile(join(directory, "mosquitto", "mosquitto.conf"), "utf8");
    const named = [...settings.matchAll(/^(?:password_file|acl_file|cafile|certfile|keyfile|crlfile) (.+)$/gm)];
    assert.match(settings, /^listener 1888 127\.0\.0\.1$/m);
    assert.match(out, /MUSTER_MQTT_URL=mqtt:\/\/127\.0\.0\.1:1888 /);
    assert.ok(named.length >= 8, settings);
    for (const [line, path = ""] of named) assert.ok(existsSync(path), line);
  });

  test(
    "muster device NAME --remove takes a device away while everything runs, and the agent's connection with it",
    async (scope) => {
      const { env, http, muster } = await start(scope);
      const line =
        /^ +MUSTER_MQTT_URL=(\S+) npx muster agent$/m.exec((await muster("enroll", "rpi-7", "--secret")).out)?.[1] ??
        "";
      const own = { ...env, MUSTER_DATA: join(await scope.directory(), "agent"), MUSTER_DEVICE: "rpi-7" };
      const url = line.replace("THIS-HOST", "127.0.0.1");
      const agent = new Running(scope, ...musterProgram(["agent"]), { env: { ...own, MUSTER_MQTT_URL: url } });
      const { client } = checkedClient(http, "admin:correct horse");
      await eventually("it online", async () =>
        (await client.listDevices()).devices.some(({ id, online }) => id === "rpi-7" && online),
      );
      assert.is((await muster("send", "rpi-7", "ping")).code, 0);
      const watch = new Running(scope, ...musterProgram(["watch", "rpi-7"]), { env });
      await watch.line(/rpi-7/);
      assert.match((await muster("device", "rpi-7")).out, /\nFIELD +VALUE +UNIT +TITLE\n/);
      assert.match((await muster("device", "rpi-7", "--yes")).err, /expected --remove: .* use muster enroll rpi-7/);
      assert.match((await muster("device", "rpi-9", "--remove", "--yes")).err, /there is no device "rpi-9"/);
      const { out, code } = await muster("device", "rpi-7", "--remove", "--yes");
      assert.is(code, 0);
      assert.match(out, /^rpi-7 is removed: /m);
      assert.not.match(out, /InfluxDB/, "there is none");
      await watch.line(/rpi-7 +removed/);
      await agent.line(/not authorized|Not authorized|refused|wrong/i);
      assert.not.match((await muster("devices")).out, /rpi-7/);
      assert.match((await muster("send", "rpi-7", "ping", "--ttl", "1h")).err, /there is no device "rpi-7"/);
      const beside = { env: { ...env, MUSTER_INFLUX_URL: "http://127.0.0.1:1/fleet" } };
      const other = await runProgram(...musterProgram(["device", "edge-1", "--remove", "--yes"]), beside);
      assert.is(other.err, "");
      assert.match(other.out, /^edge-1 is removed: .*\n.*DROP SERIES WHERE "host" = 'edge-1'$/m);
    },
    { seconds: 40 },
  );

  test(
    "a password is asked for without an echo, taken from standard input, or from a file",
    async (scope) => {
      const { muster, typing, logIn } = await start(scope);
      const [node, args] = musterProgram(["operator", "ann", "--password"]);
      const asked = await typing("typed in secret", "script", ["-qec", [node, ...args].join(" "), "/dev/null"]);
      assert.match(asked, /Password: .*Once more: .*ann \(operator\)/s);
      assert.not.match(asked, "typed in secret");
      assert.is((await logIn("ann", "typed in secret")).status, 200);
      const [, piped] = musterProgram(["operator", "bob", "--password", "-"]);
      assert.match(await typing("piped in secret", node, piped), /^bob \(operator\)$/m);
      assert.is((await logIn("bob", "piped in secret")).status, 200);
      const file = join(await scope.directory(), "password");
      await writeFile(file, "filed in secret\n");
      assert.is((await muster("operator", "eve", "--role", "viewer", "--password-file", file)).code, 0);
      assert.is((await logIn("eve", "filed in secret")).status, 200);
      assert.match(
        (await muster("operator", "eve", "--password-file", `${file}s`)).err,
        /passwords: there is no such file$/m,
      );
      const { err, code } = await muster("operator", "eve", "--password");
      assert.is(code, 1);
      assert.match(err, /no terminal to ask on/, err);
    },
    { seconds: 40 },
  );

  test("who has no Mosquitto hears of it when he asks for its files, and not at each account", async (scope) => {
    const env = { MUSTER_DATA: join(await scope.directory(), "data") };
    const muster = async (more: object, ...args: string[]): Promise<string> => {
      const { out, err } = await runProgram(...musterProgram(args), { env: { ...env, ...more } });
      return out + err;
    };
    const told = /Mosquitto was not told/;
    const own = { MUSTER_MQTT_URL: "mqtt://127.0.0.1:1883" };
    await muster({}, "operator", "ann", "--role", "viewer");
    await muster({}, "operator", "bob", "--role", "viewer");
    assert.not.match(await muster({}, "operator", "ann", "--remove", "--yes"), told);
    assert.match(await muster(own, "operator", "bob", "--remove", "--yes"), told);
  });
});
