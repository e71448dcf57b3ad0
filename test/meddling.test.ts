import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { systemClock, type Clock } from "#shared/clock";
import { brokerKinds, startFleet } from "./fleet.ts";
import { startMeddlingProxy, type Fate, type Passing } from "./meddling-proxy.ts";
import { eventually, suite } from "./suite.ts";

const device = parseDeviceId("rpi-7");
const queued = { key: "count", by: "test", timeout: null, ttl: 120_000 };

/** What is waited for by the second is there at once: repetitions of either side come after a tenth of their time. */
const brisk: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms >= 1_000 && ms <= 60_000 ? ms / 10 : ms, run),
};

/** Every third of the messages that `isIt` names has this fate, the first among them. */
function everyThird(fate: Fate, isIt: (message: Passing) => boolean): (message: Passing) => Fate {
  let seen = 0;
  return (message) => (isIt(message) && seen++ % 3 === 0 ? fate : "pass");
}

const isTask = ({ topic, way }: Passing): boolean => way === "down" && /\/cmd\//.test(topic);
const isReply = ({ topic, way }: Passing): boolean => way === "up" && /\/reply\//.test(topic);
const isGreeting = ({ topic, way }: Passing): boolean => way === "down" && topic.endsWith("/ack");

const faults: readonly [string, (message: Passing) => Fate][] = [
  ["drops tasks and withdrawals", everyThird("drop", isTask)],
  ["drops replies", everyThird("drop", isReply)],
  ["drops greetings", everyThird("drop", isGreeting)],
  ["doubles everything", (message) => (message.topic.endsWith("/metrics") ? "pass" : "double")],
  ["delays tasks and withdrawals behind what comes next", everyThird("behind", isTask)],
  ["delays replies behind what comes next", everyThird("behind", isReply)],
  // RabbitMQ does so.
  ["answers a SUBSCRIBE without retained messages", ({ way, retain }) => (way === "down" && retain ? "drop" : "pass")],
];

for (const kind of brokerKinds) {
  suite(`a proxy before ${kind}`, ({ test }) => {
    for (const [what, fate] of faults)
      test(
        `that ${what}: each command takes effect once and ends`,
        async (scope) => {
          const fleet = await startFleet(scope, kind, { clock: brisk });
          const proxy = await startMeddlingProxy(scope, fleet.url, fate);
          const begun: string[] = [];
          const before = [1, 2].map(() => fleet.console.desk.submit(device, queued).id);
          const agent = fleet.newAgent("rpi-7", { url: proxy.url, mqttVersion: 4, clock: brisk });
          agent.handle("count", { run: (_, { command }) => void begun.push(command.id) });
          agent.start();
          await fleet.sees("rpi-7", true);
          const ids = [...before, ...[1, 2, 3, 4].map(() => fleet.console.desk.submit(device, queued).id)];
          const states = (): (string | undefined)[] => ids.map((id) => fleet.console.desk.find(device, id)?.state);
          await eventually("their end", () => states().every((state) => state === "succeeded"), 15);
          assert.equal(begun.toSorted(), ids.toSorted());
          assert.ok(proxy.meddled() > 0, "it has meddled");
        },
        { seconds: 30 },
      );
  });
}
