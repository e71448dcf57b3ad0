import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import { AnswerTimesLearner, maxPairs } from "./answer-times.ts";
import type { CommandRows } from "./command-rows.ts";

suite("answer times", ({ test }) => {
  test("of so many pairs are in memory; the oldest is read again from its rows", () => {
    const read: string[] = [];
    const rows = { answerTimes: (device: string) => (read.push(device), [1, 2, 3, 4, 5]) } as unknown as CommandRows;
    const learner = new AnswerTimesLearner(rows);
    const name = (at: number) => parseDeviceId(`d${at}`);
    for (let at = 0; at < maxPairs; at += 1) learner.of(name(at), "ping");
    learner.of(name(0), "ping");
    assert.is(read.length, maxPairs);
    learner.of(name(maxPairs), "ping");
    assert.equal(learner.of(name(1), "ping"), { p50: 3, p99: 5, count: 5 });
    assert.is(read.length, maxPairs + 1);
    learner.of(name(0), "ping");
    assert.is(read.length, maxPairs + 2);
  });
});
