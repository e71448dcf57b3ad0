import { generateKeyPairSync } from "node:crypto";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { signerOf, type SigningFlags } from "../commands/compose/signing-key.ts";
import { asError } from "#shared/errors";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";

/** `muster start` whose own device has pinned what `muster keygen` has made. */
async function place(scope: Scope) {
  const directory = await scope.directory();
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const env: Record<string, string> = {
    MUSTER_DATA: join(directory, "data"),
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "rpi-7",
    MUSTER_ADMIN_PASSWORD: password,
  };
  const muster = (...args: string[]): Promise<Finished> => runProgram(...musterProgram(args), { env });
  const [ann, bob, words] = ["ann.key", "bob.key", "words"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(words, "open sesame\n");
  const made = await muster("keygen", "--out", ann, "--name", "Ann Lee");
  assert.is(made.code, 0, made.err);
  assert.is((await muster("keygen", "--out", bob, "--passphrase-file", words)).code, 0);
  env["MUSTER_SIGNERS"] = [ann, bob].map((path) => readFileSync(`${path}.pub`, "utf8").trim()).join(",");
  const start = new Running(scope, ...musterProgram(["start"]), { env });
  await start.line(/npx muster send/);
  return { directory, muster, ann, bob, words, made, mqttPort };
}

async function refuses(flags: SigningFlags, why: RegExp): Promise<void> {
  const refusal: unknown = await signerOf(flags).catch((thrown: unknown) => thrown);
  assert.match(asError(refusal).message, why);
}

suite("signing by the programs", ({ test }) => {
  test(
    "keys, commands signed with them, and what goes wrong",
    async (scope) => {
      const { directory, muster, ann, bob, words, made, mqttPort } = await place(scope);
      assert.match(made.out, /^ed25519:[\w-]{43} Ann Lee\n$/);
      assert.is(readFileSync(`${ann}.pub`, "utf8"), made.out);
      assert.is(statSync(ann).mode & 0o777, 0o600);
      assert.match(readFileSync(bob, "utf8"), /ENCRYPTED/);
      assert.match((await muster("keygen", "--out", ann)).err, /is there already/);

      const unsigned = async (): Promise<string> => (await muster("send", "rpi-7", "ping")).err;
      const why = /takes only commands that are signed .*muster send --sign KEYFILE/;
      await eventually("a refusal of what is not signed", async () => why.test(await unsigned()), 30);
      const signed = await muster("send", "rpi-7", "set-interval", "--arg", "seconds=2.5", "--sign", ann);
      assert.is(signed.code, 0, signed.err + signed.out);
      assert.match(signed.out, /2500/);
      assert.is((await muster("send", "rpi-7", "ping", "--sign", bob, "--passphrase-file", words)).code, 0);

      assert.is((await muster("config", "rpi-7", "set", "tags=site=berlin")).code, 0);
      assert.match((await muster("config", "rpi-7")).out, /unsigned: .*muster config rpi-7 apply --sign KEYFILE/);
      const applied = await muster("config", "rpi-7", "apply", "--sign", ann);
      assert.is(applied.code, 0, applied.err + applied.out);
      const settled = async (): Promise<boolean> => /in-step/.test((await muster("config", "rpi-7")).out);
      await eventually("settings that were signed", settled, 30);

      const job = await muster("send", "--all", "set-interval", "--arg", "seconds=3", "--sign", ann);
      assert.is(job.code, 0, job.err + job.out);
      const fitting = ["send", "--where", "online=true", "ping", "--sign", ann];
      const asked = await muster(...fitting);
      assert.match(asked.err, /1 device fits online=true: rpi-7\n.*no terminal to ask on: add --yes/);
      const fits = await muster(...fitting, "--yes");
      assert.is(fits.code, 0, fits.err + fits.out);

      const wrong = join(directory, "wrong");
      writeFileSync(wrong, "close sesame\n");
      await refuses({ sign: bob, passphraseFile: wrong }, /passphrase is another one/);
      await refuses({ sign: join(directory, "none") }, /muster keygen --out/);
      const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
      writeFileSync(wrong, elliptic.export({ format: "pem", type: "pkcs8" }));
      chmodSync(wrong, 0o600);
      await refuses({ sign: wrong }, /is of ec: expected ed25519/);
      chmodSync(wrong, 0o640);
      await refuses({ sign: wrong }, /chmod 600/);

      // As docs/signing.md has it, without Muster.
      const [, shell = ""] = /## By hand[^]*?```sh\n([^]*?)```/.exec(readFileSync("docs/signing.md", "utf8")) ?? [];
      const login = `-h 127.0.0.1 -p ${mqttPort} -u admin -P '${password}' -q 1`;
      const script = shell.replace("mosquitto_pub", `mosquitto_pub ${login}`).replaceAll("ann.key", ann);
      const typed = await runProgram("bash", ["-ec", `cd '${directory}'; ${script}\necho id=$ID`]);
      const id = /id=(\d+)/.exec(typed.out)?.[1] ?? "";
      assert.is(typed.code, 0, typed.err);
      const end = /succeeded|rejected|failed/;
      const told = await eventually("its end", async () => end.exec((await muster("explain", id)).out)?.[0]);
      assert.is(told, "succeeded");

      // Bob goes: by a command that Ann has signed.
      const keys = JSON.stringify([made.out.trim()]);
      assert.is((await muster("send", "rpi-7", "set-signers", "--arg", `keys=${keys}`, "--sign", ann)).code, 0);
      const gone = await muster("send", "rpi-7", "ping", "--sign", bob, "--passphrase-file", words);
      assert.match(gone.err, /is none of those/);
    },
    { seconds: 60 },
  );
});
