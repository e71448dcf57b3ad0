import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { parseFaults } from "./faults.ts";
import { brokerOf, elsewhere, idsOf, plan, type SimFlags } from "./flags.ts";
import { clockError } from "./wrong-clock.ts";

const flags: SimFlags = { devices: "3", prefix: "sim-", seed: "muster", rate: "500" };

suite("the flags of sim", ({ test }) => {
  test("ids have five digits, and have to be ids", () => {
    assert.equal(idsOf(flags), ["sim-00001", "sim-00002", "sim-00003"]);
    assert.throws(() => idsOf({ ...flags, prefix: "Sim/" }), /device id "Sim\/00001" is not valid/);
    for (const devices of ["0", "-1", "many", "1.5", "1000000"])
      assert.throws(() => idsOf({ ...flags, devices }), /--devices is .*: expected a whole number from 1/);
  });

  test("faults are shares or numbers, rounded up", () => {
    assert.equal(parseFaults({}, 50), { flap: { devices: 0, every: 30_000 }, skew: 0, clone: 0 });
    assert.equal(parseFaults({ flap: "5%/10s", skew: "7", clone: "2" }, 50), {
      flap: { devices: 3, every: 10_000 },
      skew: 7,
      clone: 2,
    });
    assert.is(plan({ ...flags, flap: "100%" }, 3).faults.flap.devices, 3);
    for (const flap of ["101%", "4", "x", "-1", "5%/", "5%/soon", "5%/10"])
      assert.throws(() => parseFaults({ flap }, 3), /--flap/);
    assert.throws(
      () => parseFaults({ clone: "4" }, 3),
      /--clone is "4": expected a share such as 5%, or a number from 0 to 3/,
    );
  });

  test("the broker is this machine's, or one that is named on purpose", () => {
    const where = { mqttUrl: undefined, mqttPort: 1_884, listen: "127.0.0.1" };
    assert.equal(brokerOf(flags, where), { host: "127.0.0.1", port: 1_884, isTls: false });
    assert.equal(brokerOf(flags, { ...where, mqttUrl: "mqtt://ann:x@localhost" }), {
      host: "localhost",
      port: 1_883,
      isTls: false,
    });
    assert.equal(brokerOf({ ...flags, broker: "mqtt://[::1]:99" }, where), { host: "::1", port: 99, isTls: false });
    const elsewhere = { ...where, mqttUrl: "mqtt://ann:x@broker.example:1883" };
    assert.throws(
      () => brokerOf(flags, elsewhere),
      /another machine, broker\.example:1883: .*--broker mqtt:\/\/broker\.example:1883/,
    );
    assert.equal(brokerOf({ ...flags, broker: "mqtt://broker.example" }, elsewhere), {
      host: "broker.example",
      port: 1_883,
      isTls: false,
    });
    assert.throws(() => brokerOf({ ...flags, broker: "broker" }, where), /expected a URL such as mqtt:.* got "broker"/);
    const secure = { host: "localhost", port: 8_883, isTls: true };
    assert.equal(brokerOf(flags, { ...where, mqttUrl: "mqtts://localhost" }), secure);
    assert.equal(brokerOf({ ...flags, broker: "mqtts://muster.lan:9" }, where), {
      host: "muster.lan",
      port: 9,
      isTls: true,
    });
    for (const broker of ["ws://localhost", "wss://localhost"])
      assert.throws(() => brokerOf({ ...flags, broker }, where), /over TCP or TLS/);
  });

  test("the line for another machine names what is trusted there", () => {
    assert.match(elsewhere(flags, "s3cret", { port: 1_884, bundle: undefined }), /--broker mqtt:\/\/THIS-HOST:1884$/);
    assert.match(
      elsewhere(flags, "s3cret", { port: 8_883, bundle: "data/tls/ca.crt" }),
      "--broker mqtts://THIS-HOST:8883 --ca ca.crt   (a copy of data/tls/ca.crt)",
    );
  });

  test("wrong clocks are of five kinds, two of which step", () => {
    const started = Date.UTC(2026, 0, 1);
    const kinds = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const errors = [...new Set(Array.from({ length: 200 }, (_, at) => clockError(seed, started, at * 1_000)))];
      const year = (error: number): number => new Date(started + error).getUTCFullYear();
      kinds.add(errors.length > 1 ? `steps ${errors.map(year).sort().join()}` : `${year(errors[0] ?? 0)}`);
      assert.equal(clockError(seed, started, 7), clockError(seed, started, 7));
    }
    assert.equal([...kinds].sort(), ["1970", "2025", "2026", "2036", "steps 1970,2026", "steps 2026,2026"]);
  });
});
