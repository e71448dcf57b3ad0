import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { serveApi } from "./api-server.ts";
import { startFleet } from "./fleet.ts";
import { musterProgram, runProgram } from "./programs.ts";
import { suite } from "./suite.ts";

suite("muster release", ({ test }) => {
  test(
    "makes keys, signs what is then served in whole and in parts, and refuses what would not count",
    async (scope) => {
      const directory = await scope.directory();
      const at = (name: string): string => join(directory, name);
      const release = async (...words: string[]): Promise<{ code: number | null; out: string; err: string }> =>
        runProgram(...musterProgram(["release", ...words, "--dir", at("release")]));
      const keys = ["--offline-key", at("root.key"), "--key", at("release.key")];
      const made = await release("keygen", ...keys);
      assert.is(made.code, 0, made.err);
      const [root = "", key = ""] = made.out.trim().split("\n");
      assert.match(root, /^ed25519:\S{43} release root$/);
      assert.is((await stat(at("release.key"))).mode & 0o777, 0o600);
      assert.match((await release("keygen", ...keys)).err, /is there already, and is not written over/);

      await writeFile(at("agent.cjs"), "0123456789");
      const file = at("agent.cjs");
      const without = await release("sign", "--key", at("release.key"), file);
      assert.match(without.err, /there is no root .* give the offline key with --offline-key/);
      const signed = await release("sign", ...keys, file, "--release", "1.2.3");
      assert.is(signed.code, 0, signed.err);
      assert.match(signed.out, /release 1\.2\.3 in .*, number 1, good until/);
      assert.is(`${(await readFile(at("release/roots.pub"), "utf8")).trim()} release root`, root);
      assert.match((await release("sign", "--key", at("release.key"), file)).out, /number 2/);
      assert.match(
        (await release("sign", "--key", at("root.key"), file)).err,
        /targets is not signed by a key that counts/,
      );
      assert.is((await release("verify")).code, 0);
      assert.match((await release("verify", "--pinned", key)).err, /root is not signed/);

      // Another offline key: who has pinned the first one follows, and this one signs no more.
      const next = ["--offline-key", at("next.key"), "--key", at("unused.key")];
      const [nextRoot = ""] = (await release("keygen", ...next)).out.split("\n");
      const alone = await release("sign", "--next-offline-key", at("next.key"), "--key", at("release.key"), file);
      assert.match(alone.err, /expected --offline-key as well/);
      const changed = await release("sign", ...keys, "--next-offline-key", at("next.key"), file);
      assert.is(changed.code, 0, changed.err);
      assert.is(`${(await readFile(at("release/roots.pub"), "utf8")).trim()} release root`, nextRoot);
      for (const pinned of [root, nextRoot]) assert.is((await release("verify", "--pinned", pinned)).code, 0);
      assert.match((await release("sign", ...keys, file)).err, /root is not signed by a key that counts/);
      assert.is((await release("sign", "--key", at("release.key"), file)).code, 0);

      const fleet = await startFleet(scope, "embedded");
      const { url } = await serveApi(scope, fleet, { join: { release: at("release") } });
      const fetched = (range?: string): Promise<Response> =>
        fetch(`${url}/join/release/agent.cjs`, range === undefined ? {} : { headers: { range } });
      assert.is(await (await fetched()).text(), "0123456789");
      const part = await fetched("bytes=7-");
      assert.equal([part.status, part.headers.get("content-range"), await part.text()], [206, "bytes 7-9/10", "789"]);
      assert.is((await fetched("bytes=10-")).status, 416);
      assert.is(await (await fetched("bytes=0-3")).text(), "0123456789");
      assert.is((await fetch(`${url}/join/release/roots.pub`)).status, 404);

      await writeFile(at("release/agent.cjs"), "9876543210");
      assert.match((await release("verify")).err, /is not the file that was signed/);
      assert.match((await release("burn")).err, /there is no muster release burn: expected keygen, sign or verify/);
    },
    { seconds: 60 },
  );
});
