import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { LatestRefusals, maxAwaitedRefusals, maxKeptPayload, maxLatestRefusals } from "./latest-refusals.ts";

const refusals = (): LatestRefusals =>
  new LatestRefusals(
    (name) => name.startsWith("rpi"),
    (thrown) => assert.unreachable(String(thrown)),
  );
const note = (to: LatestRefusals, name: string | null, why: string, ts = 1): void =>
  to.note({ name, topic: "t", why, ts });

suite("the latest refusals", ({ test }) => {
  test("newest first; the same again is counted, and a stranger is told apart from a device", () => {
    const all = refusals();
    let told = 0;
    all.changes.on(() => (told += 1));
    note(all, "rpi-7", "a", 1);
    note(all, "rpi-7", "b", 2);
    note(all, "rpi-7", "a", 3);
    note(all, "x".repeat(1_000), "c", 4);
    note(all, null, "d", 5);
    assert.equal(
      all.list().map(({ name, known, why, first, last, count }) => [name?.slice(0, 5), known, why, first, last, count]),
      [
        [undefined, false, "d", 5, 5, 1],
        ["xxxxx", false, "c", 4, 4, 1],
        ["rpi-7", true, "a", 1, 3, 2],
        ["rpi-7", true, "b", 2, 2, 1],
      ],
    );
    assert.is(all.list()[1]?.name?.length, 64);
    assert.is(told, 5);
    assert.is(all.list("rpi-7").length, 2);
    const stranger = all.list().find(({ known, name }) => !known && name !== null)?.name ?? "";
    assert.ok(stranger !== "" && all.list(stranger).length === 1, "one that is not enrolled is found by name too");
    all.forget("rpi-7");
    assert.is(all.list().length, 2);
    assert.equal(all.list("rpi-7"), []);
  });

  test("the message itself is kept with its refusal, up to a bound, and the newest one where it came again", () => {
    const all = refusals();
    const refuse = (text: string): void => {
      all.saw("rpi-7", "t", Buffer.from(text));
      note(all, "rpi-7", "why");
    };
    refuse("one");
    refuse("x".repeat(maxKeptPayload + 1));
    note(all, "rpi-7", "other");
    const [whole, without] = all.list();
    assert.equal([whole?.count, whole?.size, without?.size], [2, maxKeptPayload + 1, undefined]);
    assert.is(all.payloadOf(whole!)?.head.length, maxKeptPayload);
    assert.is(all.find(whole!.id), whole);
    note(all, "rpi-7", "why");
    assert.is(all.find(whole!.id)?.size, maxKeptPayload + 1, "what came without one leaves it");
    for (let at = 0; at <= maxAwaitedRefusals; at += 1) all.saw(`rpi-${at}`, "t", Buffer.from("a"));
    note(all, "rpi-0", "why");
    note(all, "rpi-1", "why");
    assert.equal([all.list("rpi-0")[0]?.size, all.list("rpi-1")[0]?.size], [undefined, 1]);
  });

  test("some are forgotten, and the next one like it is another one", () => {
    const all = refusals();
    for (const name of ["rpi-7", "rpi-8", null]) note(all, name, "why");
    const id = all.list("rpi-7")[0]?.id;
    assert.is(
      all.forgetSome(({ name }) => name === "rpi-7"),
      1,
    );
    assert.equal([all.find(id ?? 0), all.list().length], [undefined, 2]);
    note(all, "rpi-7", "why");
    assert.not.equal(all.list("rpi-7")[0]?.id, id);
    assert.is(
      all.forgetSome(() => true),
      3,
    );
    for (let at = 0; at <= maxLatestRefusals.ofDevice; at += 1) note(all, "rpi-7", `${at}`, at);
    assert.is(all.list().length, maxLatestRefusals.ofDevice, "what was forgotten leaves its room");
  });

  test("of a device and of all strangers only the latest are kept", () => {
    const all = refusals();
    for (let at = 0; at <= maxLatestRefusals.ofDevice; at += 1) note(all, "rpi-7", `${at}`, at);
    for (let at = 0; at <= maxLatestRefusals.ofStrangers; at += 1) note(all, `stranger ${at}`, "no", at);
    const own = all.list("rpi-7");
    assert.equal([own.length, own.at(-1)?.why], [maxLatestRefusals.ofDevice, "1"]);
    assert.is(all.list().length, maxLatestRefusals.ofDevice + maxLatestRefusals.ofStrangers);
    assert.not(all.list().some(({ name }) => name === "stranger 0"));
  });

  test("of all devices together as well: who was told least lately goes", () => {
    const all = refusals();
    for (let at = 0; at < maxLatestRefusals.ofAll; at += 1) note(all, `rpi-${at}`, "no", at);
    note(all, "rpi-0", "again", maxLatestRefusals.ofAll);
    assert.is(all.list().length, maxLatestRefusals.ofAll);
    assert.equal([all.list("rpi-0").length, all.list("rpi-1").length], [2, 0]);
  });
});
