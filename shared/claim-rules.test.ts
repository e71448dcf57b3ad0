import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { maxClaimRules, parseClaimRules, ruleFor } from "./claim-rules.ts";

suite("rules of who gets which role", ({ test }) => {
  test("are read from text, up to a bound", () => {
    assert.equal(parseClaimRules("team=ops:admin, a.b=urn:x:operator@lab+field"), [
      { claim: "team", value: "ops", role: "admin" },
      { claim: "a.b", value: "urn:x", role: "operator", groups: ["lab", "field"] },
    ]);
    for (const wrong of [
      "",
      "ops:admin",
      "team=ops",
      "team=ops:root",
      "team=:admin",
      "team=ops:admin@",
      "t=o:viewer@a b",
    ])
      assert.throws(() => parseClaimRules(wrong), /expected rules such as/, wrong);
    const many = (count: number): string => Array.from({ length: count }, (_, n) => `team=${n}:viewer`).join(",");
    assert.is(parseClaimRules(many(maxClaimRules)).length, maxClaimRules);
    assert.throws(() => parseClaimRules(many(maxClaimRules + 1)), /at most/);
  });

  test("the first that fits decides, by name or by way; what is no plain value fits none", () => {
    const rules = parseClaimRules("team=ops:admin,a.b=x:operator,email=v@x.org:viewer,on=true:viewer");
    const role = (claims: object): string | undefined => ruleFor(rules, { ...claims })?.role;
    assert.is(role({ team: "ops" }), "admin");
    assert.is(role({ team: ["lab", "ops"], a: { b: "x" } }), "admin");
    assert.is(role({ a: { b: ["x"] } }), "operator");
    assert.is(role({ "a.b": "x" }), "operator");
    assert.is(role({ on: true }), "viewer");
    assert.is(role({ email: "v@x.org", email_verified: true }), "viewer");
    for (const none of [
      {},
      { team: "op" },
      { team: { ops: 1 } },
      { team: [["ops"]] },
      { team: null },
      { email: "v@x.org" },
    ])
      assert.is(role(none), undefined, JSON.stringify(none));
    assert.is(role({ email: "v@x.org", email_verified: "true" }), undefined);
    assert.is(ruleFor(parseClaimRules("constructor.name=Object:admin"), {}), undefined);
  });
});
