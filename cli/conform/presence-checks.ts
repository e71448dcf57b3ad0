import { counted } from "#shared/counted";
import { broken, ok, type ConformCheck } from "./conform-check.ts";
import type { Stage } from "./stage.ts";

/** Ends the connection and waits for the next birth. @returns the sessions before and after */
export async function reconnect(stage: Stage): Promise<{ before: string | undefined; after: string | undefined }> {
  const before = stage.birth?.session;
  stage.options.cutOff();
  await stage.until(() => stage.birth?.session !== before, stage.patience.comeback);
  return { before, after: stage.birth?.session };
}

/** The birth is said again until somebody answers. */
const birth: ConformCheck = {
  what: "birth, until greeted",
  run: async (stage) => {
    stage.greets = false;
    const begun = stage.statuses.length;
    stage.options.cutOff();
    if (!(await stage.until(() => births(stage, begun) > 0, stage.patience.comeback))) return broken("no birth came");
    const isRepeated = await stage.until(() => births(stage, begun) > 1, stage.patience.prompt);
    stage.greets = true;
    await stage.appear();
    if (!isRepeated)
      return broken(`nobody answered the birth, and it was not said again within ${stage.patience.prompt / 1_000} s`);
    const { commands = {}, agent = "?" } = stage.birth ?? {};
    return ok(`${agent} offers ${counted(Object.keys(commands).length, "command")}`);
  },
};

/** What the broker has said when the connection broke. */
const will: ConformCheck = {
  what: "will, and another session",
  run: async (stage) => {
    const at = stage.statuses.findLastIndex((one) => !one.online);
    const death = stage.statuses[at];
    const before = stage.statuses.slice(0, at).findLast((one) => one.online);
    if (!death) return broken("no death was said when its connection broke: set the will, retained, on status");
    if (death.session !== before?.session)
      return broken(`the will has the session ${death.session}, and the birth had ${before?.session}`);
    if (stage.birth?.session === death.session) return broken("it did not come back with a session of its own");
    return ok("the broker said that it was gone");
  },
};

/** Not every broker hands out retained births by wildcard. */
const otherConsole: ConformCheck = {
  what: "birth for another console",
  run: async (stage) => {
    const begun = stage.statuses.length;
    await stage.appear();
    return (await stage.until(() => births(stage, begun) > 0, stage.patience.prompt))
      ? ok("said again when another console came")
      : broken("another console came, and its birth was not said again");
  },
};

export const presenceChecks: readonly ConformCheck[] = [birth, will, otherConsole];

function births(stage: Stage, since: number): number {
  return stage.statuses.slice(since).filter(({ online }) => online).length;
}
