import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { suite } from "../test/suite.ts";
import { importAuthority, maxPemBytes } from "./show-tls.ts";

suite("muster tls import", ({ test }) => {
  test("it reads files of so many bytes, and no more", async (scope) => {
    const path = join(await scope.directory(), "ca.pem");
    let sent: unknown;
    const client = { rotateTls: async (body: unknown) => Promise.reject(new Error(String((sent = body)))) };
    const bring = (bytes: number): Promise<string> => {
      sent = undefined;
      writeFileSync(path, "x".repeat(bytes));
      return importAuthority(client as unknown as Client, { cert: path, key: path }).catch(String);
    };
    await bring(maxPemBytes);
    assert.equal(sent, { authority: { cert: "x".repeat(maxPemBytes), key: "x".repeat(maxPemBytes) } });
    assert.match(await bring(maxPemBytes + 1), /cannot be read: expected at most/);
    assert.is(sent, undefined);
  });
});
