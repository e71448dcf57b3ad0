import * as assert from "uvu/assert";
import { Registry } from "../console/devices/registry.ts";
import { startFleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

/** Thirty levels of which each names the next one twice: 2^30 paths in 1.4 kB. */
const levels = Array.from({ length: 30 }, (_, at): [string, object] => [
  `l${at}`,
  { anyOf: [{ $ref: `#/$defs/l${at + 1}` }, { $ref: `#/$defs/l${at + 1}` }] },
]);
const bomb = {
  type: "object",
  properties: { a: { $ref: "#/$defs/l0" } },
  $defs: Object.fromEntries([...levels, ["l30", { type: "null" }]]),
};
const birth = { v: 1, online: true, boot: "b1", session: "s1", commands: { ping: {}, bomb: { args: bomb } } };

suite("a birth whose schema explodes", ({ test }) => {
  test("leaves that command to the device and says so; the others are taken, then and after a restart", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const { console } = fleet;
    const refused = await fleet.sub(scope, "-t", "muster/+/refused");
    const login = fleet.login("rpi-7");
    await runProgram("mosquitto_pub", [
      ...login,
      "-q",
      "1",
      "-r",
      "-t",
      "muster/rpi-7/status",
      "-m",
      JSON.stringify(birth),
    ]);
    await refused.line(/rpi-7\/refused .*\\"bomb\\": its arguments are checked by the device alone: .* uses \$/);
    const said = (of: Pick<Registry, "get">) => of.get("rpi-7")?.commands?.["bomb"];
    assert.match(said(console.registry)?.unchecked ?? "", /checked by the device alone/);
    assert.is(said(console.registry)?.args, undefined);
    await fleet.sees("rpi-7", true);
    for (const message of ["ping", '{"key":"bomb","args":{"a":1}}'])
      await fleet.pub("-q", "1", "-t", "muster/rpi-7/cmd", "-m", message);
    await eventually("both commands", () => console.desk.list({ device: "rpi-7" }).length === 2);
    const again = new Registry({ database: fleet.state.database, enrolled: () => true });
    again.start();
    assert.equal(said(again), said(console.registry));
    again.stop();
  });
});
