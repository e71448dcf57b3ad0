import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { decode, batchCap } from "#shared/codec";
import type { Batch } from "#shared/messages/metrics";
import { Agent, type AgentOptions } from "../agent/agent.ts";
import { Sender } from "../agent/metrics/sender.ts";

/**
 * An agent in a process of its own that samples a number which grows, also across kills. What its outbox has taken, and so
 * promised, is noted in `kept`, a line each. Its settings come as JSON in the first argument.
 */
const { kept, ...options } = JSON.parse(process.argv[2] ?? "{}") as AgentOptions & { kept: string };
const lines = existsSync(kept) ? readFileSync(kept, "utf8").trim().split("\n") : [];
let serial = Number(lines.at(-1) ?? 0) + 1_000;

const original = Object.getOwnPropertyDescriptor(Sender.prototype, "offer")?.value as Sender["offer"];
Sender.prototype.offer = function (this: Sender, ...given): void {
  const [queue, seq] = given;
  const payload = queue.read(seq);
  const batch = payload && (decode(payload, batchCap).value as Batch);
  const value = batch?.m[0]?.f["n"];
  if (typeof value === "number") appendFileSync(kept, `${value}\n`);
  original.apply(this, given);
};

const agent = new Agent({
  ...options,
  collectors: [{ name: "serial", sample: () => [{ measurement: "serial", tags: {}, fields: { n: ++serial } }] }],
});
try {
  agent.start();
  console.log(`up ${agent.runId}`);
} catch (error) {
  console.log(`not started: ${error instanceof Error ? error.message : String(error)}`);
}
