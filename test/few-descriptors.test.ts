import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import mqtt, { type MqttClient } from "mqtt";
import { freePort } from "./mosquitto.ts";
import { musterProgram, Running } from "./programs.ts";
import { eventually, suite, withDeadline, type Scope } from "./suite.ts";

/** Raw connections that say nothing, from so many addresses of this machine. */
async function flood(scope: Scope, port: number, count: number, addresses: number): Promise<() => void> {
  const sockets: Socket[] = [];
  const settled = Array.from({ length: count }, (_, at) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: `127.0.0.${2 + (at % addresses)}` });
    sockets.push(socket);
    socket.on("error", () => {});
    return new Promise<void>((resolve) => {
      socket.once("connect", () => resolve());
      socket.once("close", () => resolve());
    });
  });
  const end = (): void => sockets.forEach((socket) => socket.destroy());
  scope.cleanup(end);
  await withDeadline(Promise.all(settled), 15, "the flood");
  return end;
}

async function login(scope: Scope, port: number, username: string, password: string): Promise<MqttClient> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    username,
    password,
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  scope.cleanup(() => client.endAsync(true));
  await withDeadline(
    new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.once("close", () => reject(new Error("closed before it was let in")));
      client.on("error", () => {});
    }),
    10,
    "the login",
  );
  return client;
}

/** Milliseconds of processor time that a process has had. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function health(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", path: "/healthz", agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on("error", reject);
    asked.end();
  });
}

suite("few descriptors", ({ test }) => {
  test(
    "256 of them, and 600 connections that say nothing: the healthy go on, during and after",
    async (scope) => {
      const directory = join(await scope.directory(), "data");
      const [httpPort, mqttPort] = [await freePort(), await freePort()];
      const env = {
        MUSTER_DATA: directory,
        MUSTER_HTTP_PORT: String(httpPort),
        MUSTER_MQTT_PORT: String(mqttPort),
        MUSTER_DEVICE: "edge-1",
        MUSTER_ADMIN_PASSWORD: "correct horse",
      };
      const [node, args] = musterProgram(["start"]);
      const running = new Running(scope, "sh", ["-c", 'ulimit -n 256; exec "$0" "$@"', node, ...args], { env });
      await running.line(/Muster .* is up/);
      await running.line(/the system allows 256 open files/);
      const admin = await login(scope, mqttPort, "admin", "correct horse");
      // One that comes in the middle of hundreds may be turned away with them, as far as the kernel has let them queue: it comes again.
      const answers = (): Promise<boolean> =>
        eventually("an answer", async () => (await health(httpPort).catch(() => 0)) === 200);
      const ask = async (): Promise<void> => {
        await withDeadline(admin.publishAsync("muster/edge-1/cmd", "ping", { qos: 1 }), 20, "a message");
        await answers();
      };
      await ask();
      const ends = [await flood(scope, mqttPort, 300, 1), await flood(scope, httpPort, 300, 1)];
      await ask();
      // From outside of the flooding network one still comes in.
      await login(scope, mqttPort, "admin", "correct horse");
      ends.push(await flood(scope, mqttPort, 300, 200), await flood(scope, httpPort, 300, 200));
      await withDeadline(admin.publishAsync("muster/edge-1/cmd", "ping", { qos: 1 }), 20, "a message");
      for (const end of ends) end();
      await answers();
      await login(scope, mqttPort, "admin", "correct horse");
      await ask();
      const told = running.lines.filter((line) => line.includes('"level":50') || line.includes("error"));
      assert.equal(told, []);
    },
    { seconds: 60 },
  );

  test(
    "none left at all: a port neither throws nor spins, and makes room",
    async (scope) => {
      const port = await freePort();
      const program = `
      import { systemClock } from "#shared/clock";
      import { silentLog } from "#shared/log";
      import { SafetyNet } from "#shared/safety-net";
      import { Broker } from "./broker/broker.ts";
      const net = new SafetyNet(silentLog, systemClock);
      const authenticate = async (name) => ({ name, role: "operator" });
      const limits = { connections: 100_000, connectTimeout: 2_000 };
      const broker = new Broker({ listen: "127.0.0.1", port: ${port}, root: "muster", authenticate, limits, net, clock: systemClock, log: silentLog });
      await broker.start();
      console.log("up");
      setInterval(() => console.log("faults", net.total), 100);
    `;
      const args = ["--import", "tsx", "--input-type=module", "-e", program];
      const running = new Running(scope, process.execPath, args);
      await running.line(/^up/);
      const pid = running.child.pid ?? 0;
      // Only now: its modules are read many at a time, which on a busy machine may take more than these.
      execFileSync("prlimit", ["--pid", String(pid), "--nofile=64:64"]);
      const end = await flood(scope, port, 200, 1);
      const before = cpuOf(pid);
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.ok(cpuOf(pid) - before < 300, `it took ${cpuOf(pid) - before} ms of processor time in 500 ms`);
      end();
      await eventually("a login", () => login(scope, port, "olaf", "x"), 15);
      assert.is(running.child.exitCode, null);
      assert.is(running.lines.at(-1), "faults 0");
    },
    { seconds: 60 },
  );
});
