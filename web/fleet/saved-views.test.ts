import * as assert from "uvu/assert";
import { suite, type Scope } from "../../test/suite.ts";
import { keepViews, maxSavedViews, savedViews } from "./saved-views.tsx";

/** A browser's, which Node has none of. */
function localStorage(scope: Scope): Map<string, string> {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => kept.set(key, text),
  };
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
  scope.cleanup(() => Reflect.deleteProperty(globalThis, "localStorage"));
  return kept;
}

suite("saved views", ({ test }) => {
  test("as many as there is room for are kept; one more, and the oldest goes", (scope) => {
    const kept = localStorage(scope);
    const views = Array.from({ length: maxSavedViews }, (_, at) => ({ name: `view ${at}`, query: `?where=${at}` }));
    keepViews(views);
    assert.equal(savedViews(), views);
    keepViews([...views, { name: "one more", query: "" }]);
    assert.equal(savedViews(), [...views.slice(1), { name: "one more", query: "" }]);
    assert.equal(
      [...kept.values()].map((text) => (JSON.parse(text) as unknown[]).length),
      [maxSavedViews],
    );
  });
});
