import { cpSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Batch } from "#shared/messages/metrics";
import { suite } from "../../../test/suite.ts";
import { openOutbox, quickDirectory, TestOutbox } from "./fixture.ts";

const home = (directory: string): string => join(directory, "outbox");
const numbers = (gap: Batch["dropped"]): number[] =>
  gap ? Array.from({ length: gap.to - gap.from + 1 }, (_, at) => gap.from + at) : [];

/** The first word of the value that a batch was made of. */
function wordOf([one]: Batch["m"]): string {
  const value = one?.f["value"];
  return typeof value === "string" ? (value.split(" ")[0] ?? "") : "";
}

suite("a killed outbox", ({ test }) => {
  test(
    "killed at any moment of a life with acks, gaps and new files, nothing is lost or numbered twice",
    async (scope) => {
      const directory = await scope.directory();
      const one = openOutbox(scope, { directory, maxBytes: 64 * 1024 });
      const copies = await quickDirectory(scope);
      const moments: { at: string; appended: number; acked: Set<number>; sent: Map<number, string> }[] = [];
      const acked = new Set<number>();
      const sent = new Map<number, string>();
      for (let value = 1; value <= 60; value++) {
        const adding = one.add(`${value} ${"x".repeat(1_800)}`);
        // While it is written, and after.
        for (const moment of ["during", "after"]) {
          if (moment === "after") await adding;
          else await Promise.resolve();
          for (const { seq, m, dropped } of one.waiting()) sent.set(seq, dropped ? `gap ${dropped.from}` : wordOf(m));
          const at = join(copies, `${value}-${moment}`);
          cpSync(home(directory), join(at, "outbox"), { recursive: true });
          moments.push({
            at,
            appended: moment === "after" ? value : value - 1,
            acked: new Set(acked),
            sent: new Map(sent),
          });
        }
        if (value % 7 === 0) {
          const [oldest = 0] = one.seqs;
          for (const { seq, dropped } of one.waiting().filter((batch) => batch.seq <= oldest + 1))
            for (const told of [seq, ...(dropped ? numbers(dropped) : [])]) acked.add(told);
          one.ack([oldest, oldest + 1]);
        }
      }
      for (const { at, appended, acked: gone, sent: known } of moments) {
        const again = new TestOutbox({ directory: at, maxBytes: 64 * 1024 });
        again.outbox.start();
        await again.add("new");
        await again.outbox.close();
        const told = new Set(again.gaps().flatMap(numbers));
        const waiting = new Map(again.waiting().map(({ seq, m }) => [seq, wordOf(m)]));
        for (const [seq, value] of known) {
          assert.ok(gone.has(seq) || told.has(seq) || waiting.has(seq), `${at}: ${seq} is there or told`);
          const now = waiting.get(seq);
          if (now !== undefined && !value.startsWith("gap")) assert.is(now, value, `${at}: ${seq} is the same batch`);
        }
        const fresh = [...waiting].find(([, value]) => value === "new")?.[0] ?? 0;
        assert.ok(fresh > Math.max(0, ...known.keys()), `${at}: ${fresh} is new`);
        assert.ok(appended === 0 || known.size > 0);
      }
    },
    { seconds: 60 },
  );
});
