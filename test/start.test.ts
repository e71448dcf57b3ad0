import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join, resolve } from "node:path";
import * as assert from "uvu/assert";
import { createClient, type Client } from "#api/client";
import type { DeviceDocument } from "#api/device-routes";
import { version } from "#shared/version";
import { search } from "../console/audit/search.ts";
import { openForReading } from "../console/database/database.ts";
import { startInflux } from "./influx.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const up = /Muster .* is up/;

/** Muster's own processes on a data directory and ports of the test's. */
async function place(scope: Scope) {
  const directory = join(await scope.directory(), "data");
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: directory,
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: "correct horse",
  };
  return {
    env,
    directory,
    mqttPort,
    http: `http://127.0.0.1:${httpPort}`,
    start: (args: readonly string[], more: Record<string, string> = {}) =>
      new Running(scope, ...musterProgram(args), { env: { ...env, ...more } }),
    muster: (args: readonly string[], more: Record<string, string> = {}): Promise<Finished> =>
      runProgram(...musterProgram(args), { env: { ...env, ...more } }),
    client: createClient({ url: `http://127.0.0.1:${httpPort}`, login: "admin:correct horse" }),
  };
}

/** Until the console sees it: a program for each look would cost more than what is looked at. */
async function sees(client: Client, device: string, isSo: (document: DeviceDocument) => boolean): Promise<void> {
  const devices = async (): Promise<DeviceDocument[]> => (await client.listDevices()).devices;
  await eventually(device, async () => (await devices()).some((one) => one.id === device && isSo(one)));
}

suite("muster start", ({ test }) => {
  test("one command brings everything up: a sample, a password shown once, lines that work when pasted", async (scope) => {
    const { start, http, muster, directory } = await place(scope);
    const running = start(["start"], { MUSTER_ADMIN_PASSWORD: "" });
    await running.line(up);
    const password = /password (\S+)/.exec(await running.line(/log in/))?.[1] ?? "";
    const client = createClient({ url: http, login: `admin:${password}` });
    await eventually("a sample", async () => {
      const { devices } = await client.listDevices();
      return (devices[0]?.latest.length ?? 0) > 0;
    });

    const [watch, send] = [await running.line(/mosquitto_sub/), await running.line(/mosquitto_pub/)].map((line) =>
      line.replace(/^\s*\w+\s+/, ""),
    );
    await running.line(/npx muster send edge-1 ping --data \S+ --http-port \d+$/);
    const watching = new Running(scope, "bash", ["-c", `exec stdbuf -oL ${watch} -d`]);
    await watching.line(/Subscribed \(mid/);
    await watching.line(/^muster\/edge-1\/status .*"online":true/);
    assert.is((await runProgram("bash", ["-c", send ?? ""])).code, 0);
    await watching.line(/^muster\/edge-1\/reply\/\w+ .*"pong":true/);

    assert.is(await running.kill("SIGINT"), 0);
    const kept = openForReading(join(directory, "muster.db"));
    const itself = [...search(kept, { what: "console" })].flatMap((entry) => entry ?? []);
    const set = [...search(kept, { what: "setting.changed" })].flatMap((entry) => entry ?? []);
    assert.ok(set.some(({ on, detail }) => on === "MUSTER_HTTP_PORT" && /"from":null,"to":"\d+"/.test(detail)));
    kept.close();
    assert.equal(
      itself.map(({ who, what, on }) => [who, what, on]),
      [
        ["console", "console.stopped", version],
        ["console", "console.started", version],
      ],
    );
    await watching.line(/"online":false.*stopped|"reason":"stopped"/);
    const again = start(["start"], { MUSTER_ADMIN_PASSWORD: "" });
    await again.line(up);
    assert.is(
      again.lines.some((line) => /password \S+ +\(shown/.test(line)),
      false,
    );
    assert.is((await client.whoAmI()).name, "admin");
    const second = await muster(["start"], { MUSTER_HTTP_PORT: String(await freePort()) });
    assert.is(second.code, 1);
    assert.match(second.err, /another console \(process \d+\) is at work in .*: stop it, or give this one a directory/);
    assert.is(await again.kill("SIGTERM"), 0);
  });

  test("what the build makes is a program: npx runs it after a second build too", async () => {
    const { mode } = await stat("dist/muster.js");
    assert.is(mode & 0o111, 0o111);
    const { code, out } = await runProgram(resolve("dist/muster.js"), ["--version"]);
    assert.equal([code, out.trim()], [0, version]);
  });

  test("until devices are heard it loads what they need, and nothing of what people do", async () => {
    const loaded = new Set(["muster.js"]);
    for (const name of await readdir("dist/chunks"))
      if (/^(state|account-watch|secrets|running-settings|broker|console)-[\w-]{8}\.js$/.test(name))
        loaded.add(`chunks/${name}`);
    const packages = new Set<string>();
    for (const file of loaded) {
      const text = await readFile(join("dist", file), "utf8");
      for (const [, from = ""] of text.matchAll(/^(?:import|export)\b[^;"]*"([^"]+)";/gm))
        if (from.startsWith(".")) loaded.add(join(dirname(file), from));
        else if (!from.startsWith("node:")) packages.add(from);
    }
    assert.ok(loaded.size > 20, [...loaded].join());
    assert.equal([...packages].toSorted(), [
      "@photostructure/sqlite",
      "aedes",
      "bl",
      "cbor-x",
      "commander",
      "croner",
      "eventsource-parser/stream",
      "mqtt-packet",
      "smol-toml",
      "ws",
    ]);
  });

  test("what it keeps can be read by its own user alone", async (scope) => {
    const { start, directory } = await place(scope);
    const running = start(["start"]);
    await running.line(up);
    assert.is((await stat(directory)).mode & 0o077, 0);
    assert.is((await stat(join(directory, "secrets", "cli.token"))).mode & 0o077, 0);
  });

  test("killed without warning, it comes back with what it knew", async (scope) => {
    const { start, muster } = await place(scope);
    const running = start(["start"]);
    await running.line(up);
    await running.line(/./);
    assert.is((await muster(["send", "edge-1", "ping"])).code, 0);
    await running.kill("SIGKILL");
    await start(["start"]).line(up);
    const { out } = await muster(["commands", "--json"]);
    assert.equal(
      (JSON.parse(out) as { key: string; state: string }[]).map(({ key, state }) => [key, state]),
      [["ping", "succeeded"]],
    );
  });

  test(
    "the command line: devices, send, commands, cancel, watch",
    async (scope) => {
      const { start, muster, client } = await place(scope);
      await start(["start"]).line(up);
      await sees(client, "edge-1", ({ online }) => online);
      assert.match((await muster(["devices"])).out, /edge-1 +online/);
      const sent = await muster(["send", "edge-1", "set-interval", "--arg", "seconds=2"]);
      assert.is(sent.code, 0, sent.err);
      assert.equal(JSON.parse(sent.out), { interval: 2_000, paused: false, kept: true });
      const refused = await muster(["send", "edge-1", "set-interval", "--arg", "seconds=0"]);
      assert.is(refused.code, 1);
      assert.match(refused.err, /seconds/);
      assert.match((await muster(["send", "edge-2", "ping"])).err, /no device "edge-2"; muster devices lists them$/m);
      for (const args of [
        ["watch", "nodev"],
        ["commands", "--device", "nodev"],
        ["group", "nodev", "lab"],
      ])
        assert.match((await muster(args)).err, /no device "nodev"; muster devices lists them$/m, args.join(" "));
      assert.match((await muster(["commands", "--state", "lost"])).err, /--state is "lost": expected queued, accepted/);
      assert.match((await muster(["explain", "nothing"])).err, /no command "nothing"; muster commands lists them$/m);
      assert.match((await muster(["jobs", "show", "nothing"])).err, /no job "nothing"; muster jobs lists them$/m);
      for (const [token, told] of [
        ["admin:wrong", /the name or the password in MUSTER_TOKEN is wrong/],
        ["nobody", /the token in MUSTER_TOKEN is not known or has ended/],
      ] as const)
        assert.match((await muster(["devices"], { MUSTER_TOKEN: token })).err, told);
      assert.match((await muster(["send", "edge-1", "ping", "--arg", "oops"])).err, /expected NAME=VALUE/);
      const document = JSON.parse((await muster(["send", "edge-1", "ping", "--json"])).out) as {
        state: string;
        id: string;
      };
      assert.is(document.state, "succeeded");
      const late = await muster(["cancel", document.id]);
      assert.match(late.out, /succeeded/);
      assert.match(late.err, /nothing was withdrawn: it had ended already/);
      assert.is(late.code, 1);
      assert.match((await muster(["commands", "--device", "edge-1"])).out, /ping +succeeded/);
      const watching = start(["watch", "edge-1"]);
      await watching.line(/edge-1 {2}mem {2}/);
      await muster(["send", "edge-1", "ping"]);
      await watching.line(/edge-1 {2}ping \w+ {2}succeeded/);
      assert.is(await watching.kill("SIGINT"), 0);
      assert.match((await muster(["send", "--help"])).out, /--ttl <duration>/);
      assert.match(
        (await muster(["devices"], { MUSTER_URL: "http://127.0.0.1:1" })).err,
        /no console answers at http:\/\/127.0.0.1:1 .*start it/,
      );
    },
    { seconds: 40 },
  );

  test("an offline device: the call is refused, with a ttl it waits, and exit status tells", async (scope) => {
    const { start, muster, client } = await place(scope);
    await start(["start"]).line(up);
    await sees(client, "edge-1", ({ online }) => online);
    assert.is((await muster(["send", "edge-1", "shutdown"])).code, 0);
    await sees(client, "edge-1", ({ online }) => !online);
    assert.match((await muster(["devices"])).out, /edge-1 +offline.*shutdown/);
    const refused = await muster(["send", "edge-1", "ping"]);
    assert.is(refused.code, 1);
    assert.match(refused.err, /offline \(shutdown\)/);
    const waiting = await muster(["send", "edge-1", "ping", "--ttl", "1h", "--timeout", "2s"]);
    assert.is(waiting.code, 1);
    assert.match(waiting.out, /waiting for edge-1, offline/);
    const id = /\((\w+)\)\s*$/.exec(waiting.out)?.[1] ?? "";
    assert.match((await muster(["cancel", id])).out, /^cancelled: withdrawn by admin/);
  });
});

suite("muster's parts alone", ({ test }) => {
  test(
    "broker, console and agent as three processes; an agent enrolled for elsewhere",
    async (scope) => {
      const { start, muster, directory, client } = await place(scope);
      await start(["broker"]).line(/broker listens/);
      await start(["console"]).line(/console listens/);
      const { out } = await muster(["enroll", "edge-9", "--secret"]);
      const url = /MUSTER_MQTT_URL=(\S+)/.exec(out)?.[1]?.replace("THIS-HOST", "127.0.0.1") ?? "";
      assert.match(url, `edge-9:`);
      const agent = start(["agent"], {
        MUSTER_MQTT_URL: url,
        MUSTER_DATA: join(directory, "elsewhere"),
        MUSTER_DEVICE: "",
        MUSTER_INTERVAL: "1s",
      });
      await agent.line(/agent edge-9 reports/);
      const isBusy = ({ measurement, fields }: DeviceDocument["latest"][number]): boolean =>
        measurement === "cpu" && "usage_idle" in fields;
      await sees(client, "edge-9", ({ online, latest }) => online && latest.some(isBusy));
      assert.is((await muster(["send", "edge-9", "ping"])).code, 0);
      assert.match((await muster(["devices"])).out, /edge-9 +online +\d/);
      assert.is((await muster(["send", "edge-9", "shutdown"])).code, 0);
      await agent.line(/has ended: shutdown/);
      assert.is(await agent.end(), 0);
    },
    { seconds: 90 },
  );

  test(
    "an external Mosquitto with the files that muster wrote",
    async (scope) => {
      const { start, muster, directory, mqttPort, env, client } = await place(scope);
      const { out } = await muster(["mosquitto"]);
      const [, adapt = ""] = /^first the settings .*: (sed .*)$/m.exec(out) ?? [];
      assert.is((await runProgram("sh", ["-c", adapt])).code, 0);
      assert.match(
        await readFile(join(directory, "mosquitto/mosquitto.conf"), "utf8"),
        `password_file ${directory}/mosquitto/passwd`,
      );
      assert.match(out, /wrote .*passwd/);
      const secret = /admin, secret for MQTT (\S{27}) .* admin, admin~2, admin~3, admin~4, which/.exec(out)?.[1] ?? "";
      assert.not.match((await muster(["mosquitto"])).out, /secret for MQTT/, "shown once");
      const conf = (await readFile("mosquitto.conf", "utf8"))
        .replace(/^listener 1883 /m, `listener ${mqttPort} `)
        .replaceAll("data/mosquitto/", `${directory}/mosquitto/`)
        .replace(/^#user root$/m, process.getuid?.() === 0 ? "user root" : "");
      await writeFile(join(directory, "mosquitto.conf"), conf);
      const broker = new Running(scope, "mosquitto", ["-v", "-c", join(directory, "mosquitto.conf")]);
      await broker.line(/Opening ipv4 listen socket/);
      const running = start(["start"], { MUSTER_MQTT_URL: `mqtt://127.0.0.1:${mqttPort}` });
      await running.line(/Muster \S+ is up\.$/);
      await running.line(new RegExp(`broker +external broker at mqtt://127.0.0.1:${mqttPort}, connected$`));
      await sees(client, "edge-1", ({ online }) => online);
      assert.is((await muster(["send", "edge-1", "ping"])).code, 0);
      const look = (name: string, with_: string): Promise<{ code: number | null; out: string }> => {
        const login = ["-h", "127.0.0.1", "-p", String(mqttPort), "-u", name, "-P", with_];
        return runProgram("mosquitto_sub", [...login, "-t", "muster/edge-1/status", "-C", "1", "-W", "5"]);
      };
      for (const name of ["admin", "admin~2"]) assert.match((await look(name, secret)).out, /"online":true/);
      assert.is.not((await look("admin", env.MUSTER_ADMIN_PASSWORD)).code, 0, "a password is not for Mosquitto");
      const passwd = await readFile(join(directory, "mosquitto/passwd"), "utf8");
      assert.equal([...new Set(passwd.match(/\$7\$\d+/g))], ["$7$101"], "nothing in it costs Mosquitto much");
      // An account that is there keeps its role and password.
      await muster(["operator", "vera", "--role", "viewer", "--password", "correct horse"]);
      assert.match(
        (await muster(["operator", "vera", "--mqtt"])).out,
        /^vera, secret for MQTT \S{27} \(shown this once\)/,
      );
      assert.match(await readFile(join(directory, "mosquitto/passwd"), "utf8"), /^vera~4:\$7\$101\$/m);
      assert.match((await muster(["operator", "vera", "--no-mqtt"])).out, /^vera has no secret for MQTT any more/);
      assert.not.match(await readFile(join(directory, "mosquitto/passwd"), "utf8"), /vera/);
    },
    { seconds: 40 },
  );
});

suite("what can go wrong at the start", ({ test }) => {
  test(
    "a port in use is named, with what to do",
    async (scope) => {
      const { muster, mqttPort, http } = await place(scope);
      for (const [port, name] of [
        [mqttPort, "MUSTER_MQTT_PORT"],
        [Number(new URL(http).port), "MUSTER_HTTP_PORT"],
      ] as const) {
        const server = createServer().listen(port, "127.0.0.1");
        scope.cleanup(() => new Promise((resolve) => server.close(resolve)));
        const { code, err } = await muster(["start"]);
        assert.is(code, 1);
        assert.match(err, new RegExp(`port ${port} on 127.0.0.1 is in use.*${name}`));
        await new Promise((resolve) => server.close(resolve));
      }
    },
    { seconds: 30 },
  );

  test(
    "a present directory that was deleted is named",
    async (scope) => {
      const [program, args] = musterProgram(["start"]);
      const gone = await scope.directory();
      const script = `mkdir gone && cd gone && rmdir ../gone && exec "$@"`;
      const { code, err } = await runProgram("sh", [
        "-c",
        `cd '${gone}' && ${script}`,
        "sh",
        program,
        ...args.map((one) => (one.endsWith(".js") ? resolve(one) : one)),
      ]);
      assert.is(code, 1);
      assert.is(err, "muster: the present directory is gone: change into one that is there\n");
    },
    { seconds: 20 },
  );

  test(
    "nobody can read what is printed, and everything goes on",
    async (scope) => {
      const { env, http } = await place(scope);
      const [program, args] = musterProgram(["start"]);
      const running = new Running(scope, "sh", ["-c", `exec "$@" > /dev/full`, "sh", program, ...args], {
        env: { ...env, MUSTER_LOG_LEVEL: "silent" },
      });
      await running.line(/what is printed cannot be written \(ENOSPC/);
      assert.is((await fetch(`${http}/healthz`)).status, 200);
    },
    { seconds: 20 },
  );

  test(
    "a password made by a start that failed is shown by the next that succeeds, and by no other",
    async (scope) => {
      for (const command of ["start", "broker", "console"]) {
        const { start, muster, http, directory } = await place(scope);
        const own = { MUSTER_ADMIN_PASSWORD: "" };
        const taken = command === "broker" ? "MUSTER_MQTT_PORT" : "MUSTER_HTTP_PORT";
        const server = createServer().listen(0, "127.0.0.1");
        await once(server, "listening");
        scope.cleanup(() => server.close());
        const failed = await muster([command], { ...own, [taken]: String((server.address() as AddressInfo).port) });
        assert.match(failed.err, /in use/);
        assert.is((await stat(join(directory, "secrets/admin@unshown"))).mode & 0o077, 0);
        const running = start([command], own);
        const password = /password (\S{27}) /.exec(await running.line(/password/))?.[1] ?? "";
        if (command !== "broker") {
          const headers = { authorization: `Basic ${btoa(`admin:${password}`)}` };
          assert.is((await fetch(`${http}/api/devices`, { headers })).status, 200);
        }
        await eventually("its end", async () => !existsSync(join(directory, "secrets/admin@unshown")));
        await running.kill("SIGTERM");
        const { out } = await muster(["mosquitto"], own);
        assert.not.match(out, /password \S{27} /);
      }
    },
    { seconds: 40 },
  );

  test("a data directory that cannot be written is named", async (scope) => {
    const { muster, directory } = await place(scope);
    await mkdir(join(directory, ".."), { recursive: true });
    await writeFile(directory, "a file stands here");
    const { code, err } = await muster(["start"]);
    assert.is(code, 1);
    assert.match(err, /cannot make the directory .*: check the directory's permissions, or set MUSTER_DATA/);
    await chmod(directory, 0o600);
  });

  test("all wrong settings are told at once, with exit status 2", async (scope) => {
    const { muster } = await place(scope);
    const { code, err } = await muster(["start", "--http-port", "99999"], {
      MUSTER_DEVICE: "no good",
      MUSTER_INFLUX_URL: "influx",
    });
    assert.is(code, 2);
    assert.match(err, /--http-port is "99999": expected a whole number/);
    assert.match(err, /MUSTER_DEVICE is "no good"/);
    assert.match(err, /MUSTER_INFLUX_URL is not usable: expected a URL/);
  });

  test(
    "an InfluxDB that is away: the console starts, says so, and goes on trying",
    async (scope) => {
      const influx = await startInflux(scope, { stopped: true });
      const { start, client } = await place(scope);
      await start(["start"], { MUSTER_INFLUX_URL: `${influx.url}/fleet` }).line(up);
      const health = await client.getHealth();
      assert.is(health.ok, false);
      assert.match(health.store?.problem ?? "", /InfluxDB/);
      await influx.start();
      await eventually("health", async () => (await client.getHealth()).ok, 40);
      await eventually(
        "a sample",
        async () => /edge-1/.test(await influx.shell("SHOW TAG VALUES ON fleet FROM mem WITH KEY = host")),
        15,
      );
    },
    { seconds: 90 },
  );

  test("an external broker that is away: the start says so and goes on trying", async (scope) => {
    const { start, mqttPort } = await place(scope);
    for (const command of ["start", "console"]) {
      const running = start([command], { MUSTER_MQTT_URL: `mqtt://somebody:secret@127.0.0.1:${mqttPort}` });
      const line = await running.line(/external broker/);
      assert.match(line, `external broker at mqtt://127.0.0.1:${mqttPort}, not reached yet: connect ECONNREFUSED`);
      if (command === "start") await running.line(/is up, but has not reached its broker yet/);
      await running.kill("SIGTERM");
    }
  });

  test("an agent with a wrong secret says so and goes on trying", async (scope) => {
    const { start, mqttPort } = await place(scope);
    await start(["broker"]).line(/broker listens/);
    const agent = start(["agent"], { MUSTER_MQTT_URL: `mqtt://edge-1:wrong@127.0.0.1:${mqttPort}` });
    await agent.line(/user name or password refused/);
    assert.is(agent.child.exitCode, null);
  });

  test("an agent without a secret is told how to get one", async (scope) => {
    const { muster } = await place(scope);
    const { code, err } = await muster(["agent"]);
    assert.is(code, 1);
    assert.match(err, /no secret for edge-1: .*muster enroll edge-1/);
  });
});
