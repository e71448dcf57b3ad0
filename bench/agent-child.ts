import { Agent } from "../agent/agent.ts";
import { ready, settingsOfChild } from "./children.ts";

/** An agent in a process of its own, sampling rarely. */
const agent = new Agent({
  ...settingsOfChild<{
    device: string;
    url: string;
    ca?: string;
    password: string;
    mqttVersion: 4 | "auto";
    directory?: string;
  }>(),
  interval: 60_000,
});
agent.start();
ready();
