import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import { createLog } from "#shared/log";
import { Link } from "#shared/link";
import { Topics } from "#shared/topics";
import { readReply, isFinalReply } from "#shared/messages/command-messages";
import { Agent } from "../../agent/agent.ts";
import { CommandError, type Handler, type RunContext } from "../../agent/commands/handler.ts";
import { ConsoleClock } from "../../agent/console-clock.ts";
import { Ledger } from "../../agent/commands/ledger.ts";
import { SignatureGate } from "../../agent/commands/signature-gate.ts";
import { brokerUrl, sayReady, settingsOfProcess } from "../child.ts";
import type { Begin, Effect, Judged } from "./evidence.ts";
import { hastyClock } from "../hasty-clock.ts";
import { Journal } from "../journal.ts";
import { around, aroundTraffic, KillPoints } from "../points.ts";

/**
 * An agent whose commands have visible effects, a line in a file each. Its kill points are put around the public
 * methods of its parts from outside; the product knows nothing of them.
 */
const { who, directory, home, mqttPort, ca, mqtt, password, arm, signers, unchecked } = settingsOfProcess();
const points = new KillPoints(who, directory, arm);
const begins = new Journal(`${directory}/begins.jsonl`);
const effects = new Journal(`${directory}/effects.jsonl`);
const topics = new Topics();

const judged = new Map<string, Judged>();

aroundLedger();
aroundTraffic(Link.prototype, {
  out: (topic, payload) =>
    topics.parse(topic)?.kind === "reply" && isFinalReply(readReply(payload).value)
      ? points.between("reply.before", "reply.after")
      : undefined,
  in({ topic, payload }) {
    if (topics.parse(topic)?.kind !== "task") return undefined;
    if (payload.length === 0) return points.between("withdrawal.received", "withdrawal.taken");
    points.pass("task.received");
    return undefined;
  },
});

// What the rules have to find.
if (unchecked) around(SignatureGate.prototype, "refusal", () => () => undefined);

const agent = new Agent({
  device: who,
  url: brokerUrl(mqttPort, ca),
  ca,
  password,
  signers,
  directory: home,
  interval: 86_400_000,
  collectors: [],
  mqttVersion: mqtt,
  clock: hastyClock,
  log: createLog(who, "info"),
});
agent.handle("once", { args: args(), onInterrupt: "fail", run });
agent.handle("rerun", { args: args(), onInterrupt: "rerun", run });
agent.handle("verify", verified());
agent.start();
sayReady(agent.runId);

function args() {
  return z.object({ token: z.string(), before: z.number(), after: z.number() });
}

async function run(given: z.infer<ReturnType<typeof args>>, { command, signal }: RunContext) {
  const { id, key } = command;
  const { token, before, after } = given;
  const mark = { id, key, token, before, after, who, pid: process.pid };
  const look = judged.get(id);
  begins.add({ ...mark, at: Date.now(), ...(look && { judged: look }) } satisfies Begin);
  await sleep(before, undefined, { signal });
  points.pass("effect.before");
  effects.add({ ...mark, at: Date.now() } satisfies Effect);
  points.pass("effect.after");
  await sleep(after);
  return { token };
}

function verified(): Handler<z.infer<ReturnType<typeof args>>> {
  return {
    args: args(),
    onInterrupt: "verify",
    run,
    verify({ token }, { command }) {
      points.pass("verify.before");
      const path = `${directory}/effects.jsonl`;
      const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
      // Both devices' commands of a job have one id.
      const done = lines.some((line) => line.includes(`"id":"${command.id}"`) && line.includes(`"who":"${who}"`));
      if (!done) throw new CommandError("no-effect", "the effect is not there");
      return { token };
    },
  };
}

/** Before and after each record; `torn` leaves half a line, as a power cut in the middle of a write does. */
function aroundLedger(): void {
  let last: Judged | undefined;
  around(
    ConsoleClock.prototype,
    "since",
    (inner) =>
      function (this: ConsoleClock, moment) {
        const over = inner.call(this, moment);
        last = over === undefined ? undefined : { at: Date.now(), over };
        return over;
      },
  );
  around(
    Ledger.prototype,
    "begin",
    (inner) =>
      async function (this: Ledger, ...record) {
        // In the same turn as the look.
        if (last) judged.set(record[0], last);
        last = undefined;
        points.pass("ledger.begin");
        points.pass("ledger.begin.torn", () => appendFileSync(`${home}/ledger`, '0badc0de {"id":"torn","beg'));
        await inner.apply(this, record);
        points.pass("ledger.begun");
      },
  );
  around(
    Ledger.prototype,
    "end",
    (inner) =>
      async function (this: Ledger, ...record) {
        points.pass("ledger.end");
        await inner.apply(this, record);
        points.pass("ledger.ended");
      },
  );
}
