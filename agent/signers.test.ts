import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { silentLog } from "#shared/log";
import { testSigner } from "#shared/signing/fixture";
import { suite } from "../test/suite.ts";
import { Signers } from "./signers.ts";

const [ann, bob, cid] = [testSigner(1, "ann"), testSigner(2, "bob"), testSigner(3, "cid")];
const open = (directory: string | undefined, ...pinned: readonly (typeof ann)[]): Signers =>
  new Signers({ directory, pinned: pinned.map(({ public: { line } }) => line), log: silentLog });

suite("pinned keys", ({ test }) => {
  test("none: nothing has to be signed", async (scope) => {
    assert.not.ok(open(await scope.directory()).required);
    assert.not.ok(open(undefined).required);
  });

  test("those of the setting, until a command has changed them; then these, until the setting is another", async (scope) => {
    const directory = await scope.directory();
    const first = open(directory, ann);
    assert.equal(first.ids, [ann.public.id]);
    first.replace([bob.public.line, cid.public.line]);
    assert.equal(first.ids, [bob.public.id, cid.public.id]);
    assert.is(statSync(join(directory, "signers.json")).mode & 0o777, 0o600);
    assert.equal(open(directory, ann).ids, [bob.public.id, cid.public.id], "the same setting");
    assert.equal(open(directory).ids, [bob.public.id, cid.public.id], "a setting that was forgotten opens nothing");
    assert.equal(open(directory, ann, cid).ids, [ann.public.id, cid.public.id], "pinned anew on the machine");
  });

  test("no keys, and what are none, take the place of none", async (scope) => {
    const signers = open(await scope.directory(), ann);
    assert.throws(() => signers.replace([]), /expected 1 to/);
    assert.throws(() => signers.replace([bob.public.line, "ed25519:x"]), /no public key/);
    assert.equal(signers.ids, [ann.public.id]);
  });

  test("what is kept and does not read lets nothing in, whatever the setting says, and is told", async (scope) => {
    const directory = await scope.directory();
    open(directory, ann).replace([bob.public.line]);
    const path = join(directory, "signers.json");
    for (const text of ["", "{}", readFileSync(path, "utf8").slice(0, -20)]) {
      writeFileSync(path, text);
      const damaged = open(directory, ann);
      assert.ok(damaged.required);
      assert.equal(damaged.ids, []);
      assert.match(damaged.problem ?? "", /removes .*signers\.json/);
    }
  });

  test("without a directory nothing could be remembered", () => {
    assert.throws(() => open(undefined, ann), /no directory/);
  });
});
