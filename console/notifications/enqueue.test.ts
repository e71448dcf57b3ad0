import * as assert from "uvu/assert";
import { BadInputError } from "#shared/errors";
import { suite } from "../../test/suite.ts";
import { transaction } from "../database/database.ts";
import { maxChannels } from "./channels.ts";
import { enqueue, maxWaitingNotices, roomAtOnce } from "./enqueue.ts";
import { channelOf, noticeOf, queue } from "./fixture.ts";
import { cutTo, fitted, maxNotice, maxNoticeLabels } from "./notice.ts";

suite("word of an alert, written down", ({ test }) => {
  test("goes to the channels that are named, or to those for all; with the alert's own change, or not at all", async (scope) => {
    const { put, say, stop, rows, database } = await queue(scope);
    await stop();
    assert.is(say(), 0, "there is no channel");
    put("all");
    put("named", { usual: false });
    put("off", { enabled: false });
    assert.is(say({ alert: "1" }), 1);
    assert.is(say({ alert: "2" }, ["named", "off", "named"]), 1);
    assert.is(say({ alert: "3" }, ["gone"]), 1);
    assert.throws(() =>
      transaction(database, () => {
        enqueue(database, noticeOf({ alert: "4" }));
        throw new Error("the alert's row was refused");
      }),
    );
    assert.equal(
      rows().map(({ alert, channel, state }) => [alert, channel, state]),
      [
        ["1", "all", "waiting"],
        ["2", "named", "waiting"],
        ["3", "gone", "failed"],
      ],
    );
    assert.match(rows()[2]?.said ?? "", /there is no channel "gone"/);
  });

  test("so many wait for a channel at most: reminders make room first, then what matters least, then the device with the most; and it is told", async (scope) => {
    const { put, stop, rows, database } = await queue(scope);
    await stop();
    put("a");
    transaction(database, () => {
      enqueue(database, noticeOf({ alert: "other's", device: "other" }));
      for (let at = 1; at < maxWaitingNotices - 2; at += 1) enqueue(database, noticeOf({ alert: `n${at}` }));
      enqueue(database, noticeOf({ alert: "reminder", kind: "reminder" }));
      enqueue(database, noticeOf({ alert: "info", device: "other", severity: "info" }));
    });
    const failed = (): string[] => rows().flatMap(({ state, alert }) => (state === "failed" ? [alert] : []));
    assert.equal(failed(), []);
    enqueue(database, noticeOf({ alert: "more", severity: "warning" }));
    const oldest = Array.from({ length: roomAtOnce - 3 }, (_, at) => `n${at + 1}`);
    assert.equal(
      failed(),
      [...oldest, "reminder", "info", "more"],
      "what matters less than all that waits goes itself",
    );
    for (let at = 1; at <= roomAtOnce; at += 1) enqueue(database, noticeOf({ alert: `m${at}` }));
    assert.is(failed().length, 2 * roomAtOnce);
    assert.not.ok(failed().includes("other's"));
    assert.match(rows()[1]?.said ?? "", /^1000 notices waited for the channel, and no more may/);
  });

  test("so many channels, and names that can stand in a rule", async (scope) => {
    const { put, channels } = await queue(scope);
    for (let at = 0; at < maxChannels; at += 1) put(`c${at}`);
    put("c0", { usual: false });
    assert.is(channels.find("c0")?.usual, false);
    for (const name of ["one-more", "a b", ""])
      assert.throws(
        () => channels.put(channelOf(name)),
        (error: unknown) => error instanceof BadInputError,
      );
  });

  test("texts are cut with a sign, at the edge and beyond; addresses are whole, or none", () => {
    const title = "t".repeat(maxNotice.title);
    const text = "x".repeat(maxNotice.text);
    const word = "w".repeat(maxNotice.word);
    const url = `https://m/${"u".repeat(maxNotice.url - 10)}`;
    const labels = Object.fromEntries(Array.from({ length: maxNoticeLabels }, (_, at) => [`l${at}`, word]));
    const whole = noticeOf({ title, text, url, labels, rule: word, value: word });
    assert.equal(fitted(whole), whole);
    const over = noticeOf({
      title: `${title}t`,
      text: `${text}x`,
      url: `${url}u`,
      rule: `${word}w`,
      value: `${word}w`,
      labels: { ...labels, zz: "1" },
    });
    const cut = fitted(over);
    assert.equal(
      [cut.title.length, cut.title.at(-1), cut.text.length, cut.rule.length],
      [maxNotice.title, "…", maxNotice.text, maxNotice.word],
    );
    assert.equal(
      [cut.url, Object.keys(cut.labels).length, String(cut.value).length],
      [null, maxNoticeLabels, maxNotice.word],
    );
    assert.is(cutTo("ab😀", 3), "ab…", "no half of a character");
  });
});
