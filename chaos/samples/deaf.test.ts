import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { cutSpans, deafSpans } from "./deaf.ts";
import type { Struck } from "../striker.ts";

const external = { broker: "mosquitto", store: "embedded", disks: "none" } as const;
const struck = (who: Struck["who"], what: Struck["what"], by = 0): Struck => ({ who, what, by, from: 100, to: 200 });
const spans = (one: Struck, refused = false) => deafSpans(external, [one], { began: 50, healed: 300, refused });

suite("chaos: when a PUBACK is Mosquitto's word alone", ({ test }) => {
  test("the embedded broker answers for its console", () => {
    const embedded = { ...external, broker: "embedded" } as const;
    assert.equal(deafSpans(embedded, [struck("server", "kill")], { began: 50, healed: 300, refused: true }), []);
  });

  test("while one of the two is away, or their line", () => {
    for (const one of [
      struck("server", "kill"),
      struck("broker", "kill"),
      struck("server", "break"),
      struck("server", "dies"),
    ])
      assert.equal(spans(one), [[50, 300]], `${one.who} ${one.what}`);
  });

  test("not while one stands still, nor for an agent's sake", () => {
    for (const one of [
      struck("server", "freeze"),
      struck("server", "hold"),
      struck("dev-a", "kill"),
      struck("influx", "kill"),
    ])
      assert.equal(spans(one, true), [], `${one.who} ${one.what}`);
  });

  test("while the console refuses, which must have been heard", () => {
    for (const one of [struck("server", "fill"), struck("server", "step", -3_600_000)]) {
      assert.equal(spans(one), [], one.what);
      assert.equal(spans(one, true), [[100, 300]], one.what);
    }
    assert.equal(spans(struck("server", "step", 3_600_000), true), []);
  });

  test("where the console has come off it by itself, until it hears again", () => {
    const note = (at: number, what: string, who = "server") => ({ at, who, what });
    const cut = note(100, "cut off from the broker: Keepalive timeout");
    assert.equal(cutSpans([cut, note(150, "hears again"), note(170, "hears again")], 50), [[50, 150]]);
    assert.equal(cutSpans([cut], 50), [[50, Infinity]]);
    for (const other of [note(40, cut.what), note(100, cut.what, "dev-a"), note(100, "serves")])
      assert.equal(cutSpans([other, note(150, "hears again")], 50), [], other.what);
  });
});
