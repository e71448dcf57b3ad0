import * as assert from "uvu/assert";
import { buildApp } from "../console/http/server.ts";
import { systemClock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const [seven, eight] = [parseDeviceId("rpi-7"), parseDeviceId("rpi-8")];
const queued = { key: "ping", by: "test", timeout: null, ttl: 3_600_000 };
const id = parseCommandId("42");

const states = (fleet: Fleet): Record<string, string> =>
  Object.fromEntries(fleet.console.desk.withId(id).map(({ device, state }) => [device, state]));

for (const kind of brokerKinds) {
  suite(`a command is one device's, over ${kind}`, ({ test }) => {
    test("another device's replies under its id change nothing, and the console's answer to them does not either", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const { desk } = fleet.console;
      const command = desk.submit(seven, queued);
      const answered = await fleet.sub(scope, "-t", "muster/rpi-8/cmd/+");
      for (const state of ["running", "succeeded"]) {
        const reply = JSON.stringify({ id: command.id, ts: 1, state });
        const topic = `muster/rpi-8/reply/${command.id}`;
        await runProgram("mosquitto_pub", [...fleet.login("rpi-8"), "-q", "1", "-t", topic, "-m", reply]);
      }
      // The withdrawal of what rpi-8 never had goes to rpi-8, and comes back to the console.
      await answered.line(new RegExp(`'muster/rpi-8/cmd/${command.id}', .*\\(0 bytes\\)`));
      await fleet.pub("-q", "1", "-t", "muster/rpi-8/cmd", "-m", "ping");
      await eventually("what was sent after it", () => desk.list({ device: "rpi-8" }).length === 1);
      assert.is(desk.find(seven, command.id)?.state, "queued");
      assert.equal(
        desk.find(seven, command.id)?.timeline.filter(({ who }) => who === "device"),
        [],
      );
    });

    test("a withdrawal of the console's own that comes back late does not cancel a new command of the same id", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const { desk } = fleet.console;
      desk.reply(seven, id, { id, ts: 1, state: "succeeded" });
      desk.submit(seven, { ...queued, id });
      await fleet.pub("-q", "1", "-t", "muster/rpi-8/cmd", "-m", "ping");
      await eventually("what was sent after it", () => desk.list({ device: "rpi-8" }).length === 1);
      assert.equal(states(fleet), { "rpi-7": "queued" });
      await fleet.pub("-q", "1", "-r", "-n", "-t", "muster/rpi-7/cmd/42");
      await eventually("a person's withdrawal", () => states(fleet)["rpi-7"] === "cancelled");
    });

    test("one hand-typed id on two devices is two commands", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const { desk } = fleet.console;
      for (const device of [seven, eight])
        await fleet.pub("-q", "1", "-r", "-t", `muster/${device}/cmd/42`, "-m", "ping");
      await eventually("both", () => desk.withId(id).length === 2);
      await fleet.pub("-q", "1", "-r", "-n", "-t", "muster/rpi-8/cmd/42");
      await eventually("the withdrawal of one", () => states(fleet)["rpi-8"] === "cancelled");
      assert.is(states(fleet)["rpi-7"], "queued");
    });

    test("what is published over an open command is put right and refused; what is typed twice is one command", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const { desk } = fleet.console;
      const refused = await fleet.sub(scope, "-t", "muster/+/refused");
      const type = (message: string): Promise<unknown> =>
        fleet.pub("-q", "1", "-r", "-t", "muster/rpi-7/cmd/42", "-m", message);
      await type("ping");
      await type("ping");
      await type('{"key":"shutdown"}');
      await refused.line(/the id \\"42\\" belongs to \\"ping\\", which is queued: choose another id/);
      assert.is(refused.lines.filter((line) => line.startsWith("muster/rpi-7/refused")).length, 1);
      assert.equal(
        desk.withId(id).map(({ key, state }) => [key, state]),
        [["ping", "queued"]],
      );
      const agent = fleet.newAgent();
      agent.start();
      await eventually("its end", () => states(fleet)["rpi-7"] === "succeeded");
      await fleet.pub("-q", "1", "-t", "muster/rpi-7/cmd", "-m", '{"id":"42","key":"info"}');
      await refused.line(/rpi-7 has had a command \\"42\\" already: choose another id/);
      assert.is(desk.list({ device: "rpi-7" }).length, 1);
    });
  });
}

suite("an id of several devices in the API", ({ test }) => {
  test("is told apart by the device; without it the answer names them", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    fleet.state.accounts.set("admin", "admin", "correct horse");
    const { console, state } = fleet;
    const parts = { console, accounts: state.accounts, listen: "", port: 0, log: silentLog, clock: systemClock };
    const app = await buildApp(parts);
    scope.cleanup(() => app.close());
    const authorization = `Basic ${Buffer.from("admin:correct horse").toString("base64")}`;
    const ask = async (method: "GET" | "DELETE" | "POST", url: string, payload?: object) => {
      const answer = await app.inject({ method, url, headers: { authorization }, ...(payload ? { payload } : {}) });
      return { status: answer.statusCode, body: JSON.parse(answer.payload) as Record<string, unknown> };
    };
    const send = (device: string) =>
      ask("POST", `/api/devices/${device}/commands?wait=false`, { key: "ping", ttl: "1h", id: "42" });
    assert.is((await send("rpi-7")).status, 202);
    assert.is((await ask("GET", "/api/commands/42")).body["device"], "rpi-7");
    assert.is((await send("rpi-8")).status, 202);
    assert.is((await send("rpi-8")).status, 202, "the same request again");
    assert.is(console.desk.list({}).length, 2);
    const { status, body } = await ask("DELETE", "/api/commands/42");
    assert.is(status, 409);
    assert.is(body["detail"], '"42" is a command of rpi-7, rpi-8: say which with ?device=rpi-7, or --device rpi-7');
    assert.is((await ask("DELETE", "/api/commands/42?device=rpi-8")).body["state"], "cancelled");
    assert.is((await ask("GET", "/api/commands/42?device=rpi-7")).body["state"], "queued");
    assert.is((await ask("GET", "/api/commands/42?device=rpi-9")).status, 404);
  });
});
