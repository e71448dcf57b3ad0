// An agent of your own: it reports this machine's metrics, and offers a command besides the built-in ones.
import { Agent } from "muster/agent";
import * as z from "zod";

const agent = new Agent({
  device: "rpi-7",
  url: process.env.BROKER ?? "mqtt://127.0.0.1:1883",
  interval: Number(process.env.SECONDS ?? 10) * 1_000,
  password: process.env.SECRET, // what `npx muster enroll rpi-7 --secret` printed
});

agent.handle("greet", {
  title: "Say hello",
  args: z.object({ name: z.string(), times: z.number().int().min(1).max(10).default(1) }),
  async run({ name, times }, { progress, output, signal }) {
    for (let turn = 1; turn <= times; turn++) {
      signal.throwIfAborted(); // the command was withdrawn
      output(`hello ${name}\n`);
      progress(turn / times);
    }
    return { greeted: name, times };
  },
});

agent.start();
console.log(await agent.finished);
