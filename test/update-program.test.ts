import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants } from "node:zlib";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { machineKindOf } from "../flash/machine-kinds.ts";
import { executableFrom } from "../flash/self-unpacking.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { suite } from "./suite.ts";

const agent = "dist/muster-agent.cjs";
const buildOf = (content: Buffer): string => createHash("sha256").update(content).digest("hex").slice(0, 16);

suite("muster update, by the built programs", ({ test }) => {
  test(
    "brings an executable and an agent for Node to a release, goes back by itself and when told to, and says of an agent inside muster start why not",
    async (scope) => {
      const directory = await scope.directory();
      const at = (name: string): string => join(directory, name);
      const env = {
        MUSTER_DATA: at("data"),
        MUSTER_HTTP_PORT: String(await freePort()),
        MUSTER_MQTT_PORT: String(await freePort()),
        MUSTER_DEVICE: "edge-1",
        MUSTER_ADMIN_PASSWORD: "correct horse",
      };
      const muster = (...words: string[]): Promise<Finished> =>
        runProgram(...musterProgram(words), { env, seconds: 120 });
      const done = async (...words: string[]): Promise<string> => {
        const { code, out, err } = await muster(...words);
        assert.is(code, 0, `${words.join(" ")}: ${out}${err}`);
        return out;
      };
      const own = await readFile(agent);
      // What is packed is a word for this machine's Node: a whole one runs in test/agent-executable.test.ts, and takes ten seconds to be packed and unpacked.
      const node = Buffer.from(`#!/bin/sh\nexec '${process.execPath}' "$@"\n`);
      const target = machineKindOf("linux-x64");
      const packed = (content: Buffer): Buffer =>
        executableFrom({ target, node, agent: content, version: "0", level: constants.Z_BEST_SPEED });
      const second = Buffer.concat([own, Buffer.from("//2\n")]);
      const executables = { first: packed(own), second: packed(second) };
      const keys = ["--key", at("release.key")];
      const shelve = async (forNode: Buffer, executable: Buffer | string, ...more: string[]): Promise<void> => {
        await writeFile(at("muster-agent.cjs"), forNode);
        await writeFile(at("muster-agent-x64"), executable);
        const files = [at("muster-agent.cjs"), `${at("muster-agent-x64")}=linux-x64`];
        await done("release", "sign", ...keys, ...more, ...files);
      };
      await done("release", "keygen", "--offline-key", at("root.key"), ...keys);
      await shelve(own, executables.first, "--offline-key", at("root.key"));
      await new Running(scope, ...musterProgram(["start"]), { env }).line(/Muster .* is up/);
      const url = `http://127.0.0.1:${env.MUSTER_HTTP_PORT}`;
      const client = createClient({ url, login: "admin:correct horse" });

      await writeFile(at("bought"), executables.first, { mode: 0o755 });
      const joins = async (name: string, command: string, ...words: string[]): Promise<void> => {
        const { code } = await client.createEnrollment({ name, origin: url });
        scope.cleanup(() => runProgram(command, [...words, "leave", "--yes", "--dir", at(name)]));
        const flags = ["join", code, "--no-service", "--dir", at(name)];
        const joined = await runProgram(command, [...words, ...flags], { env: { PATH: "/usr/bin:/bin" }, seconds: 90 });
        assert.is(joined.code, 0, joined.out + joined.err);
      };
      await joins("cam", at("bought"));
      await joins("pi", process.execPath, agent);
      const builds = async (): Promise<unknown[]> =>
        Promise.all(["cam", "pi"].map(async (id) => (await client.getDevice(id)).build));
      assert.equal(await builds(), [buildOf(executables.first), buildOf(own)]);

      await shelve(second, executables.second);
      assert.match(await done("update", "cam"), /"updated": ?true/);
      assert.equal(await builds(), [buildOf(executables.second), buildOf(own)]);
      const all = await muster("update", "--all", "--canary", "1", "--gate", "mem.used_percent < 101 for 1s");
      // Who was passed over from the start is told, and no failure.
      assert.is(all.code, 0, all.err);
      assert.match(
        all.out,
        /edge-1 +rejected +edge-1 does not offer "update" \(it is a part of Muster there, and is updated/,
      );
      for (const id of ["cam", "pi"]) assert.match(all.out, new RegExp(`${id} +succeeded`));
      assert.equal(await builds(), [buildOf(executables.second), buildOf(second)]);
      assert.match((await muster("update", "edge-1")).err, /is updated with the program itself/);

      await shelve(Buffer.from("null.x\n"), "#!/bin/sh\nexit 7\n");
      const bad = await muster("update", "cam");
      assert.is(bad.code, 1);
      assert.match(bad.out + bad.err, /ended with status 7 before it had proven itself; \S+ is back/);
      assert.equal(await builds(), [buildOf(executables.second), buildOf(second)]);
      await done("update", "cam", "--undo");
      await done("update", "pi", "--undo");
      assert.equal(await builds(), [buildOf(executables.first), buildOf(own)]);
      const unpacked = (await readdir(at("cam"))).filter((name) => name.startsWith(".muster-"));
      assert.is(unpacked.length, 1, "of one version alone there is what it has unpacked");
    },
    { seconds: 90 },
  );
});
