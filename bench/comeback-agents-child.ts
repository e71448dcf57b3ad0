import { Agent } from "../agent/agent.ts";
import { ready, settingsOfChild } from "./children.ts";

/** Real agents, each with a ledger on the disk. */
const { devices, url, secret, directory } = settingsOfChild<{
  devices: readonly string[];
  url: string;
  secret: string;
  directory: string;
}>();
for (const device of devices)
  new Agent({ device, url, password: secret, interval: 10_000, directory: `${directory}/${device}` }).start();
ready();
