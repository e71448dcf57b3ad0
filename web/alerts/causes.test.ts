import * as assert from "uvu/assert";
import type { AlertDocument } from "#api/client";
import { suite } from "../../test/suite.ts";
import { causesOf } from "./causes.ts";

const alert = (id: string, more: Partial<AlertDocument> = {}): AlertDocument => ({
  id,
  rule: "Down",
  severity: "warning",
  state: "firing",
  device: id,
  series: "",
  tags: null,
  since: 1,
  fired: 1,
  resolved: null,
  why: null,
  value: null,
  title: id,
  text: "",
  parent: null,
  acknowledged: null,
  labels: {},
  history: [],
  ...more,
});

suite("alerts by their cause", ({ test }) => {
  test("stand under their rule, the gravest first; what was told as one stands once, where that one is known", () => {
    const many = ["b", "c"].map((id) => alert(id, { parent: "many" }));
    const full = alert("f", { rule: "Full", severity: "critical", state: "acknowledged" });
    const shown = causesOf([alert("a"), ...many, alert("many", { device: null, fired: 2 }), full]);
    assert.equal(
      shown.map(({ rule, firing, alerts }) => [rule, firing, alerts.map(({ id }) => id)]),
      [
        ["Full", 0, ["f"]],
        ["Down", 2, ["many", "a"]],
      ],
    );
    assert.equal(
      causesOf(many).map(({ alerts }) => alerts.map(({ id }) => id)),
      [["c", "b"]],
    );
  });
});
