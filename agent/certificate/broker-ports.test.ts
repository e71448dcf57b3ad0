import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { otherWays } from "./broker-ports.ts";

suite("other ways to the broker of a device with a certificate", ({ test }) => {
  const told = { muster: 9_883, mosquitto: 9_884 };
  const cases: readonly (readonly [url: string, ports: typeof told | undefined, ways: readonly string[]])[] = [
    ["mqtts://hub.lan:8883", undefined, ["mqtts://hub.lan:8883", "mqtts://hub.lan:8884"]],
    ["mqtts://hub.lan", undefined, ["mqtts://hub.lan:8883", "mqtts://hub.lan:8884"]],
    ["mqtts://[fd00::7]:9884", told, ["mqtts://[fd00::7]:9883", "mqtts://[fd00::7]:9884"]],
    ["wss://hub.lan/mqtt", told, []],
    ["mqtt://hub.lan:1883", told, []],
  ];
  for (const [url, ports, ways] of cases)
    test(`${url}, ${ports ? "told" : "untold"}`, () => assert.equal(otherWays(url, ports), ways));
});
