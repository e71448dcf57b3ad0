import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { lastValue } from "#shared/columns";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import type { Command } from "../desk/command.ts";
import { StoreUnavailableError, type SeriesColumns } from "../store/store.ts";
import { commandMark } from "./command-marks.ts";
import { gatherMarks, StoreMarks, maxMarkLength, maxWaitingMarks } from "./store-marks.ts";

const command = (id: string, changes: Partial<Command> = {}): Command => ({
  id: parseCommandId(id),
  device: parseDeviceId("rpi-7"),
  key: "ping",
  args: {},
  by: "ann",
  ts: 10_000,
  timeout: 5_000,
  expires: null,
  state: "succeeded",
  ended: 12_140,
  online: true,
  timeline: [],
  encoding: "json",
  ...changes,
});

function marking(store: { away: boolean }) {
  const written: SeriesColumns[][] = [];
  const clock = new ManualClock();
  const made = new StoreMarks({
    of: "commands",
    log: silentLog,
    clock,
    write(series) {
      if (store.away) return Promise.reject(new StoreUnavailableError("away"));
      written.push([...series]);
      return Promise.resolve({ rejected: [] });
    },
  });
  const marks = {
    changed: (one: Command) => made.put(one.id, commandMark(one, one.key !== "typo")),
    flush: () => made.flush(),
    stop: () => made.stop(),
  };
  return { marks, written, clock };
}

const ids = (written: readonly SeriesColumns[][]): unknown[] =>
  written.flat().map(({ fields }) => lastValue(fields["id"] ?? ""));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

suite("command marks", ({ test }) => {
  test("a command that ended is one point, when it ended", () => {
    const { marks, written, clock } = marking({ away: false });
    marks.changed(command("1", { took: 2_131.5 }));
    clock.advance(gatherMarks);
    assert.equal(written, [
      [
        {
          device: parseDeviceId("rpi-7"),
          measurement: "muster_command",
          tags: { key: "ping", state: "succeeded" },
          times: [12_140],
          fields: { text: ["ping of ann: succeeded after 2.1 s"], ms: [2_131.5], id: ["1"] },
        },
      ],
    ]);
  });

  test("the text says why it failed, within bounds, and a key that nobody offers becomes no tag", () => {
    const { marks, written, clock } = marking({ away: false });
    marks.changed(command("1", { state: "rejected", key: "typo", error: { code: "c", message: "x".repeat(9_000) } }));
    clock.advance(gatherMarks);
    const [series] = written.flat();
    assert.equal(series?.tags, { state: "rejected" });
    const text = series ? String(lastValue(series.fields["text"] ?? "")) : "";
    assert.match(text, /^typo of ann: rejected after 2\.1 s: xxx/);
    assert.is(text.length, maxMarkLength);
  });

  test("those that end within a second are one write, and a stop writes what has gathered", async () => {
    const { marks, written, clock } = marking({ away: false });
    for (const id of ["1", "2"]) marks.changed(command(id));
    clock.advance(gatherMarks - 1);
    marks.changed(command("3"));
    assert.equal(written, [], "nobody's command waits for a write of its mark");
    clock.advance(1);
    await turn();
    assert.equal([written.length, ids(written)], [1, ["1", "2", "3"]]);
    marks.changed(command("4"));
    await marks.stop();
    assert.equal(ids(written), ["1", "2", "3", "4"]);
    clock.advance(gatherMarks);
    await turn();
    assert.is(written.length, 2);
  });

  test("a store that is away holds up no stop", async () => {
    const { marks, written, clock } = marking({ away: true });
    marks.changed(command("1"));
    clock.advance(gatherMarks);
    await turn();
    marks.changed(command("2"));
    await marks.stop();
    assert.equal(written, []);
  });

  test("while the store is away the newest thousand wait, each command once, and arrive after in order", async () => {
    const store = { away: true };
    const { marks, written, clock } = marking(store);
    for (let n = 1; n <= maxWaitingMarks + 2; n += 1) marks.changed(command(`${n}`));
    marks.changed(command(`${maxWaitingMarks + 2}`));
    clock.advance(gatherMarks);
    await turn();
    assert.equal(written, []);

    store.away = false;
    await marks.flush();
    assert.equal(
      ids(written),
      Array.from({ length: maxWaitingMarks }, (_, at) => `${at + 3}`),
    );
  });
});
