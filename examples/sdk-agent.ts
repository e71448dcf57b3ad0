// An agent of one's own in TypeScript: a collector, what its charts are called and measured in, and a command.
// It measures what it is written for and nothing else; without `collectors` an agent measures its machine as well.
import { setTimeout as wait } from "node:timers/promises";
import { Agent, CommandError, type Collector } from "muster/agent";
import * as z from "zod";

/** The machine that this agent is for: a tank and its pump. In its place stands what you have. */
const tank = { litres: 40, pumped: 0, capacity: 100 };

const isFull = (): boolean => tank.litres >= tank.capacity;

/** Asked once for each sample. It may keep state between two of them, and may be asynchronous; what it throws costs its own values alone. */
const collector: Collector = {
  name: "tank",
  sample: () => [
    {
      measurement: "tank",
      tags: { site: "yard" },
      fields: { level: tank.litres, pumped: tank.pumped, full: isFull() },
    },
  ],
};

const agent = new Agent({
  device: "rpi-7",
  url: process.env["BROKER"] ?? "mqtt://127.0.0.1:1883",
  password: process.env["SECRET"] ?? "", // what `npx muster enroll rpi-7 --secret` printed
  interval: Number(process.env["SECONDS"] ?? 10) * 1_000,
  collectors: [collector],
  directory: process.env["DIRECTORY"] ?? "./agent-data", // outbox and ledger: nothing is lost or done twice when it is killed
});

agent.describe("tank", {
  title: "Water tank",
  description: "Behind the shed",
  fields: {
    level: { title: "Level", unit: "l", min: 0, max: tank.capacity },
    pumped: { title: "Pumped", unit: "l", counter: true },
  },
});

agent.handle("pump", {
  title: "Pump water into the tank",
  args: z.object({ litres: z.number().min(1).max(50) }),
  onInterrupt: "fail", // what was pumped when the agent died nobody knows: it is never done again by itself
  async run({ litres }, { progress, signal }) {
    if (tank.litres + litres > tank.capacity)
      throw new CommandError("too-full", `there is room for ${tank.capacity - tank.litres} l`, { litres: tank.litres });
    for (let done = 1; done <= litres; done++) {
      await wait(20, undefined, { signal }); // a withdrawal ends it here
      tank.litres += 1;
      tank.pumped += 1;
      progress(done / litres, `${done} of ${litres} l`);
    }
    return { litres: tank.litres };
  },
});

process.once("SIGTERM", () => void agent.stop());
agent.start();
console.log(await agent.finished);
