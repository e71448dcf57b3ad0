import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { readTask, type Refusal } from "#shared/messages/command-messages";
import { Topics } from "#shared/topics";
import { maxToldTopicLength } from "#shared/messages/command-messages";
import { suite } from "../../test/suite.ts";
import { maxRefusals, quietRefusal, Refusals } from "./refusals.ts";

const device = parseDeviceId("rpi-7");

function office() {
  const told: Refusal[] = [];
  const texts: string[] = [];
  const clock = new ManualClock();
  const bus = {
    connected: true,
    publish: async (_topic: string, payload: Buffer) => {
      texts.push(payload.toString());
      told.push(JSON.parse(payload.toString()) as Refusal);
    },
    subscribe: () => async () => {},
    onConnection: () => () => {},
  };
  const refusals = new Refusals({ bus, topics: new Topics(), clock, log: silentLog });
  return { refusals, clock, told, texts };
}

suite("refusals", ({ test }) => {
  test("the same complaint is told once in a while; an answer to somebody who types each time", () => {
    const { refusals, clock, told } = office();
    for (let at = 0; at < 5; at += 1) refusals.tell(device, "muster/rpi-7/metrics", "no");
    assert.is(told.length, 1);
    for (let at = 0; at < 3; at += 1) refusals.tell(device, "muster/rpi-7/cmd", "no", "mosquitto_pub …");
    assert.is(told.length, 4);
    clock.advance(quietRefusal);
    refusals.tell(device, "muster/rpi-7/metrics", "no");
    assert.is(told.length, 5);
  });

  test("a device has its share, whatever it sends; the rest is counted and told later, and others are heard", () => {
    const { refusals, clock, told } = office();
    for (let at = 0; at < 10_000; at += 1) refusals.tell(device, "muster/rpi-7/cmd", `no ${at}`, "try this");
    assert.is(told.length, maxRefusals.ofDevice);
    refusals.tell(parseDeviceId("rpi-8"), "muster/rpi-8/metrics", "no");
    assert.is(told.length, maxRefusals.ofDevice + 1);
    clock.advance(quietRefusal);
    refusals.tell(device, "muster/rpi-7/cmd", "again");
    assert.is(told.at(-1)?.why, `again (${10_000 - maxRefusals.ofDevice} more were not told)`);
  });

  test("an answer with a better line is told once in a while where nobody has typed, and of a long topic the beginning", () => {
    const { refusals, told } = office();
    const topic = (length: number): string => `muster/rpi-7/metrics/`.padEnd(length, "x");
    for (let at = 0; at < 3; at += 1) refusals.tell(device, topic(maxToldTopicLength), "no", "mosquitto_pub …", false);
    refusals.tell(device, topic(maxToldTopicLength + 1), "no");
    assert.equal(
      told.map((one) => one.topic),
      [topic(maxToldTopicLength), `${topic(maxToldTopicLength)}…`],
    );
  });

  test("all devices together have theirs", () => {
    const { refusals, clock, told } = office();
    const names = Array.from({ length: 2_000 }, (_, at): DeviceId => parseDeviceId(`d${at}`));
    for (const name of names) refusals.tell(name, `muster/${name}/metrics`, "no");
    assert.is(told.length, maxRefusals.ofAll);
    clock.advance(quietRefusal);
    refusals.tell(device, "muster/rpi-7/metrics", "no");
    assert.is(told.length, maxRefusals.ofAll + 1);
  });

  test("holds nothing that a terminal obeys", () => {
    const { refusals, told, texts } = office();
    const why = "a\u009b31mred \u202e\u2028 \u001b[2J";
    refusals.tell(device, "muster/rpi-7/cmd", why, "x");
    assert.is(told[0]?.why, why);
    assert.match(texts[0] ?? "", /^[\u0020-\u007e]*$/);
    assert.throws(() => readTask(Buffer.from(texts[0] ?? "")));
  });
});
