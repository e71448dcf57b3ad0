import { readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { offlineKey, otherKey } from "#shared/release/fixture";
import { maxReleaseManifestBytes } from "#shared/release/release-manifest";
import { writeRelease } from "../../test/release.ts";
import { suite } from "../../test/suite.ts";
import { ReleaseShelf } from "./release-shelf.ts";

const files = [{ name: "muster-agent.cjs", content: "agent" }];

suite("the release that a console holds", ({ test }) => {
  test("is told with its files, and served by name, and nothing beside it", async (scope) => {
    const directory = await writeRelease(scope, files);
    await writeFile(join(directory, "secret"), "x");
    const shelf = new ReleaseShelf(directory, Date.now);
    assert.is(shelf.held.targets?.release, "0.4.0");
    assert.is(shelf.held.problem, undefined);
    assert.equal(shelf.roots, [offlineKey.public.line]);
    assert.is(shelf.file("muster-agent.cjs")?.size, 5);
    assert.ok(shelf.file("manifest.json"));
    for (const name of ["secret", "roots.pub", "../x", "", "."]) assert.is(shelf.file(name), undefined);
  });

  test("is read anew when it is signed anew; one that is over says so", async (scope) => {
    const directory = await writeRelease(scope, files);
    let now = Date.now();
    const shelf = new ReleaseShelf(directory, () => now);
    assert.is(shelf.held.targets?.version, 1);
    await writeRelease(scope, files, { directory, version: 2 });
    await utimes(join(directory, "manifest.json"), 1, 1);
    assert.is(shelf.held.targets?.version, 2);
    now += 31 * 86_400_000;
    assert.match(shelf.held.problem ?? "", /is over: sign it anew/);
  });

  test("does not count where it is by another key, cut, too long, or without its file; none is none", async (scope) => {
    const none = new ReleaseShelf(await scope.directory(), Date.now);
    assert.equal([none.held.targets, none.held.problem, none.roots], [undefined, undefined, []]);
    assert.is(new ReleaseShelf(undefined, Date.now).file("manifest.json"), undefined);
    const problem = async (spoil: (directory: string) => Promise<void>): Promise<string> => {
      const directory = await writeRelease(scope, files);
      await spoil(directory);
      return new ReleaseShelf(directory, Date.now).held.problem ?? "none";
    };
    const manifest = (directory: string): string => join(directory, "manifest.json");
    assert.match(
      await problem(async (at) => writeFile(join(at, "roots.pub"), otherKey.public.line)),
      /root is not signed/,
    );
    assert.match(await problem(async (at) => rm(join(at, "roots.pub"))), /there is no .*roots.pub/);
    assert.match(await problem(async (at) => writeFile(manifest(at), "{")), /JSON/);
    assert.match(await problem(async (at) => rm(join(at, "muster-agent.cjs"))), /is missing beside the manifest/);
    const padded = async (at: string, length: number): Promise<void> =>
      writeFile(manifest(at), (await readFile(manifest(at), "utf8")).padEnd(length));
    assert.is(await problem((at) => padded(at, maxReleaseManifestBytes)), "none");
    assert.match(await problem((at) => padded(at, maxReleaseManifestBytes + 1)), /manifest.json/);
  });
});
