import * as assert from "uvu/assert";
import { lastValue } from "#shared/columns";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import type { Command } from "../desk/command.ts";
import { StoreUnavailableError, type SeriesColumns } from "../store/store.ts";
import { CommandMarks } from "./command-marks.ts";

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

function marking(store: { away: boolean }): { marks: CommandMarks; written: SeriesColumns[][] } {
  const written: SeriesColumns[][] = [];
  const marks = new CommandMarks({
    log: silentLog,
    offers: ({ key }) => key !== "typo",
    write(series) {
      if (store.away) return Promise.reject(new StoreUnavailableError("away"));
      written.push([...series]);
      return Promise.resolve({ rejected: [] });
    },
  });
  return { marks, written };
}

const ids = (written: readonly SeriesColumns[][]): unknown[] => written.flat().map(({ fields }) => fields["id"]);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

suite("command marks", ({ test }) => {
  test("a command that ended is one point, when it ended; an open one is none", () => {
    const { marks, written } = marking({ away: false });
    marks.changed(command("1", { state: "running" }));
    marks.changed(command("1", { took: 2_131.5 }));
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
    const { marks, written } = marking({ away: false });
    marks.changed(command("1", { state: "rejected", key: "typo", error: { code: "c", message: "x".repeat(9_000) } }));
    const [series] = written.flat();
    assert.equal(series?.tags, { state: "rejected" });
    const text = series ? String(lastValue(series.fields["text"] ?? "")) : "";
    assert.match(text, /^typo of ann: rejected after 2\.1 s: xxx/);
    assert.is(text.length, 300);
  });

  test("while the store is away the newest thousand wait, each command once, and arrive after in order", async () => {
    const store = { away: true };
    const { marks, written } = marking(store);
    for (let n = 1; n <= 1_002; n += 1) marks.changed(command(`${n}`));
    marks.changed(command("1002"));
    await turn();
    assert.equal(written, []);

    store.away = false;
    await marks.flush();
    await marks.flush();
    assert.equal(
      ids(written),
      Array.from({ length: 1_000 }, (_, at) => [`${at + 3}`]),
    );
  });
});
