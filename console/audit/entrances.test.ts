import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import type { AuditEvent } from "./entry.ts";
import { Entrances, knockWindow, maxKnockers, maxKnocks, repeatedLogin, type Knock } from "./entrances.ts";

function doors() {
  const written: AuditEvent[] = [];
  const clock = new ManualClock();
  const entrances = new Entrances({ audit: { note: (event) => void written.push(event) }, clock, log: silentLog });
  return { written, clock, entrances };
}

const refused = (from: string, who = "root"): Knock => ({ who, from, what: "login.refused", result: "refused" });

suite("what happens at the doors", ({ test }) => {
  test("of one network so many refusals are written one by one, and those beyond counted", () => {
    const { written, clock, entrances } = doors();
    for (let times = 0; times < maxKnocks.ofNetwork; times += 1) entrances.note(refused("192.0.2.1"));
    assert.is(written.length, maxKnocks.ofNetwork);
    for (const who of ["root", "admin", "root"]) entrances.note(refused("192.0.2.1", who));
    entrances.note(refused("192.0.2.2"));
    assert.is(written.length, maxKnocks.ofNetwork + 1, "another one is written all the same");
    clock.advance(knockWindow);
    assert.equal(written.at(-1), {
      who: "many",
      from: "1 network",
      what: "login.refused",
      result: "refused",
      detail: { times: 3, addresses: ["192.0.2.1: 3"], names: ["root: 2", "admin: 1"] },
    });
    entrances.note(refused("192.0.2.1"));
    assert.equal(written.at(-1), refused("192.0.2.1"), "a new window");
  });

  test("a refusal that comes once all has stopped is written, and begins no window", () => {
    const { written, clock, entrances } = doors();
    entrances.stop();
    clock.after = () => {
      throw new Error("a timer");
    };
    entrances.note(refused("192.0.2.1"));
    assert.equal(written, [refused("192.0.2.1")]);
  });

  test("a flood from everywhere costs so many entries, and memory for so many names", () => {
    const { written, clock, entrances } = doors();
    for (let at = 0; at < maxKnockers + maxKnocks.ofAll + 50; at += 1)
      entrances.note(refused(`10.${at >> 8}.${at & 255}.1`, `n${at}${"x".repeat(5_000)}`));
    assert.is(written.length, maxKnocks.ofAll);
    entrances.note({ who: "ada", from: "192.0.2.9", what: "login.ok" });
    assert.is(written.length, maxKnocks.ofAll + 1, "and hides no login");
    clock.advance(knockWindow);
    const { detail, from } = written.at(-1) ?? {};
    assert.is(detail?.["times"], maxKnockers + 50);
    assert.is(from, `${maxKnockers + 1} networks`);
    assert.match(String(detail?.["addresses"]), /^others: 50,/);
    assert.match(String(detail?.["addresses"]), new RegExp(`and ${maxKnockers + 1 - 8} more$`));
  });

  test("a login is written once in an hour for each name and network", () => {
    const { written, clock, entrances } = doors();
    const login = (from: string, who = "ada"): void => entrances.note({ who, from, what: "login.ok" });
    for (let times = 0; times < 50; times += 1) login("192.0.2.1");
    assert.is(written.length, 1);
    login("192.0.2.2");
    login("192.0.2.1", "bob");
    assert.is(written.length, 3);
    clock.advance(repeatedLogin);
    login("192.0.2.1");
    assert.is(written.length, 4);
  });

  test("what was counted is told at the end, too; and a log that takes nothing stops nobody", () => {
    const { written, entrances } = doors();
    for (let times = 0; times <= maxKnocks.ofNetwork; times += 1) entrances.note(refused("192.0.2.1"));
    entrances.stop();
    assert.is(written.at(-1)?.detail?.["times"], 1);
    const full = new Entrances({
      audit: {
        note: () => {
          throw new Error("full");
        },
      },
      clock: new ManualClock(),
      log: silentLog,
    });
    full.note(refused("192.0.2.1"));
    full.stop();
  });
});
