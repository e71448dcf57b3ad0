import { broken, ok, skipped, type ConformCheck } from "./conform-check.ts";
import { reconnect } from "./presence-checks.ts";
import type { Stage } from "./stage.ts";

/** Numbers that grow by one in one outbox. */
const numbers: ConformCheck = {
  what: "batches, numbered",
  run: async (stage) => {
    stage.acks = true;
    const begun = stage.batches.length;
    if (!(await stage.until(() => fresh(stage, begun).length >= 2, 2 * stage.patience.prompt)))
      return skipped("no batches came: an agent that measures nothing");
    const [first, second] = fresh(stage, begun);
    if (!first || !second) return broken("they are lost");
    if (first.outbox !== second.outbox)
      return broken(`two batches are of two outboxes: ${first.outbox}, ${second.outbox}`);
    return second.seq === first.seq + 1
      ? ok(`outbox ${first.outbox}, number ${second.seq}`)
      : broken(`after number ${first.seq} came ${second.seq}: expected the next one`);
  },
};

/** What nobody has acknowledged comes again, and what somebody has does not. */
const resent: ConformCheck = {
  what: "batches, again until acknowledged",
  run: async (stage) => {
    const begun = stage.batches.length;
    stage.acks = false;
    if (!(await stage.until(() => stage.batches.length > begun, 2 * stage.patience.prompt))) {
      stage.acks = true;
      return skipped("no batches came");
    }
    const held = stage.batches[begun];
    const before = stage.batches.length;
    await reconnect(stage);
    const isAgain = await stage.until(
      () => fresh(stage, before).some((one) => isSame(one, held)),
      2 * stage.patience.prompt,
    );
    stage.acks = true;
    if (!isAgain) return broken(`number ${held?.seq} was not acknowledged, and did not come again after a reconnect`);
    await stage.ack();
    stage.acked = held && { batch: held, heard: stage.batches.length };
    return ok(`number ${held?.seq} came again after a reconnect`);
  },
};

/** Looked at when there were other reconnects. */
const released: ConformCheck = {
  what: "batches, no more once acknowledged",
  run: async ({ acked, batches }) => {
    if (!acked) return skipped("no batches came");
    const { seq } = acked.batch;
    // One may have been on its way as it was acknowledged.
    const again = batches.slice(acked.heard + 1).filter((one) => isSame(one, acked.batch)).length;
    return again === 0
      ? ok(`number ${seq} did not come again`)
      : broken(`number ${seq} was acknowledged, and came again`);
  },
};

export const batchChecks: readonly ConformCheck[] = [numbers, resent];
export const lastChecks: readonly ConformCheck[] = [released];

type Heard = Stage["batches"][number];

function fresh(stage: Stage, since: number): readonly Heard[] {
  return stage.batches.slice(since);
}

function isSame(one: Heard, other: Heard | undefined): boolean {
  return one.outbox === other?.outbox && one.seq === other.seq;
}
