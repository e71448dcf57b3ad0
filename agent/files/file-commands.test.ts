import { createHash, randomBytes } from "node:crypto";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import type { CommandId } from "#shared/ids";
import { maxFileBytes } from "#shared/files/file-bounds";
import { encodeFile, type FileUp } from "#shared/messages/file-messages";
import { check, type Json } from "#shared/messages/payload-schema";
import { PieceSender } from "#shared/files/piece-sender";
import { silentLog } from "#shared/log";
import { fillDisk, smallDisk } from "../../test/small-disk.ts";
import { suite, type Scope } from "../../test/suite.ts";
import { agentStopping } from "../commands/execution.ts";
import type { CommandError, RunContext } from "../commands/handler.ts";
import { DailyBudget } from "../metrics/daily-budget.ts";
import { onTheWire } from "./affordable.ts";
import { fetchCommand, maxFilePathLength } from "./fetch-command.ts";
import { fileCommands } from "./file-commands.ts";
import { FilePlaces, maxFileDepth } from "./file-places.ts";
import { FileTransfers, maxTransfersAtOnce } from "./file-transfers.ts";
import { abandonedAfter } from "./incoming-file.ts";
import { putCommand, spareBytes } from "./put-command.ts";

const hashOf = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");

/** A device with directories, and a console that has every file of `contents`. */
async function device(
  scope: Scope,
  {
    spare = 0,
    budget,
    disk,
  }: { readonly spare?: number | undefined; readonly budget?: DailyBudget; readonly disk?: string } = {},
) {
  const root = disk ?? (await scope.directory());
  const [logs, app, own] = ["logs", "app", "own"].map((name) => join(root, name)) as [string, string, string];
  for (const path of [logs, app, own]) mkdirSync(path);
  const contents = new Map<string, Buffer>();
  const said: [CommandId, FileUp][] = [];
  const wanted = new Map<CommandId, string>();
  const transfers = new FileTransfers({ log: silentLog });
  let isSilent = false;
  const say = async (id: CommandId, message: FileUp): Promise<void> => {
    said.push([id, message]);
    const content = contents.get(wanted.get(id) ?? "");
    if (isSilent || !("want" in message) || !content) return;
    const send = async (piece: Parameters<typeof encodeFile>[0]): Promise<void> =>
      transfers.receive(id, { payload: encodeFile(piece, "cbor") });
    const read = async (at: number, length: number): Promise<Buffer> => content.subarray(at, at + length);
    setImmediate(() => void new PieceSender({ size: content.length, read, send }).answer(message));
  };
  const places = new FilePlaces({ from: [`${logs}/`], into: [app], own: [own, join(app, "bin")] });
  const clock = new ManualClock();
  const parts = { places, transfers, say, clock, budget };
  const handlers = { fetch: fetchCommand(parts), put: putCommand({ ...parts, spare }) };
  let count = 0;
  /** Runs a command as the agent does. */
  const run = (key: keyof typeof handlers, args: Record<string, Json>, stop = new AbortController()): Promise<Json> => {
    const id = `c${(count += 1)}` as CommandId;
    const handler = handlers[key];
    const { sha256 } = args;
    if (typeof sha256 === "string") wanted.set(id, sha256);
    const context: RunContext = {
      command: { id, key },
      signal: stop.signal,
      progress: () => {},
      output: () => {},
      afterwards: () => {},
    };
    return Promise.resolve()
      .then(() => handler.run(check(handler.args ?? ({} as never), args, "args"), context))
      .then((result) => result ?? null);
  };
  const give = (content: Buffer | string): { sha256: string; size: number } => {
    const bytes = Buffer.from(content);
    contents.set(hashOf(bytes), bytes);
    return { sha256: hashOf(bytes), size: bytes.length };
  };
  return { clock, root, logs, app, own, said, run, give, transfers, silence: (is: boolean) => (isSilent = is) };
}

/** The code with which it failed. */
async function code(work: Promise<unknown>): Promise<string> {
  try {
    return `no error: ${JSON.stringify(await work)}`;
  } catch (thrown) {
    return (thrown as CommandError).code ?? String(thrown);
  }
}

suite("which files are within reach from afar", ({ test }) => {
  test("none unless this machine names a directory", () => {
    const options = {
      transfers: new FileTransfers({ log: silentLog }),
      budget: undefined,
      topic: () => "",
      log: silentLog,
    };
    const bus = { publish: async () => {} };
    const offered = (fetchFrom: string[], putInto: string[]): string[] =>
      Object.keys(fileCommands({ ...options, bus, clock: new ManualClock(), access: { fetchFrom, putInto, own: [] } }));
    assert.equal(offered([], []), []);
    assert.equal(offered(["/var/log"], []), ["fetch"]);
    assert.equal(offered([], ["/srv"]), ["put"]);
  });

  test("regular files below an allowed directory, over no link, and nothing of the agent's own", async (scope) => {
    const { root, logs, app, own, run } = await device(scope);
    writeFileSync(join(own, "secret"), "secret");
    writeFileSync(join(root, "beside"), "secret");
    mkdirSync(join(logs, "deep"));
    writeFileSync(join(logs, "deep", "a"), "hello");
    symlinkSync(join(root, "beside"), join(logs, "link"));
    symlinkSync(own, join(logs, "linked"));
    symlinkSync(logs, join(root, "logs2"));
    execFileSync("mkfifo", [join(logs, "pipe")]);
    const dry = (path: string): Promise<Json> => run("fetch", { path, dryRun: true });
    assert.is(((await dry(join(logs, "deep", "a"))) as { size: number }).size, 5);
    const refused: [path: string, code: string][] = [
      [join(root, "beside"), "not-allowed"],
      [`${logs}/../beside`, "not-allowed"],
      [`${logs}/./deep/a`, "not-allowed"],
      [`${logs}//deep/a`, "not-allowed"],
      [`${logs}/deep/a\0`, "not-allowed"],
      [`${root}/logs2/deep/a`, "not-allowed"],
      [`${logs}2/deep/a`, "not-allowed"],
      [join(app, "a"), "not-allowed"],
      [join(logs, "link"), "not-a-file"],
      [join(logs, "linked", "secret"), "not-allowed"],
      [join(logs, "pipe"), "not-a-file"],
      [join(logs, "deep"), "not-a-file"],
      [join(logs, "nothing"), "not-there"],
      [join(logs, "no", "a"), "not-there"],
      [join(logs, "deep", "a", "b"), "not-allowed"],
    ];
    for (const [path, expected] of refused) assert.is(await code(dry(path)), expected, path);
    const levels = (count: number): string => `${logs}/${"d/".repeat(count - 1)}a`;
    assert.is(await code(dry(levels(maxFileDepth))), "not-there");
    assert.is(await code(dry(levels(maxFileDepth + 1))), "not-allowed");
    assert.match(await code(dry(`/${"a".repeat(maxFilePathLength)}`)), /args is not valid: path/);
    assert.is(await code(dry(`/${"a".repeat(maxFilePathLength - 1)}`)), "not-allowed");
  });

  test("by no other name either: another mount, of a directory of its own or of one below it, and a hard link", async (scope) => {
    const { logs, app, own, run } = await device(scope);
    mkdirSync(join(own, "deep"));
    writeFileSync(join(own, "deep", "ledger"), "secret");
    linkSync(join(own, "deep", "ledger"), join(logs, "linked"));
    assert.is(await code(run("fetch", { path: join(logs, "linked") })), "not-allowed");
    writeFileSync(join(logs, "one"), "two names");
    linkSync(join(logs, "one"), join(logs, "two"));
    await run("fetch", { path: join(logs, "two"), dryRun: true });
    const mounts = ["whole", "below"].map((name) => join(app, name));
    for (const path of mounts) mkdirSync(path);
    writeFileSync(join(app, "file"), "");
    const script = `
      const { FilePlaces } = await import("${new URL("file-places.ts", import.meta.url).href}");
      const places = new FilePlaces({ from: ["${app}"], into: ["${app}"], own: ["${own}"] });
      for (const name of ["whole/deep/ledger", "below/ledger", "file", "whole/new", "below/new"]) {
        const ways = [async () => places.openFile("${app}/" + name), () => places.inPlace("${app}/" + name, async () => {})];
        for (const way of ways) console.log(name, await way().then(() => "reached", ({ code }) => code));
      }`;
    const bind = (from: string, to: string): string => `mount --bind '${join(own, from)}' '${join(app, to)}'`;
    const line = `${bind(".", "whole")} && ${bind("deep", "below")} && ${bind("deep/ledger", "file")} || exit 9; exec "$@"`;
    const node = [process.execPath, "--import", "tsx", "--input-type=module", "-e", script];
    const apart = "unshare";
    const { status, stdout, stderr } = spawnSync(apart, ["-rm", "sh", "-c", line, "sh", ...node], {
      encoding: "utf8",
    });
    // Where this machine lets nobody mount.
    if (status === 9 || stderr.startsWith("unshare:")) return;
    const names = ["whole/deep/ledger", "below/ledger", "file", "whole/new", "below/new"];
    const expected = names.flatMap((name) => [`${name} not-allowed`, `${name} not-allowed`]);
    assert.equal(stdout.trim().split("\n"), expected, stderr);
  });

  test("a directory that is exchanged for a link meanwhile leads nowhere else", async (scope) => {
    const { root, app, own, run, give, said } = await device(scope);
    mkdirSync(join(app, "d"));
    const content = give(randomBytes(40_000));
    const putting = run("put", { path: join(app, "d", "a"), ...content });
    while (said.length === 0) await new Promise(setImmediate);
    renameSync(join(app, "d"), join(root, "moved"));
    symlinkSync(own, join(app, "d"));
    await putting;
    assert.equal(readdirSync(own), []);
    assert.equal(readdirSync(join(root, "moved")), ["a"], "where it was begun");
  });

  test("what the agent runs is out of reach, and nothing that may be executed is replaced or made", async (scope) => {
    const { app, run, give } = await device(scope);
    mkdirSync(join(app, "bin"));
    const put = (name: string, overwrite = true): Promise<Json> =>
      run("put", { path: join(app, name), ...give("#!/bin/sh\n"), overwrite });
    assert.is(await code(put("bin/tool")), "not-allowed");
    writeFileSync(join(app, "tool"), "echo");
    chmodSync(join(app, "tool"), 0o654);
    assert.is(await code(put("tool")), "executable");
    chmodSync(join(app, "tool"), 0o640);
    await put("tool");
    assert.is(statSync(join(app, "tool")).mode & 0o7777, 0o640, "who may read it stays");
    await put("new");
    assert.is(statSync(join(app, "new")).mode & 0o7777, 0o644 & ~process.umask());
    assert.equal(readdirSync(app).sort(), ["bin", "new", "tool"]);
  });
});

suite("files that are fetched and put on a device", ({ test }) => {
  test("a file that is there is replaced on demand alone; the very contents are no change", async (scope) => {
    const { app, run, give, said } = await device(scope);
    const path = join(app, "a");
    writeFileSync(path, "old");
    const content = give("new");
    assert.is(await code(run("put", { path, ...content })), "exists");
    assert.equal(await run("put", { path, ...content, overwrite: true, dryRun: true }), {
      path,
      ...content,
      replaces: true,
    });
    assert.is(readFileSync(path, "utf8"), "old");
    await run("put", { path, ...content, overwrite: true });
    assert.is(readFileSync(path, "utf8"), "new");
    const before = said.length;
    assert.equal(await run("put", { path, ...content }), { path, ...content, unchanged: true });
    assert.is(said.length, before, "nothing is asked for");
    symlinkSync("/etc/passwd", join(app, "link"));
    assert.is(await code(run("put", { path: join(app, "link"), ...content, overwrite: true })), "not-a-file");
  });

  test("a stop of the agent leaves the half for the next run, a withdrawal does not; what is foreign or old goes", async (scope) => {
    const { app, run, give, said, silence } = await device(scope);
    const path = join(app, "a");
    const content = randomBytes(200_000);
    const given = give(content);
    const half = (): string[] => readdirSync(app).filter((name) => name.startsWith(".muster-put-"));
    /** Cut off once some of it is there. */
    const cut = async (reason: Error): Promise<void> => {
      const stop = new AbortController();
      const putting = run("put", { path, ...given }, stop);
      while (!said.some(([, message]) => "want" in message && message.at > 0)) await new Promise(setImmediate);
      silence(true);
      stop.abort(reason);
      await assertRejects(putting);
      silence(false);
      said.length = 0;
    };
    await cut(agentStopping());
    const [name = ""] = half();
    const size = statSync(join(app, name)).size;
    assert.ok(size > 0 && !existsSync(path));
    assert.is(statSync(join(app, name)).mode & 0o777, 0o600);
    await run("put", { path, ...given });
    assert.is(said.map(([, message]) => ("want" in message ? message.at : -1))[0], size, "it goes on");
    assert.equal(readFileSync(path), content);

    execFileSync("rm", [path]);
    await cut(new Error("withdrawn"));
    assert.equal(half(), []);
    // Somebody else's under its name: its user could change it after it was looked at.
    const foreign = join(app, "foreign");
    writeFileSync(foreign, content.subarray(0, 1_000));
    chmodSync(foreign, 0o600);
    linkSync(foreign, join(app, name));
    writeFileSync(join(app, ".muster-put-old"), "");
    writeFileSync(join(app, ".muster-put-new"), "");
    const now = Date.now();
    utimesSync(join(app, ".muster-put-old"), 0, (now - abandonedAfter - 60_000) / 1_000);
    utimesSync(join(app, ".muster-put-new"), 0, (now - abandonedAfter + 60_000) / 1_000);
    said.length = 0;
    await run("put", { path, ...given });
    assert.is(said.map(([, message]) => ("want" in message ? message.at : -1))[0], 0, "begun anew");
    assert.equal(readFileSync(foreign), content.subarray(0, 1_000));
    assert.equal(half(), [".muster-put-new"]);
  });

  test("contents that are not what was signed for never get there", async (scope) => {
    const { app, run, give } = await device(scope);
    const { size } = give("right");
    const wrong = give("wrong");
    // The console has them under the hash of others.
    const lying = {
      path: join(app, "a"),
      size,
      sha256: wrong.sha256.replace(/^./, (digit) => (digit === "0" ? "1" : "0")),
    };
    const stop = new AbortController();
    const putting = run("put", lying, stop);
    stop.abort(new Error("withdrawn"));
    await assertRejects(putting);
    assert.equal(readdirSync(app), []);
    assert.match(await code(run("put", { ...lying, size: maxFileBytes + 1 })), /size/);
  });

  test("the same put once more while it runs waits, and finds it done", async (scope) => {
    const { app, run, give, said } = await device(scope);
    const content = randomBytes(200_000);
    const path = join(app, "a");
    const args = { path, ...give(content) };
    const first = run("put", args);
    while (said.length === 0) await new Promise(setImmediate);
    const stop = new AbortController();
    const withdrawn = run("put", args, stop);
    const second = run("put", args);
    stop.abort(new Error("withdrawn"));
    await assertRejects(withdrawn);
    assert.equal(await first, args);
    assert.equal(await second, { ...args, unchanged: true });
    assert.equal(readFileSync(path), content);
    assert.equal(readdirSync(app), ["a"]);
  });

  test("names that files on their way have, and too long ones, are refused in words", async (scope) => {
    const { app, run, give } = await device(scope);
    for (const name of [".muster-put-x", "x".repeat(256)])
      assert.is(await code(run("put", { path: join(app, name), ...give("a") })), "not-allowed", name);
  });

  test("a disk without room is told before anything comes", async (scope) => {
    const { statfsSync } = await import("node:fs");
    const { app, run, give, said } = await device(scope, { spare: undefined });
    const { bavail, bsize } = statfsSync(app);
    const { sha256 } = give("a");
    assert.ok(spareBytes > 0);
    if (bavail * bsize < maxFileBytes + spareBytes)
      assert.is(await code(run("put", { path: join(app, "a"), size: maxFileBytes, sha256 })), "no-space");
    const full = await device(scope, { spare: Number.MAX_SAFE_INTEGER / 2 });
    for (const dryRun of [true, false])
      assert.is(await code(full.run("put", { path: join(full.app, "a"), ...full.give("a"), dryRun })), "no-space");
    assert.equal([readdirSync(full.app), full.said, said], [[], [], []]);
  });

  test("a disk that fills up while a file comes leaves what was there, and room again", async (scope) => {
    const disk = await smallDisk(scope, 512);
    const { app, run, give, said } = await device(scope, { disk });
    const path = join(app, "a");
    writeFileSync(path, "old");
    const content = give(randomBytes(300_000));
    const putting = run("put", { path, ...content, overwrite: true });
    while (!said.some(([, message]) => "want" in message && message.at > 0)) await new Promise(setImmediate);
    const filler = fillDisk(disk);
    assert.is(await code(putting), "no-space");
    assert.equal(
      [readFileSync(path, "utf8"), readdirSync(app)],
      ["old", ["a"]],
      "nothing was changed, nothing is left",
    );
    rmSync(filler);
    await run("put", { path, ...content, overwrite: true });
    assert.is(readFileSync(path).length, content.size);
  });

  test("a file for which the day's bytes do not suffice does not begin, and one ends as soon as that can be seen; what was put stays", async (scope) => {
    const clock = new ManualClock(Date.UTC(2026, 4, 7, 12));
    const budget = new DailyBudget({ max: 1_000_000, clock, log: silentLog, changed: () => {} });
    const { app, logs, run, give, said, transfers } = await device(scope, { budget });
    const content = randomBytes(400_000);
    const path = join(app, "a");
    const given = give(content);
    const spare = (bytes: number): void => budget.spend(budget.left - bytes);
    spare(onTheWire(content.length) - 1);
    for (const dryRun of [true, false]) assert.is(await code(run("put", { path, ...given, dryRun })), "budget");
    writeFileSync(join(logs, "a"), content);
    assert.is(await code(run("fetch", { path: join(logs, "a"), dryRun: true })), "budget");
    assert.equal(said, []);
    const fetching = code(run("fetch", { path: join(logs, "a") }));
    while (said.length === 0) await new Promise(setImmediate);
    const [id] = said[0] ?? [];
    // What the console has of before need not go again.
    if (id) transfers.receive(id, { payload: encodeFile({ at: 399_000, want: 1_000 }, "json") });
    while (!said.some(([, message]) => "data" in message)) await new Promise(setImmediate);
    if (id) transfers.receive(id, { payload: encodeFile({ at: 0, want: 1_000 }, "json") });
    assert.is(await fetching, "budget");
    assert.is(said.filter(([, message]) => "data" in message).length, 1);

    clock.advance(86_400_000);
    said.length = 0;
    const putting = code(run("put", { path, ...given }));
    while (!said.some(([, message]) => "want" in message && message.at > 0)) await new Promise(setImmediate);
    spare(1_000);
    assert.is(await putting, "budget");
    clock.advance(86_400_000);
    said.length = 0;
    await run("put", { path, ...given });
    assert.ok(
      said.every(([, message]) => "want" in message && message.at > 0),
      "it goes on",
    );
    assert.equal(readFileSync(path), content);
  });

  test("a device says that it has a file until it is asked, and again when nobody has asked for a minute", async (scope) => {
    const { clock, logs, run, said, transfers } = await device(scope);
    writeFileSync(join(logs, "a"), "hello");
    const stop = new AbortController();
    const fetching = run("fetch", { path: join(logs, "a") }, stop);
    const hellos = (): number => said.filter(([, message]) => "size" in message).length;
    while (hellos() === 0) await new Promise(setImmediate);
    clock.advance(5_000 + 10_000 + 20_000);
    assert.is(hellos(), 4);
    const [id] = said[0] ?? [];
    if (id) transfers.receive(id, { payload: encodeFile({ at: 0, want: 1 }, "json") });
    clock.advance(59_000);
    assert.is(hellos(), 4);
    clock.advance(1_000);
    assert.is(hellos(), 5);
    stop.abort(new Error("withdrawn"));
    await assertRejects(fetching);
    clock.advance(3_600_000);
    assert.is(hellos(), 5);
  });

  test("so many are on their way at a time, the others in their turn", async (scope) => {
    const { logs, run, said, transfers } = await device(scope);
    const stops = Array.from({ length: maxTransfersAtOnce + 2 }, () => new AbortController());
    const fetching = stops.map((stop, at) => {
      writeFileSync(join(logs, `f${at}`), "hello");
      return run("fetch", { path: join(logs, `f${at}`) }, stop).catch((thrown: unknown) => String(thrown));
    });
    const spoken = (): number => new Set(said.map(([id]) => id)).size;
    while (spoken() < maxTransfersAtOnce) await new Promise(setImmediate);
    assert.is(spoken(), maxTransfersAtOnce);
    stops.at(-1)?.abort(new Error("withdrawn while it waited"));
    assert.match(JSON.stringify(await fetching.at(-1)), /while it waited/);
    const [id] = said[0] ?? [];
    const told = { at: 5, want: 0, sha256: hashOf("hello") };
    if (id) transfers.receive(id, { payload: encodeFile(told, "json") });
    const { size, sha256 } = (await fetching[0]) as { size: number; sha256: string };
    assert.equal([size, sha256], [5, hashOf("hello")]);
    while (spoken() <= maxTransfersAtOnce) await new Promise(setImmediate);
    for (const stop of stops) stop.abort(new Error("withdrawn"));
    await Promise.all(fetching);
  });
});

async function assertRejects(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch {
    return;
  }
  assert.unreachable("it should have failed");
}
