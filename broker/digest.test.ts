import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog, type Log } from "#shared/log";
import { Digest, linesOfOne, maxNetworks } from "./digest.ts";
import { suite } from "../test/suite.ts";

function make() {
  const lines: string[] = [];
  const clock = new ManualClock();
  const line = (_: object, message: string): void => void lines.push(message);
  const log: Log = { ...silentLog, info: line, warn: line };
  return { digest: new Digest(log, clock), clock, lines };
}

suite("digest", ({ test }) => {
  test("one network writes a few lines a minute, and how many more there were", () => {
    const { digest, clock, lines } = make();
    for (let at = 0; at < linesOfOne + 412; at++) digest.tell("info", "10.0.0.7", {}, "a client is disconnected");
    assert.is(lines.length, linesOfOne);
    clock.advance(59_999);
    digest.flush();
    assert.is(lines.length, linesOfOne);
    clock.advance(1);
    digest.flush();
    digest.flush();
    assert.equal(lines.slice(linesOfOne), ["and 412 more from 10.0.0.7 in the last minute"]);
    digest.tell("info", "10.0.0.7", {}, "again");
    assert.is(lines.at(-1), "again");
  });

  test("another network has lines of its own", () => {
    const { digest, lines } = make();
    for (let at = 0; at < 100; at++) digest.tell("info", "10.0.0.7", {}, "first");
    digest.tell("warn", "10.0.0.8", {}, "second");
    assert.is(lines.at(-1), "second");
  });

  test("networks without number are told together", () => {
    const { digest, lines } = make();
    for (let at = 0; at < maxNetworks + 500; at++) digest.tell("info", `10.0.${at >> 8}.${at & 255}`, {}, "x");
    assert.is(lines.length, maxNetworks - 1 + linesOfOne);
    digest.stop();
    assert.is(lines.at(-1), `and ${501 - linesOfOne} more from elsewhere in the last minute`);
  });
});
