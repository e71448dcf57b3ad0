import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import {
  maxSharedFields,
  maxSharedNames,
  maxSharedText,
  sharedFields,
  sharedJson,
  sharedNames,
} from "./shared-names.ts";

const fields = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, at]));

suite("names that devices share", ({ test }) => {
  test("the same is one object, and another one is not", () => {
    assert.is(sharedNames("cpu", { cpu: "cpu-total" }), sharedNames("cpu", { cpu: "cpu-total" }));
    assert.equal(sharedNames("cpu", { cpu: "cpu0" }), { measurement: "cpu", tags: { cpu: "cpu0" } });
    assert.is(sharedFields("cpu", { user: 1, idle: 2 }), sharedFields("cpu", { user: 3, idle: 4 }));
    assert.equal(sharedFields("cpu", { idle: 1, user: 2 }), ["idle", "user"]);
    assert.is(sharedJson({ ping: { title: "Ping" } }), sharedJson({ ping: { title: "Ping" } }));
    assert.equal(sharedJson({ ping: {} }), { ping: {} });
  });

  test("what is large is each device's own, and of too many measurements the former ones are forgotten", () => {
    assert.is(sharedFields("wide", fields(maxSharedFields)), sharedFields("wide", fields(maxSharedFields)));
    assert.is.not(sharedFields("wide", fields(maxSharedFields + 1)), sharedFields("wide", fields(maxSharedFields + 1)));
    const text = "x".repeat(maxSharedText - 2);
    assert.is(sharedJson([text.slice(2)]), sharedJson([text.slice(2)]));
    assert.is.not(sharedJson([text]), sharedJson([text]));
    const first = sharedNames("first", {});
    for (let at = 0; at < maxSharedNames; at++) sharedNames(`m${at}`, {});
    assert.is.not(sharedNames("first", {}), first);
  });
});
