import { isDeepStrictEqual } from "node:util";
import { encode } from "#shared/codec";
import { newCommandId } from "#shared/ids";
import { isFinalReply } from "#shared/messages/command-messages";
import { broken, ok, skipped, type ConformCheck, type ConformVerdict } from "./conform-check.ts";
import { reconnect } from "./presence-checks.ts";
import type { HeardReply, Stage } from "./stage.ts";

/** A command, its answer, the same answer until it is withdrawn, and again to whoever asks again. */
const once: ConformCheck = {
  what: "a task, once",
  run: async (stage, { key: harmless, args: none, single = { key: harmless, args: none } }) => {
    const { key, args } = single;
    const mayRerun = stage.birth?.commands?.[key]?.onInterrupt === "rerun";
    const id = newId(stage);
    stage.withdraws = false;
    await stage.task(id, { key, args });
    if (!(await stage.until(() => stage.finalTo(id), stage.patience.prompt)))
      return leave(stage, id, broken(`"${key}" was not answered`));
    const first = stage.finalTo(id);
    if (first?.reply.state !== "succeeded")
      return leave(stage, id, broken(`"${key}" ended as ${first?.reply.state}: choose another with --key`));
    const isRepeated = await stage.until(() => finals(stage, id).length >= 2, stage.patience.prompt);
    stage.withdraws = true;
    await stage.withdraw(id);
    if (!isRepeated) return broken("its final reply was not said again, though its task stood");
    await stage.until(() => false, stage.patience.quiet / 2);
    const settled = finals(stage, id).length;
    if (!(await stage.never(() => finals(stage, id).length > settled, 2 * stage.patience.quiet)))
      return broken("its final reply came again after the task was withdrawn");
    await stage.task(id, { key, args });
    if (!(await stage.until(() => finals(stage, id).length > settled, stage.patience.prompt)))
      return broken("the same id came again, and was not answered");
    if (mayRerun) return ok(`answered until withdrawn; "${key}" may run twice: name one that may not, with --once KEY`);
    return isDeepStrictEqual(said(finals(stage, id).at(-1)), said(first))
      ? ok("carried out once, answered until withdrawn, and the same answer to the same id")
      : broken(
          `the same id came again and was answered otherwise (${JSON.stringify(said(first))}, then ${JSON.stringify(said(finals(stage, id).at(-1)))}): it may have been carried out twice`,
        );
  },
};

const unknown: ConformCheck = {
  what: "an unknown command",
  run: async (stage) => rejected(stage, { key: "no-such-command" }, "unknown-command"),
};

const malformed: ConformCheck = {
  what: "what is no task",
  run: async (stage, { key, args }) => {
    const id = newId(stage);
    await stage.raw(id, Buffer.from('{"key":[]}'));
    await stage.raw(newId(stage), Buffer.from([0xff, 0x00, 0x01]));
    const ended = await stage.until(() => stage.finalTo(id), stage.patience.prompt);
    const state = stage.finalTo(id)?.reply.state;
    const next = newId(stage);
    await stage.task(next, { key, args });
    if (!(await stage.until(() => stage.finalTo(next), stage.patience.prompt)))
      return broken("after it nothing was answered any more");
    return !ended || state === "rejected" ? ok(ended ? "rejected" : "passed over") : broken(`it ended as ${state}`);
  },
};

const arguments_: ConformCheck = {
  what: "arguments that do not fit",
  run: async (stage) => {
    const offered = Object.entries(stage.birth?.commands ?? {});
    const strict = offered.find(([, { args }]) => Array.isArray(args?.["required"]) && args["required"].length > 0);
    if (!strict) return skipped("no command of its needs an argument");
    return rejected(stage, { key: strict[0], args: {} }, "bad-arguments");
  },
};

const expired: ConformCheck = {
  what: "a task that is over",
  run: async (stage, { key, args }) => {
    const id = newId(stage);
    await stage.task(id, { key, args, ts: stage.now - 10_000, expires: stage.now - 5_000 });
    if (!(await stage.until(() => stage.finalTo(id), stage.patience.prompt))) return broken("it was not answered");
    const state = stage.finalTo(id)?.reply.state;
    return state === "expired" ? ok("never begun") : broken(`it ended as ${state}: expected expired`);
  },
};

/** What a broker had kept begins on the console's word alone, and what was withdrawn never does. */
const kept: ConformCheck = {
  what: "tasks that a broker had kept",
  run: async (stage, { key, args }) => {
    const [named, unnamed] = [newId(stage), newId(stage)];
    stage.open = [named];
    stage.options.cutOff();
    for (const id of [named, unnamed]) await stage.task(id, { key, args });
    if (!(await stage.until(() => stage.finalTo(named), 3 * stage.patience.prompt)))
      return broken("the one that the greeting named was not carried out");
    const isHeld = await stage.never(() => stage.finalTo(unnamed), stage.patience.quiet);
    await stage.withdraw(unnamed);
    if (!isHeld) return broken("one that no greeting had named was carried out: it may have been withdrawn long ago");
    return (await stage.never(() => stage.finalTo(unnamed)?.reply.state === "succeeded", stage.patience.quiet))
      ? ok("the one that the greeting named was, the other was not")
      : broken("one that was withdrawn before it began was carried out");
  },
};

const cancelled: ConformCheck = {
  what: "a command, withdrawn while it runs",
  run: async (stage, { slow }) => {
    if (!slow) return skipped("no slow command was named: --slow KEY");
    const id = newId(stage);
    await stage.task(id, slow);
    if (
      !(await stage.until(
        () => stage.repliesTo(id).some(({ reply }) => reply.state === "running"),
        stage.patience.prompt,
      ))
    )
      return broken(stage.finalTo(id) ? `"${slow.key}" ended at once` : "it was not said to run");
    await stage.withdraw(id);
    if (!(await stage.until(() => stage.finalTo(id), stage.patience.prompt)))
      return broken("it was not answered once it was withdrawn");
    const state = stage.finalTo(id)?.reply.state;
    return state === "cancelled" ? ok("aborted, and answered") : broken(`it ended as ${state}: expected cancelled`);
  },
};

const encodings: ConformCheck = {
  what: "replies in the task's encoding",
  run: async (stage, { key, args }) => {
    let isWhole = true;
    for (const encoding of ["cbor", "json"] as const) {
      const id = newId(stage);
      await stage.task(id, { key, args }, encoding);
      if (!(await stage.until(() => stage.finalTo(id), stage.patience.prompt)))
        return broken(`a task in ${encoding} was not answered`);
      const heard = stage.finalTo(id);
      // The console sends JSON unless somebody typed CBOR: who does not read that says so.
      if (encoding === "cbor" && heard?.reply.state === "rejected") isWhole = false;
      else if (heard?.encoding !== encoding) return broken(`a task in ${encoding} was answered in ${heard?.encoding}`);
    }
    const id = newId(stage);
    await stage.raw(id, encode(key, "word"));
    if (!(await stage.until(() => stage.finalTo(id), stage.patience.prompt)))
      return broken("a bare word was not answered");
    return ok(isWhole ? "CBOR, JSON and a bare word" : "JSON and a bare word; CBOR is rejected");
  },
};

const later: ConformCheck = {
  what: "an answer that the network lost",
  run: async (stage, { key, args }) => {
    const id = newId(stage);
    stage.withdraws = false;
    await stage.task(id, { key, args });
    await stage.until(() => stage.finalTo(id), stage.patience.prompt);
    const before = finals(stage, id).length;
    stage.open = [id];
    await reconnect(stage);
    const isAgain = await stage.until(() => finals(stage, id).length > before, stage.patience.prompt);
    return leave(
      stage,
      id,
      isAgain ? ok("said again after a reconnect") : broken("it was not said again after a reconnect"),
    );
  },
};

export const commandChecks: readonly ConformCheck[] = [
  once,
  unknown,
  arguments_,
  malformed,
  expired,
  encodings,
  later,
  kept,
  cancelled,
];

function newId(stage: Stage): string {
  return newCommandId(stage.now);
}

function finals(stage: Stage, id: string): readonly HeardReply[] {
  return stage.repliesTo(id).filter(({ reply }) => isFinalReply(reply));
}

/** What an answer says, without when. */
function said(heard: HeardReply | undefined): unknown {
  const { ts: _, ...rest } = heard?.reply ?? { ts: 0 };
  return rest;
}

async function leave(stage: Stage, id: string, verdict: ConformVerdict): Promise<ConformVerdict> {
  stage.withdraws = true;
  await stage.withdraw(id);
  return verdict;
}

async function rejected(stage: Stage, task: Parameters<Stage["task"]>[1], code: string): Promise<ConformVerdict> {
  const id = newId(stage);
  await stage.task(id, task);
  if (!(await stage.until(() => stage.finalTo(id), stage.patience.prompt))) return broken("it was not answered");
  const reply = stage.finalTo(id)?.reply;
  const error = reply && "error" in reply ? reply.error : undefined;
  return reply?.state === "rejected" && error?.code === code
    ? ok(`rejected: ${error.message}`)
    : broken(`it ended as ${reply?.state} (${error?.code ?? "no code"}): expected rejected, ${code}`);
}
