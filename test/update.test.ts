import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import * as assert from "uvu/assert";
import { createClient, type Client, type CommandDocument } from "#api/client";
import { nextOfflineKey, offlineKey, testRoot } from "#shared/release/fixture";
import type { SignedRoot } from "#shared/release/release-manifest";
import { version } from "#shared/version";
import { fetchFile } from "../cli/files/fetch-file.ts";
import { serveApi } from "./api-server.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { writeRelease } from "./release.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";
const agent = "dist/muster-agent.cjs";
const name = "muster-agent.cjs";

interface Place {
  readonly fleet: Fleet;
  readonly client: Client;
  readonly directory: string;
  /** Puts another file on the console's shelf, signed as number `version`. */
  readonly shelve: (
    content: Buffer | string,
    number: number,
    release?: string,
    roots?: readonly SignedRoot[],
  ) => Promise<void>;
  readonly update: (args?: Record<string, string | boolean>, key?: string) => Promise<CommandDocument>;
  readonly build: () => Promise<string | null | undefined>;
}

/** A device that has joined by the line, with the agent as it is built, and a console with a release. */
async function start(scope: Scope, installed = agent): Promise<Place> {
  const fleet = await startFleet(scope, "embedded");
  fleet.state.accounts.set("admin", "admin", password);
  const release = await scope.directory();
  const shelve: Place["shelve"] = async (content, number, named = version, roots) =>
    void (await writeRelease(scope, [{ name, content }], {
      directory: release,
      version: number,
      release: named,
      ...(roots ? { roots } : {}),
    }));
  await shelve(await readFile(agent), 1);
  const { url } = await serveApi(scope, fleet, { join: { agent: installed, broker: () => fleet.url, release } });
  const client = createClient({ url, login: `admin:${password}` });
  const directory = join(await scope.directory(), "agent");
  scope.cleanup(() => runProgram(process.execPath, [installed, "leave", "--yes", "--dir", directory]));
  const { code } = await client.createEnrollment({ name: "cam", origin: url });
  const joined = await runProgram(process.execPath, [installed, "join", code, "--no-service", "--dir", directory], {
    seconds: 90,
  });
  assert.is(joined.code, 0, joined.err);
  const update: Place["update"] = async (args = {}, key = "update") =>
    client.sendCommand("cam", { key, args, timeout: "2m" });
  return { fleet, client, directory, shelve, update, build: async () => (await client.getDevice("cam")).build };
}

suite("a device that updates itself", ({ test }) => {
  test(
    "takes what is signed, proves itself, goes back where a version does not, and when it is told to",
    async (scope) => {
      const { client, directory, shelve, update, build } = await start(scope);
      const first = await build();
      assert.match(first ?? "", /^[0-9a-f]{16}$/);
      const same = await update();
      assert.equal([same.state, same.result], ["succeeded", { release: version, build: first, updated: false }]);

      const own = await readFile(agent);
      await shelve(Buffer.concat([own, Buffer.from("//2\n")]), 2);
      const dry = await update({ dryRun: true });
      assert.is(dry.state, "succeeded", JSON.stringify(dry));
      assert.is(await build(), first);
      const { session } = await client.getDevice("cam");
      const done = await update();
      assert.is(done.state, "succeeded", JSON.stringify(done));
      const second = await build();
      assert.is.not(second, first);
      assert.is.not((await client.getDevice("cam")).session, session);
      assert.equal(await readdir(join(directory, "versions")), [`${second}.cjs`]);

      // One that crashes as it is loaded: the second is back, and says so.
      await shelve("null.x\n", 3);
      const crashed = await update();
      assert.equal([crashed.state, crashed.error?.code], ["failed", "not-proven"], JSON.stringify(crashed));
      assert.match(
        crashed.error?.message ?? "",
        /ended with status 1 before it had proven itself: TypeError: Cannot read .* is back/,
      );
      const { said = [] } = (crashed.error?.data ?? {}) as { said?: string[] };
      assert.ok(
        said.some((line) => /^ +at .*versions/.test(line)),
        said.join("\n"),
      );
      const told = (await readFile(join(directory, "agent.log"), "utf8")).split("\n");
      assert.match(told.find((line) => line.includes("has not proven itself")) ?? "", /TypeError: .* at .*versions/);
      assert.is(await build(), second);
      const looked = await runProgram(process.execPath, [agent, "doctor", "--dir", directory]);
      assert.is(looked.code, 0, looked.out + looked.err);
      for (const finding of [
        /^ +sound +ledger +\d+ commands/m,
        /^ +sound +broker .* can be reached$/m,
        /^ +sound +console .* its clock agrees/m,
        /^ +note +update .* was tried and has not proven itself: it ended .*TypeError/m,
        /^nothing is damaged$/m,
      ])
        assert.match(looked.out, finding);

      await shelve(own, 2);
      const older = await update();
      assert.equal([older.state, older.error?.code], ["failed", "no-release"]);
      assert.match(older.error?.message ?? "", /targets is number 2, and 3 was seen before/);
      await shelve(own, 4, "0.0.1");
      assert.is((await update()).error?.code, "downgrade");

      const another = await update({ of: "another" }, "update-undo");
      assert.equal([another.state, another.result], ["succeeded", { release: version, build: second, undone: false }]);
      const undone = await update({ of: crashed.id }, "update-undo");
      assert.is(undone.state, "succeeded", JSON.stringify(undone));
      assert.is(await build(), first);
      assert.is((await update({}, "update-undo")).error?.code, "not-updated");

      // Of what was looked at and left, the number was seen as well.
      await shelve(own, 6);
      assert.equal((await update()).result, { release: version, build: first, updated: false });
      await shelve(Buffer.concat([own, Buffer.from("//3\n")]), 5);
      assert.match((await update()).error?.message ?? "", /targets is number 5, and 6 was seen before/);
      await shelve(own, 7, "0.0.1");
      assert.is((await update({ downgrade: true, dryRun: true })).state, "succeeded");
      await shelve(own, 8, "0.0.1");
      await update();
      await shelve(own, 7);
      assert.match((await update()).error?.message ?? "", /targets is number 7, and 8 was seen before/);

      // Another offline key: the agent follows, and keeps to it.
      const expires = Date.now() + 3_600_000;
      const roots = [
        testRoot(1, [offlineKey], { expires }),
        testRoot(2, [offlineKey, nextOfflineKey], { expires, roots: [nextOfflineKey.public.line] }),
        testRoot(3, [nextOfflineKey], { expires }),
      ];
      await shelve(own, 9, version, roots);
      assert.is((await update()).state, "succeeded");
      await shelve(own, 10, version, [...roots, testRoot(4, [offlineKey], { expires })]);
      assert.match((await update()).error?.message ?? "", /root is not signed by a key that counts here/);
      await shelve(own, 10, version, [...roots, testRoot(4, [nextOfflineKey], { expires })]);
      assert.is((await update()).state, "succeeded");
    },
    { seconds: 60 },
  );

  test(
    "the agent of the version before brings this one, which goes on where it was, and goes back to where this one was",
    async (scope) => {
      const installed = join(await scope.directory(), name);
      await writeFile(installed, brotliDecompressSync(await readFile("test/before/muster-agent.cjs.br")));
      const { fleet, client, shelve, update, build } = await start(scope, installed);
      const before = await build();
      assert.match(before ?? "", /^[0-9a-f]{16}$/);
      const ping = async (): Promise<string> => (await client.sendCommand("cam", { key: "ping", timeout: "1m" })).state;
      const has = async (interval: number, ms: string): Promise<void> => {
        assert.is(await ping(), "succeeded", ms);
        assert.is((await client.getDevice("cam")).interval, interval, ms);
      };
      await client.sendCommand("cam", { key: "set-interval", args: { seconds: 1.5 }, timeout: "1m" });
      await has(1_500, "the version before");
      const { id } = await client.createJob({ key: "ping", target: { devices: ["cam"] }, rate: 50 });
      await eventually("the job's end", async () => (await client.getJob(id)).state === "done");
      assert.is((await client.getJob(id)).counts.succeeded, 1);
      // It knows nothing of files: whoever asks for one is told so, and nothing is sent to it.
      const what = { device: "cam", path: "/var/log/a", file: join(await scope.directory(), "a") };
      const refused = await fetchFile(client, what, { ttl: "1m" }, { out() {}, err() {}, live: false }).catch(String);
      assert.match(String(refused), /cam offers no fetch: .*its agent .* is from before/);

      await shelve(await readFile(agent), 2);
      const updated = await update();
      assert.is(updated.state, "succeeded", JSON.stringify(updated));
      assert.is.not(await build(), before);
      await has(1_500, "this one, by the settings of before");
      const commands = (await client.getDevice("cam")).commands;
      assert.is(commands["update"]?.undo, "update-undo");
      await client.sendCommand("cam", { key: "set-interval", args: { seconds: 2.5 }, timeout: "1m" });

      const undone = await update({}, "update-undo");
      assert.equal([undone.state, await build()], ["succeeded", before], JSON.stringify(undone));
      await has(2_500, "the version before, by the settings of this one");
      const again = await update();
      assert.is(again.state, "succeeded", JSON.stringify(again));
      await has(2_500, "this one again");
      assert.is(lostBatches(fleet), 0, "what one has left in the outbox, the next has sent");
    },
    { seconds: 60 },
  );
});

/** Batches that an outbox had numbered and has told as lost. */
function lostBatches({ state }: Fleet): number {
  const { lost } = state.database.prepare("SELECT SUM(batches) AS lost FROM outbox_gaps").get() as {
    lost: number | null;
  };
  return lost ?? 0;
}
