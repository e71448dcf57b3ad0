import * as assert from "uvu/assert";
import { matchesFilter } from "#shared/topic-filter";
import { suite } from "../test/suite.ts";
import { covers, filterFault, FilterTrie, overlaps } from "./filters.ts";

suite("filters", ({ test }) => {
  test("filters as sets", () => {
    const table: [string, string, boolean, boolean][] = [
      ["a/+", "a/b", true, true],
      ["a/b", "a/+", false, true],
      ["a/#", "a", true, true],
      ["a/#", "a/+/c", true, true],
      ["a/+", "a/#", false, true],
      ["a/+", "a/b/c", false, false],
      ["#", "$SYS/x", false, false],
      ["$SYS/#", "#", false, false],
      ["$SYS/#", "$SYS/+/y", true, true],
      ["+/b", "a/+", false, true],
      ["a", "a/b", false, false],
    ];
    for (const [one, two, covered, overlapping] of table) {
      assert.is(covers(one, two), covered, `${one} covers ${two}`);
      assert.is(overlaps(one, two), overlapping, `${one} overlaps ${two}`);
      assert.is(overlaps(two, one), overlapping, `${two} overlaps ${one}`);
    }
  });

  test("wildcards fill a whole level, # the last", () => {
    for (const filter of ["a", "#", "+", "a/#", "+/+/#", "/", "a//b", "$SYS/#"])
      assert.is(filterFault(filter), undefined, filter);
    for (const filter of ["a#", "#/a", "a+", "+a/b", "a/b+", "##", "a/#/", "++"])
      assert.ok(filterFault(filter), filter);
  });

  test("the trie finds the values whose filters match, and forgets those taken out", () => {
    const trie = new FilterTrie<string>();
    const filters = ["#", "+", "a", "a/#", "a/+", "+/b", "a/b", "a/b/#", "a//c", "$SYS/#", "+/+", "/", "a/+/c"];
    for (const filter of filters) trie.add(filter, filter);
    assert.is(trie.size, filters.length);
    for (const topic of ["a", "a/b", "a/b/c", "a//c", "$SYS/b", "$SYS", "/", "b", "x/y/z"]) {
      const wanted = filters.filter((filter) => matchesFilter(filter, topic));
      assert.equal(trie.match(topic).toSorted(), wanted.toSorted(), topic);
    }
    trie.remove("a/+", "another");
    for (const filter of filters) trie.remove(filter, filter);
    assert.is(trie.size, 0);
    assert.equal(trie.match("a/b"), []);
  });
});
