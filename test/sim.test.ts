import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { openState } from "../console/state/state.ts";
import { simulatedSecret } from "../console/accounts/secrets.ts";
import { noFaults } from "../sim/faults.ts";
import { Sim, type SimOptions } from "../sim/sim.ts";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";
import { startTls } from "./tls.ts";

/** Simulated devices in this process; they end with the test. */
function simulate(
  scope: Scope,
  { port }: Fleet,
  ids: readonly string[],
  options: Partial<SimOptions> & { secret: string },
): Sim {
  const sim = new Sim({
    ids,
    host: "127.0.0.1",
    port,
    root: "muster",
    interval: 200,
    batchSize: 1,
    seed: "test",
    faults: noFaults,
    rate: 500,
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  scope.cleanup(() => sim.stop());
  sim.start();
  return sim;
}

const idsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `sim-${index}`);

suite("simulated devices", ({ test }) => {
  for (const kind of brokerKinds) {
    test(`are devices as any: presence, acks and commands, over ${kind}`, async (scope) => {
      const fleet = await startFleet(scope, kind);
      const sim = simulate(scope, fleet, ["rpi-7"], { secret: fleet.secretOf("rpi-7"), batchSize: 2 });
      await fleet.sees("rpi-7", true);
      await eventually("acks", () => sim.tally.acked >= 3);
      assert.is(sim.tally.samples, sim.tally.batches * 2);
      assert.is(sim.tally.resent, 0);

      const ping = await fleet.console.send("rpi-7", { key: "ping" });
      assert.match(JSON.stringify(ping.result), /"pong":true/);
      const changed = await fleet.console.send("rpi-7", { key: "set-interval", args: { seconds: 0.5 } });
      assert.equal(changed.result, { interval: 500, paused: false });
      await eventually("the new birth", () => fleet.console.registry.get("rpi-7")?.interval === 500);
      const inbox = await fleet.sub(scope, "-t", "muster/rpi-7/reply/+");
      await fleet.pub("-r", "-t", "muster/rpi-7/cmd/42", "-m", "frobnicate");
      await inbox.line(/reply\/42 .*"rejected".*does not offer/);

      await sim.stop();
      await fleet.sees("rpi-7", false);
      assert.is(fleet.console.registry.get("rpi-7")?.reason, "stopped");
      assert.is(sim.tally.waiting, 0, "the last batches were waited for");
    });
  }

  for (const kind of brokerKinds)
    test(`come by TLS where the broker's certificate is trusted, over ${kind}`, async (scope) => {
      const { authority, identity } = await startTls(scope, { names: () => ["localhost"] });
      const bundle = authority.caBundle();
      const fleet = await startFleet(scope, kind, {}, { identity, bundle });
      const secret = fleet.secretOf("rpi-7");
      const secure = { ...fleet, port: Number(new URL(fleet.tlsUrl).port) };
      const by = (host: string, ca?: readonly string[]): Sim =>
        simulate(scope, secure, ["rpi-7"], { secret, host, tls: { ca } });
      const sim = by("localhost", [bundle]);
      await fleet.sees("rpi-7", true);
      await eventually("acks", () => sim.tally.acked >= 3);
      await sim.stop();
      await fleet.sees("rpi-7", false);
      assert.is(fleet.console.registry.get("rpi-7")?.reason, "stopped");
      const told = (one: Sim): Promise<string> => one.failed.catch((error: Error) => error.message);
      assert.match(await told(by("localhost")), /cannot be trusted: .*MUSTER_CA/);
      assert.match(await told(by("127.0.0.1", [bundle])), /cannot be trusted: .*of other names/);
    });

  test("a clone is refused, and the other one stays", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const ids = idsOf(5);
    const secret = await simulatedSecret(fleet.state, ids);
    const sim = simulate(scope, fleet, ids, { secret, faults: { ...noFaults, clone: 2 } });
    assert.is(sim.size, 7);
    await eventually("both refusals", () => sim.tally.refused === 2 && sim.tally.connected === 5, 15);
    await eventually("all online", () => ids.every((id) => fleet.console.registry.get(id)?.online));
  });

  test("connections that are dropped come back, and nothing is lost by it", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const ids = idsOf(10);
    const secret = await simulatedSecret(fleet.state, ids);
    const faults = { ...noFaults, flap: { devices: 1, every: 300 }, skew: 10 };
    // With this seed the device comes back after half a second.
    const sim = simulate(scope, fleet, ids, { secret, faults, seed: "k" });
    await eventually("a flap", () => sim.tally.flaps === 1);
    await eventually("its will", () => ids.some((id) => fleet.console.registry.get(id)?.reason === "connection lost"));
    await eventually("its return", () => sim.tally.connects === 11);
    await eventually("all acks", () => sim.tally.acked > 50 && sim.tally.waiting < 5);
    assert.is(sim.tally.lost, 0);
    assert.is(sim.tally.dropped, 0);
  });

  test("a wrong secret and a broker that is away end it with a sentence", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const told = (sim: Sim): Promise<string> => sim.failed.catch((error: Error) => error.message);
    assert.match(
      await told(simulate(scope, fleet, ["rpi-7"], { secret: "wrong" })),
      /does not let rpi-7 in: a wrong name/,
    );
    const nobody = simulate(scope, { ...fleet, port: await freePort() }, ["rpi-7"], { secret: "any" });
    assert.match(await told(nobody), /cannot be reached; start Muster first/);
  });

  test("one whose account has ended drops out with a line, and the others go on until nobody is left", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const ids = idsOf(3);
    const secret = await simulatedSecret(fleet.state, ids);
    const told: unknown[] = [];
    const log = { ...silentLog, warn: (...words: unknown[]) => void told.push(words) } as typeof silentLog;
    const sim = simulate(scope, fleet, ids, { secret, log });
    const outcome = sim.failed.catch((error: Error) => error.message);
    await eventually("all of them", () => sim.tally.connected === 3);
    const end = (id: string): void => {
      fleet.state.accounts.remove(id);
      sim.sleep(id, 1);
    };
    end("sim-1");
    await eventually("its end", () => sim.tally.turnedAway === 1);
    assert.match(JSON.stringify(told), /"device":"sim-1".*drops out, and the others go on/);
    const before = sim.tally.acked;
    await eventually("the others' samples", () => sim.tally.acked > before + 3);
    assert.is(sim.tally.connected, 2);
    end("sim-0");
    end("sim-2");
    assert.match(await outcome, /does not let sim-[02] in: a wrong name/);
  });

  test("they share a secret that is kept, and take nobody's account", async (scope) => {
    const directory = await scope.directory();
    const state = openState(directory, systemClock);
    scope.cleanup(() => state.close());
    state.accounts.set("sim-3", "device");
    const secret = await simulatedSecret(state, ["sim-0", "sim-1"]);
    assert.is(await simulatedSecret(state, ["sim-0", "sim-1", "sim-2"]), secret);
    for (const id of ["sim-0", "sim-2"])
      assert.equal(await state.accounts.verify(id, secret), { name: id, role: "device" });
    await simulatedSecret(state, ["sim-4", "sim-3"]).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /"sim-3" is enrolled already, and not as a simulated device/),
    );
    assert.is(state.accounts.find("sim-4"), undefined);
  });
});

suite("muster sim", ({ test }) => {
  test("beside a running Muster it needs no more than a number", async (scope) => {
    const env = {
      MUSTER_DATA: join(await scope.directory(), "data"),
      MUSTER_HTTP_PORT: String(await freePort()),
      MUSTER_MQTT_PORT: String(await freePort()),
      MUSTER_ADMIN_PASSWORD: "correct horse",
    };
    const muster = (...args: string[]): Promise<Finished> => runProgram(...musterProgram(args), { env });
    const early = await muster("sim");
    assert.is(early.code, 1);
    assert.match(early.err, /start Muster first/);
    await new Running(scope, ...musterProgram(["start"]), { env }).line(/Muster .* is up/);

    const { code, out, err } = await muster("sim", "--devices", "5", "--interval", "300ms", "--duration", "1500ms");
    assert.is(code, 0, err);
    assert.match(out, /^5 devices, \d s: \d+ samples in \d+ batches\n\d+ batches stored, 0 not, 0 sent again, /m);
    assert.match((await muster("devices")).out, /sim-00005 +offline .*stopped/);

    const endless = new Running(scope, ...musterProgram(["sim", "--devices", "2", "--interval", "300ms"]), { env });
    await endless.line(/2 of 2 connected/);
    assert.is(await endless.kill("SIGINT"), 0);
    assert.ok(endless.lines.some((line) => /2 devices, .* samples/.test(line)));
    assert.match(
      (await muster("sim", "--devices", "2", "--enroll")).out,
      /MUSTER_SIM_SECRET=\S{27} npx muster sim --devices 2 /,
    );
  });
});
