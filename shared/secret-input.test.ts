import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { maxSecretInputLength, secretFrom, type GivenSecret } from "./secret-input.ts";
import { exposedFlags, loadSettings } from "./settings/load-settings.ts";

/** What comes of it, and what was written beside it. */
async function take(given: Omit<GivenSecret, "flag">, typed = ""): Promise<{ got: string | undefined; told: string }> {
  const input = new PassThrough();
  input.end(typed);
  let told = "";
  const output = new PassThrough();
  output.on("data", (chunk) => (told += String(chunk)));
  const terminal = { input, output } as unknown as Parameters<typeof secretFrom>[1];
  try {
    return { got: await secretFrom({ flag: "--password", ...given }, terminal), told };
  } catch (error) {
    return { got: undefined, told: String(error) };
  }
}

suite("secrets off the command line", ({ test }) => {
  test("from standard input, from a file, from the line with a warning, and none", async (scope) => {
    const file = join(await scope.directory(), "secret");
    await writeFile(file, "from a file\nand not this\n");
    assert.equal(await take({ value: "-" }, "typed in\nmore"), { got: "typed in", told: "" });
    assert.equal(await take({ value: "-" }, "without an end"), { got: "without an end", told: "" });
    assert.equal(await take({ value: undefined, file }), { got: "from a file", told: "" });
    assert.equal(await take({ value: undefined }), { got: undefined, told: "" });
    const { got, told } = await take({ value: "correct horse" });
    assert.is(got, "correct horse");
    assert.match(told, /other users of this machine can read it: --password - .*--password-file FILE/);
    assert.not.match(told, "correct horse");
  });

  test("what is none is refused", async (scope) => {
    const file = join(await scope.directory(), "secret");
    await writeFile(file, "x".repeat(maxSecretInputLength + 1));
    for (const [given, typed, why] of [
      [{ value: "-" }, "", /no secret in the first line of standard input/],
      [{ value: "-" }, "\nsecond", /no secret/],
      [{ value: "-" }, "x".repeat(maxSecretInputLength + 1), /too long/],
      [{ value: undefined, file }, "", /too long/],
      [{ value: undefined, file: `${file}.none` }, "", /cannot read the secret/],
      [{ value: "x", file }, "", /both given/],
      [{ value: true }, "", /no terminal to ask on: expected --password -/],
    ] as const)
      assert.match((await take(given, typed)).told, why, JSON.stringify(given).slice(0, 80));
    assert.is((await take({ value: "-" }, "x".repeat(maxSecretInputLength))).got?.length, maxSecretInputLength);
  });

  test("a setting that is a secret may come from the file that its variable names", async (scope) => {
    const file = join(await scope.directory(), "secret");
    await writeFile(file, "correct horse\n");
    const env = { MUSTER_ADMIN_PASSWORD_FILE: file, MUSTER_TOKEN_FILE: file };
    const { values } = loadSettings({ env });
    assert.equal([values.adminPassword, values.token], ["correct horse", "correct horse"]);
    assert.is(loadSettings({ env: { ...env, MUSTER_TOKEN: "ann:x" } }).values.token, "ann:x");
    assert.throws(() => loadSettings({ env: { MUSTER_TOKEN_FILE: `${file}.none` } }), /cannot read the secret in/);
    assert.throws(() => loadSettings({ env: { MUSTER_DATA_FILE: file, MUSTER_HTTP_PORT: "x" } }), /HTTP_PORT/);
  });

  test("secrets among flags are told", () => {
    assert.equal(
      exposedFlags({ adminPassword: "x", mqttUrl: "mqtt://host:1883", influxUrl: "http://a:b@h/db", data: "d" }),
      ["influxUrl", "adminPassword"],
    );
  });
});
