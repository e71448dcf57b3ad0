import { createHash } from "node:crypto";
import { array, assert as check, property, uint8Array } from "fast-check";
import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { Sha256 } from "./sha256.ts";

const known = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

suite("page: SHA-256 of a file", ({ test }) => {
  test("is what Node says, of every length around its blocks", () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 37 + length) % 256);
      assert.is(new Sha256().add(bytes).end(), known(bytes), String(length));
    }
  });

  test("is the same in whatever pieces it is read", () => {
    check(
      property(array(uint8Array({ maxLength: 300 }), { maxLength: 12 }), (pieces) => {
        const hash = new Sha256();
        for (const piece of pieces) hash.add(piece);
        return hash.end() === known(Buffer.concat(pieces));
      }),
      { numRuns: 100 },
    );
  });
});
