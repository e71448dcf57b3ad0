import { join } from "node:path";
import mqtt from "mqtt";
import * as assert from "uvu/assert";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { suite, type Scope } from "./suite.ts";

/** What a device may write wherever it may write: it clears the screen, turns text round, and draws rows and prompts. */
const hostile =
  "\u001b[2J\u009b31m\u202e\u2066\u200b\u2028\ufeff\u0085\r\nedge-9  online  99 %\n$ rm -rf /\t\u007f\ud800";
/** Everything of it but the ends of lines. */
const forbidden = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** The same as a command's output, where that is piped. */
const output = "�[2J�31m������\nedge-9  online  99 %\n$ rm -rf /\t��\n";

const args = { type: "object", properties: { [hostile]: { type: "string", enum: [hostile] } }, required: [hostile] };
const birth = {
  v: 1,
  online: true,
  boot: "b1",
  session: "s1",
  agent: hostile,
  interval: 1_000,
  facts: { os: hostile, [hostile.slice(0, 60)]: [hostile] },
  commands: {
    ping: { title: hostile },
    fail: { title: hostile },
    picky: { args },
    odd: { args: { ...args, properties: { [hostile]: { $ref: "#" } } } },
  },
};

/** A device that says the worst in every text that it may write. */
async function evil(scope: Scope, port: number, secret: string) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    clientId: "evil",
    username: "evil",
    password: secret,
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  scope.cleanup(() => client.endAsync(true));
  const publish = (leaf: string, message: unknown, retain = false): Promise<unknown> =>
    client.publishAsync(`muster/evil/${leaf}`, JSON.stringify(message), { qos: 1, retain });
  client.on("message", (topic, payload) => {
    if (payload.length === 0) return;
    const id = topic.split("/").at(-1) ?? "";
    const { key } = JSON.parse(payload.toString()) as { key: string };
    const common = { id, ts: 1 };
    void publish(`reply/${id}`, { ...common, state: "running", progress: 0.5, note: hostile, output: hostile });
    if (key === "never") return;
    if (key === "ping") void publish(`reply/${id}`, { ...common, state: "succeeded", result: { [hostile]: hostile } });
    else void publish(`reply/${id}`, { ...common, state: "failed", error: { code: hostile, message: hostile } });
  });
  await client.subscribeAsync("muster/evil/cmd/+", { qos: 1 });
  await publish("status", birth, true);
  await publish("metrics/room", { temperature: 21.5 });
  await publish("metrics/room", { temperature: hostile });
  await publish("metrics/room", { ts: 1, tags: { floor: `a${hostile}` }, values: { [hostile]: hostile } });
  const batch = { v: 1, outbox: "o1", seq: 2, t: Date.now(), dt: [], m: [] };
  await publish("metrics", { ...batch, dropped: { from: 1, to: 1, samples: 3, why: hostile } });
  await publish("metrics", { [hostile]: hostile });
  await client.publishAsync("muster/evil/metrics", hostile, { qos: 1 });
  await client.publishAsync("muster/evil/reply/x", '{"id":"x","state":"\u009b\u202e"}', { qos: 1 });
  return { publish };
}

suite("what a device writes", ({ test }) => {
  test(
    "reaches no terminal by any verb of the command line, nor the log, as anything but text on its own line",
    async (scope) => {
      const mqttPort = await freePort();
      const env = {
        MUSTER_DATA: join(await scope.directory(), "data"),
        MUSTER_HTTP_PORT: String(await freePort()),
        MUSTER_MQTT_PORT: String(mqttPort),
        MUSTER_DEVICE: "edge-1",
        MUSTER_INTERVAL: "1s",
        MUSTER_ADMIN_PASSWORD: "correct horse",
      };
      const server = new Running(scope, ...musterProgram(["start"]), { env });
      await server.line(/Muster .* is up/);
      const clean = (said: string, what: string): void => {
        // What a command puts out goes to a file as it is, tabs and lines too; a terminal gets each of its lines with a mark.
        if (what.startsWith("send") && !what.includes("--")) said = said.replace(output, "");
        const at = said.search(forbidden);
        assert.is(at, -1, `${what} printed ${JSON.stringify(said.slice(Math.max(0, at - 30), at + 10))}`);
        for (const line of said.split("\n")) assert.not.match(line, /^(edge-9|\$ rm)/, what);
      };
      const muster = async (...words: string[]): Promise<Finished> => {
        const done = await runProgram(...musterProgram(words), { env });
        clean(done.out, words.join(" "));
        clean(done.err, words.join(" "));
        return done;
      };
      const rows = ({ out }: Finished): number => out.trimEnd().split("\n").length;

      const [, secret = ""] = /evil:([\w-]+)@/.exec((await muster("enroll", "evil", "--secret")).out) ?? [];
      const watched = new Running(scope, ...musterProgram(["watch"]), { env });
      await watched.line(/^\d/);
      const device = await evil(scope, mqttPort, secret);
      await watched.line(/evil {2}online/);

      assert.match((await muster("send", "evil", "ping")).out, /\\u009b31m/);
      const failed = await muster("send", "evil", "fail", "--json");
      assert.is(failed.code, 1);
      const { id, error } = JSON.parse(failed.out) as { id: string; error: { message: string } };
      assert.is(error.message, hostile, "JSON is the same value");
      await muster("explain", id);
      assert.match((await muster("cancel", id)).out, /^failed: /);
      assert.match((await muster("send", "evil", "picky")).err, /expected string, got nothing/);
      assert.match((await muster("send", "evil", "pong")).err, /does not offer "pong"/);
      await muster("explain", hostile.replaceAll("\ud800", ""));
      assert.is(rows(await muster("send", "--where", "id=evil", "fail")), 2);
      const [devices, commands, jobs, quarantine, gaps] = await Promise.all(
        ["devices", "commands", "jobs", "quarantine", "devices --gaps"].map((verb) => muster(...verb.split(" "))),
      );
      assert.equal([rows(devices!), rows(commands!), rows(jobs!)], [3, 4, 2]);
      assert.match(quarantine!.out, /room\.temperature/);
      assert.match(gaps!.out, /evil +3 /);
      const [, job = ""] = /^(\w+) +fail /m.exec(jobs!.out) ?? [];
      const more = [
        "devices --json",
        "commands --json",
        "quarantine --json",
        `jobs show ${job} --json`,
        "group evil lab",
      ];
      const [shown] = await Promise.all([`jobs show ${job}`, ...more].map((verb) => muster(...verb.split(" "))));
      assert.is(rows(shown!), 4);

      await device.publish("status", { v: 1, online: false, boot: "b1", session: "s1", reason: hostile }, true);
      await watched.line(/evil {2}offline/);
      assert.is(rows(await muster("devices")), 3);
      clean(watched.lines.join("\n"), "watch");
      clean(server.lines.join("\n"), "the log");
      const log = server.lines.filter((line) => line.startsWith("{"));
      assert.ok(
        log.some((line) => JSON.parse(line).msg.includes("refused")),
        "what was refused is in the log",
      );
    },
    { seconds: 120 },
  );
});
