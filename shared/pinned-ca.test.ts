import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { EnvironmentError } from "#shared/errors";
import { maxBundleBytes, readBundle } from "#shared/pinned-ca";
import { makeAuthority } from "../tls/issuing.ts";
import { authoritySpan } from "../tls/spans.ts";
import { suite } from "../test/suite.ts";

suite("a file of authorities", ({ test }) => {
  test("it is read up to a bound; what holds none is told in a sentence", async (scope) => {
    const path = join(await scope.directory(), "ca.crt");
    const { cert } = await makeAuthority(authoritySpan(Date.now()));
    const pad = (bytes: number): string => cert + "#".repeat(bytes - cert.length);
    writeFileSync(path, pad(maxBundleBytes));
    assert.is(readBundle(path).length, maxBundleBytes);
    for (const text of [
      pad(maxBundleBytes + 1),
      "",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ]) {
      writeFileSync(path, text);
      assert.throws(
        () => readBundle(path),
        (error: Error) => error instanceof EnvironmentError && error.message.includes(path),
      );
    }
    assert.throws(() => readBundle(`${path}.missing`), /MUSTER_CA/);
  });
});
