import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** Muster as it is installed, over its own broker or over Mosquitto with the files that Muster writes. */
async function start(scope: Scope, kind: "embedded" | "mosquitto") {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const directory = join(await scope.directory(), "data");
  const env = {
    MUSTER_DATA: directory,
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: "correct horse",
    ...(kind === "mosquitto" ? { MUSTER_MQTT_URL: `mqtt://127.0.0.1:${mqttPort}` } : {}),
  };
  const muster = (...args: string[]): Promise<Finished> => runProgram(...musterProgram(args), { env });
  if (kind === "mosquitto") {
    await muster("mosquitto");
    const conf = (await readFile("mosquitto.conf", "utf8"))
      .replace(/^listener 1883 /m, `listener ${mqttPort} `)
      .replaceAll("data/mosquitto/", `${directory}/mosquitto/`)
      .replace(/^#user root$/m, process.getuid?.() === 0 ? "user root" : "");
    const path = join(directory, "mosquitto.conf");
    await writeFile(path, conf);
    await new Running(scope, "mosquitto", ["-v", "-c", path]).line(/mosquitto version .* running/);
  }
  await new Running(scope, ...musterProgram(["start"]), { env }).line(/^ +(broker|page) /);
  const client = createClient({ url: `http://127.0.0.1:${httpPort}`, login: "admin:correct horse" });
  await eventually("the console", () => client.getHealth().then(({ ok }) => ok));
  return { client, muster, mqttPort };
}

suite("secrets that are changed", ({ test }) => {
  for (const kind of ["embedded", "mosquitto"] as const) {
    test(
      `over ${kind} a device makes itself another secret, comes in with it, and loses no sample; the old one is none then`,
      async (scope) => {
        const { client, muster, mqttPort } = await start(scope, kind);
        const data = await scope.directory();
        const { code } = await client.createEnrollment({ name: "cam" });
        const file = join(data, "muster-join");
        await writeFile(file, code);
        const flags = ["--data", data, "--join-file", file, "--interval", "100ms"];
        // One of the two takes no command without a person's word for it.
        const key = join(data, "ann.key");
        const isSigned = kind === "embedded";
        const signers = isSigned ? (await muster("keygen", "--out", key)).out.trim() : undefined;
        const env = signers === undefined ? {} : { MUSTER_SIGNERS: signers };
        await new Running(scope, process.execPath, ["dist/muster-agent.cjs", ...flags], { env }).line(
          /agent cam reports to/,
        );
        const online = (): Promise<boolean> =>
          client.getDevice("cam").then(
            ({ online: is }) => is,
            () => false,
          );
        await eventually("cam", online);
        const identity = async () =>
          JSON.parse(await readFile(join(data, "agent/identity.json"), "utf8")) as {
            joined: { secret: string };
            next?: object;
          };
        const old = (await identity()).joined.secret;

        const rotating = ["device", "cam", "--rotate-secret"];
        if (isSigned)
          assert.match((await muster(...rotating)).err, /takes only commands that are signed.*--sign KEYFILE/);
        const { code: exit, err } = await muster(...rotating, ...(isSigned ? ["--sign", key] : []));
        assert.is(exit, 0, err);
        const { commands } = await client.listCommands({ device: "cam" });
        assert.ok(commands.some(({ key, state }) => key === "rotate-secret" && state === "succeeded"));
        assert.not.match(JSON.stringify(commands), /\$7\$/);
        await eventually("another secret alone", async () => {
          const { joined, next } = await identity();
          return joined.secret !== old && next === undefined;
        });
        const topic = ["-t", "muster/cam/metrics/room", "-m", '{"t":1}', "-q", "1"];
        const login = ["-h", "127.0.0.1", "-p", String(mqttPort), "-u", "cam", "-i", "cam"];
        assert.is.not((await runProgram("mosquitto_pub", [...login, "-P", old, ...topic])).code, 0);
        await eventually("cam again", online);
        const before = (await client.getCompleteness("cam")).stored;
        await eventually("its samples", async () => (await client.getCompleteness("cam")).stored > before + 5);
        assert.is((await client.getCompleteness("cam")).missing, 0);
      },
      { seconds: 90 },
    );
  }
});
