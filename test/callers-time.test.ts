import * as assert from "uvu/assert";
import { serveApi } from "./api-server.ts";
import { sendCommand } from "../cli/send-command.ts";
import { parseDeviceId } from "#shared/ids";
import { startFleet } from "./fleet.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const seven = parseDeviceId("rpi-7");

/** A fleet whose rpi-7 has a command `nap` that ends only when it is withdrawn, and the command line's `send` to it. */
async function napping(scope: Scope) {
  const fleet = await startFleet(scope, "embedded");
  const agent = fleet.newAgent();
  agent.handle("nap", {
    run: async (_args, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", reject)),
  });
  agent.start();
  await fleet.sees("rpi-7", true);
  const client = (await serveApi(scope, fleet)).as(`ann:${fleet.secretOf("ann")}`);
  const muster = async (flags: { timeout: string; ttl?: string }) => {
    const lines: string[] = [];
    const terminal = { out: (text: string) => lines.push(text), err: () => {}, live: false };
    return { code: await sendCommand(client, "rpi-7", "nap", flags, terminal), out: lines.join("\n") };
  };
  return { fleet, client, muster };
}

suite("a caller whose time is over", ({ test }) => {
  test("is told that the call was withdrawn, which it was when the time was over", async (scope) => {
    const { fleet, muster } = await napping(scope);
    const { code, out } = await muster({ timeout: "400ms" });
    assert.is(code, 1);
    assert.match(
      out,
      /^timed_out: no final reply within 400 ms\nrpi-7 gave no final reply within 400 ms, so it was withdrawn/,
    );
    const [command] = fleet.console.desk.list({});
    assert.is(command?.state, "timed_out");
    const after = (command?.ended ?? 0) - (command?.ts ?? 0);
    // Of itself it never ends; a busy machine may take its time.
    assert.ok(after >= 390 && after < 10_000, `withdrawn after ${after} ms`);
  });

  test("of a command with a ttl is told that it goes on without, and how to withdraw it", async (scope) => {
    const { fleet, muster } = await napping(scope);
    const { code, out } = await muster({ timeout: "400ms", ttl: "1h" });
    const [command] = fleet.console.desk.list({});
    const id = command?.id ?? "";
    assert.is(code, 1);
    assert.match(
      out,
      `the time of this caller is over, and it goes on without: muster cancel ${id} --device rpi-7 withdraws it`,
    );
    assert.is(command?.state, "running");
    fleet.console.desk.cancel(seven, command!.id, "test");
  });

  test("has more of it than a timer holds, and is told what the console says to that", async (scope) => {
    const { muster } = await napping(scope);
    try {
      await muster({ timeout: "25d" });
      assert.unreachable();
    } catch (error) {
      assert.match(String(error), /timeout is 2160000000 ms: expected 20 ms to 1 h/);
    }
  });

  test("and only real ends count when a timeout is proposed", async (scope) => {
    const { fleet, client, muster } = await napping(scope);
    for (let at = 0; at < 5; at += 1) await muster({ timeout: "100ms" });
    await eventually("the cancelled answers", () =>
      fleet.console.desk.list({}).every(({ late = [] }) => late.some(({ state }) => state === "cancelled")),
    );
    assert.is(fleet.console.desk.answerTimes(seven, "nap"), undefined);
    const { commands } = await client.listCommands();
    assert.not(commands.some(({ explain }) => explain.includes("usually")));
  });
});
