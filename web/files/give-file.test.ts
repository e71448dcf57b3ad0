import { createHash } from "node:crypto";
import * as assert from "uvu/assert";
import { ApiError, UnreachableError } from "#api/api-errors";
import { maxPartBytes } from "#shared/files/file-bounds";
import { suite } from "../../test/suite.ts";
import { giveFile, hashOfFile, type GivingFile } from "./give-file.ts";

const content = Buffer.alloc(2 * maxPartBytes + 5, "muster ");
const file = new Blob([content]);
const sha256 = createHash("sha256").update(content).digest("hex");

/** A console that has some of it already, and does what `fails` says before it takes a part. */
function consoleWith(had: number, fails: (at: number) => void = () => {}) {
  let kept = content.subarray(0, had);
  const asked: number[] = [];
  const shares: number[] = [];
  const client: GivingFile["client"] = {
    addFilePart: async (hash, { size, at, data }) => {
      asked.push(at);
      fails(asked.length);
      assert.equal([hash, size], [sha256, content.length]);
      if (at === kept.length) kept = Buffer.concat([kept, Buffer.from(data, "base64")]);
      return { have: kept.length };
    },
  };
  const way = {
    client,
    signal: new AbortController().signal,
    told: (share: number) => void shares.push(share),
    pause: async () => {},
  };
  return { way, asked, shares, kept: () => kept };
}

suite("page: a file is given to the console", ({ test }) => {
  test("whole, and is known by its hash", async () => {
    const { way, kept, shares } = consoleWith(0);
    assert.is(await hashOfFile(file, way), sha256);
    await giveFile(file, sha256, way);
    assert.ok(kept().equals(content));
    assert.is(shares.at(-1), 1);
  });

  test("from where it was cut off, and again where the console did not answer", async () => {
    const { way, asked, kept } = consoleWith(maxPartBytes, (count) => {
      if (count === 2) throw new UnreachableError("away", new Error("reset"), undefined);
    });
    await giveFile(file, sha256, way);
    assert.equal(asked, [0, maxPartBytes, maxPartBytes, 2 * maxPartBytes]);
    assert.ok(kept().equals(content));
  });

  test("not at all where the console refuses it, or somebody gives up", async () => {
    const full = consoleWith(0, () => {
      throw new ApiError(507, "there is no room");
    });
    const why = (giving: Promise<void>): Promise<string> => giving.then(() => "given", String);
    assert.match(await why(giveFile(file, sha256, full.way)), /no room/);
    const given = consoleWith(0);
    const stop = new AbortController();
    stop.abort();
    assert.match(await why(giveFile(file, sha256, { ...given.way, signal: stop.signal })), /[Aa]bort/);
    assert.equal(given.asked, []);
  });
});
