import { maxFileBytes } from "#shared/files/file-bounds";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, statSync, statfsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId, parseDeviceId, type CommandId, type DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import {
  encodeFile,
  maxPieceBytes,
  maxWindowBytes,
  readFileDown,
  sha256Of,
  type FileDown,
  type FileUp,
} from "#shared/messages/file-messages";
import { PieceSender } from "#shared/files/piece-sender";
import { Signal } from "#shared/signal";
import { Topics } from "#shared/topics";
import { fillDisk, smallDisk } from "../../test/small-disk.ts";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import type { Command } from "../desk/command.ts";
import { fetchIdle, fetchTurn } from "./fetching.ts";
import { FileTrouble } from "./file-trouble.ts";
import { maxFileRate, Pace } from "./pace.ts";
import { maxKeptFileBytes, ShelfRoom, spareForSamples } from "./shelf-room.ts";
import {
  fileKeptFor,
  maxFetchesAtOnce,
  maxPlacesOfDevice,
  maxPutsAtOnce,
  Transfers,
  type TransfersOptions,
} from "./transfers.ts";

const rpi = parseDeviceId("rpi-7");
const deviceOf = (at: number): DeviceId => parseDeviceId(`rpi-${100 + at}`);
const hashOf = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

/** Transfers on a disk of their own, with commands that the test says. */
async function place(scope: Scope, more: Partial<TransfersOptions> = {}, commands = new Map<string, Command>()) {
  const directory = more.directory ?? (await scope.directory());
  const clock = new ManualClock(Date.now());
  const ended = new Signal<Command>();
  const told: [CommandId, FileDown][] = [];
  const topics = new Topics();
  const transfers = new Transfers({
    directory,
    desk: {
      find: (device, id) => commands.get(`${device}/${id}`),
      walk: ({ state }) => [...commands.values()].filter((one) => one.state === state),
      ended,
    },
    bus: {
      publish: async (topic, payload) => {
        const address = topics.parse(topic);
        if (address?.kind === "file-down") told.push([address.id, readFileDown(payload)]);
      },
    },
    topics,
    clock,
    log: silentLog,
    spare: 0,
    // The clock stands still unless a test moves it.
    rate: Infinity,
    ...more,
  });
  transfers.start();
  scope.cleanup(() => transfers.stop());
  const command = (name: string, key: string, args: object, device = rpi): CommandId => {
    const id = parseCommandId(name);
    commands.set(`${device}/${id}`, { id, device, key, args, state: "running" } as unknown as Command);
    return id;
  };
  const end = (id: CommandId, changes: object): void => {
    const now = { ...commands.get(`${rpi}/${id}`), ended: clock.now(), ...changes } as unknown as Command;
    commands.set(`${rpi}/${id}`, now);
    ended.emit(now);
  };
  const say = (id: CommandId, message: FileUp, device: DeviceId = rpi): void =>
    transfers.heard(device, id, { payload: encodeFile(message, "json") });
  const of = (id: CommandId): FileDown[] => told.filter(([one]) => one === id).map(([, message]) => message);
  /** What a device does: gives what it is asked for. @returns the last ask */
  const give = async (id: CommandId, content: Buffer, file = "f1"): Promise<FileDown | undefined> => {
    const from = of(id).length;
    say(id, { size: content.length, file });
    const read = async (at: number, length: number): Promise<Buffer> => content.subarray(at, at + length);
    const sender = new PieceSender({ size: content.length, read, send: async (piece) => say(id, piece) });
    let seen = from;
    return eventually("the last ask", async () => {
      for (const message of of(id).slice(seen)) {
        seen += 1;
        if ("stop" in message || ("want" in message && message.sha256 !== undefined)) return message;
        if ("want" in message) await sender.answer(message);
      }
      return undefined;
    });
  };
  return { commands, clock, transfers, command, end, say, of, give };
}

const stopIn = (message: FileDown | undefined): string | undefined =>
  message && "stop" in message ? message.stop.code : undefined;

suite("files at the console", ({ test }) => {
  test("one that was fetched is there when its command has succeeded, for a day; what failed leaves nothing", async (scope) => {
    const { transfers, command, end, give, clock } = await place(scope);
    const content = randomBytes(3 * maxPieceBytes + 1);
    const id = command("a", "fetch", { path: "/var/log/a" });
    const last = await give(id, content);
    const sha256 = hashOf(content);
    assert.equal(last, { at: content.length, want: 0, sha256 });
    assert.is(transfers.find({ device: rpi, id }), undefined, "not before its device has said so");
    end(id, { state: "succeeded", result: { size: content.length, sha256 } });
    const file = transfers.find({ device: rpi, id });
    assert.equal(readFileSync(file?.path ?? ""), content);

    const other = command("b", "fetch", { path: "/var/log/b" });
    await give(other, content);
    end(other, { state: "failed", error: { code: "changed", message: "" } });
    clock.advance(fileKeptFor - 3_600_000);
    assert.ok(transfers.find({ device: rpi, id }));
    clock.advance(2 * 3_600_000);
    assert.is(transfers.find({ device: rpi, id }), undefined);
  });

  test("a console that comes back goes on with what is there, and begins anew where the device's file is another", async (scope) => {
    const directory = await scope.directory();
    const first = await place(scope, { directory });
    const content = randomBytes(5 * maxPieceBytes);
    const id = first.command("a", "fetch", { path: "/a" });
    first.say(id, { size: content.length, file: "f1" });
    await eventually("an ask", () => first.of(id).length > 0);
    const data = content.subarray(0, maxPieceBytes);
    first.say(id, { at: 0, data, sha256: sha256Of(data) });
    await eventually("the next ask", () => first.of(id).some((message) => "want" in message && message.at > 0));
    await first.transfers.stop();

    const second = await place(scope, { directory }, first.commands);
    // It has grown meanwhile.
    const longer = Buffer.concat([content, Buffer.from("more")]);
    assert.equal(await second.give(id, longer), { at: longer.length, want: 0, sha256: hashOf(longer) });
    assert.equal((second.of(id)[0] as { at: number }).at, maxPieceBytes);
    const other = randomBytes(10);
    assert.equal(await second.give(id, other, "f2"), { at: 10, want: 0, sha256: hashOf(other) });
  });

  test("what no open command has asked for, and what is too large, is told so", async (scope) => {
    const { command, say, of, end } = await place(scope);
    const ping = command("p", "ping", {});
    const closed = command("c", "fetch", { path: "/a" });
    end(closed, { state: "cancelled" });
    const unknown = parseCommandId("u");
    for (const id of [ping, closed, unknown]) {
      say(id, { size: 1, file: "f" });
      say(id, { at: 0, want: 1 });
      assert.equal(of(id).map(stopIn), ["no-transfer", "no-transfer"]);
      say(id, { at: 0, data: Buffer.from("x"), sha256: sha256Of(Buffer.from("x")) });
    }
    const large = command("l", "fetch", { path: "/a" });
    say(large, { size: maxFileBytes + 1, file: "f" });
    assert.is(stopIn(of(large)[0]), "too-large");
  });

  test("so many come at a time; one whose device says nothing more makes room, and goes on when that is back", async (scope) => {
    const { command, say, of, clock } = await place(scope);
    const ids = Array.from({ length: maxFetchesAtOnce + 1 }, (_, at) =>
      command(`f${at}`, "fetch", { path: "/a" }, deviceOf(at)),
    );
    for (const [at, id] of ids.entries()) say(id, { size: 100, file: "f" }, deviceOf(at));
    const asked = (): number => ids.filter((id) => of(id).length > 0).length;
    await eventually("the first", () => asked() === maxFetchesAtOnce);
    await new Promise(setImmediate);
    assert.is(asked(), maxFetchesAtOnce);
    clock.advance(fetchIdle + 1);
    await eventually("the last", () => asked() === maxFetchesAtOnce + 1);
    const [first = ids[0]] = ids;
    const before = first && of(first).length;
    if (first) say(first, { size: 100, file: "f" }, deviceOf(0));
    await eventually("the first again", () => first && of(first).length > (before ?? 0));
  });

  test("one that was given goes to the devices that ask for it, and as long as a command waits for it", async (scope) => {
    const directory = await scope.directory();
    const { transfers, command, say, of, end, clock } = await place(scope, { directory });
    const content = randomBytes(2 * maxPieceBytes);
    const [sha256, size] = [hashOf(content), content.length];
    const half = { sha256, size, data: content.subarray(0, maxPieceBytes) };
    assert.is(await transfers.uploads.add({ ...half, at: 0 }), maxPieceBytes);
    assert.is(await transfers.uploads.add({ ...half, at: 0 }), maxPieceBytes, "what is there already changes nothing");
    const id = command("p", "put", { sha256, size });
    say(id, { at: 0, want: size });
    assert.is(stopIn(of(id)[0]), "no-upload");
    await writeFile(join(directory, "secret"), "12345");
    const leading = command("t", "put", { sha256: "../../secret", size: 5 });
    say(leading, { at: 0, want: 5 });
    assert.is(stopIn(of(leading)[0]), "no-upload");
    assert.is(await transfers.uploads.add({ ...half, at: maxPieceBytes, data: content.subarray(maxPieceBytes) }), size);
    say(id, { at: 0, want: size });
    await eventually("its pieces", () => of(id).length === 3);
    const pieces = of(id).slice(1) as { data: Buffer }[];
    assert.equal(Buffer.concat(pieces.map(({ data }) => data)), content);
    clock.advance(2 * fileKeptFor);
    assert.is(transfers.uploads.have(sha256, size), size, "an open command waits for it");
    end(id, { state: "succeeded" });
    clock.advance(2 * fileKeptFor);
    assert.is(transfers.uploads.have(sha256, size), 0);
    const wrong = { sha256: "0".repeat(64), size: 1, at: 0, data: Buffer.from("x") };
    await transfers.uploads.add(wrong).then(
      () => assert.unreachable(),
      (thrown: unknown) => assert.match(String(thrown), /another SHA-256/),
    );
    assert.is(transfers.uploads.have(wrong.sha256, 1), 0);
  });

  test("so many asks are answered at a time", async (scope) => {
    const { transfers, command, say, of, clock } = await place(scope, { rate: 1 });
    const content = Buffer.from("hello");
    const [sha256, size] = [hashOf(content), content.length];
    await transfers.uploads.add({ sha256, size, at: 0, data: content });
    const ids = Array.from({ length: maxPutsAtOnce + 1 }, (_, at) =>
      command(`p${at}`, "put", { sha256, size }, deviceOf(at)),
    );
    for (const [at, id] of ids.entries()) say(id, { at: 0, want: size }, deviceOf(at));
    for (const _ of ids) clock.advance(size * 1_000);
    const answered = (): number => ids.filter((id) => of(id).length > 0).length;
    await eventually("all but one", () => answered() === maxPutsAtOnce);
    assert.equal(of(ids.at(-1) as CommandId), []);
  });

  test("they are spread over time, all together", () => {
    const clock = new ManualClock();
    const pace = new Pace(clock);
    const begun: string[] = [];
    const wait = (who: string, bytes: number): (() => void) => pace.wait(who, () => (begun.push(who), bytes));
    wait("a", maxFileRate);
    assert.equal(begun, ["a"]);
    wait("b", maxFileRate / 2);
    clock.advance(999);
    assert.equal(begun, ["a"]);
    clock.advance(1);
    wait("c", 1);
    clock.advance(499);
    assert.equal(begun, ["a", "b"]);
    clock.advance(1);
    assert.equal(begun, ["a", "b", "c"]);
  });

  test("who wants much delays the others by one of what it wants, and what is withdrawn by nothing", () => {
    const clock = new ManualClock();
    const pace = new Pace(clock);
    const begun: string[] = [];
    const wait = (who: string): (() => void) => pace.wait(who, () => (begun.push(who), maxFileRate));
    const withdraws = Array.from({ length: 1_000 }, () => wait("a"));
    for (const who of ["b", "c", "b"]) wait(who);
    for (let second = 0; second < 5; second += 1) clock.advance(1_000);
    assert.equal(begun, ["a", "a", "b", "c", "a", "b"]);
    for (const withdraw of withdraws) withdraw();
    wait("d");
    clock.advance(1_000);
    assert.equal(begun.slice(6), ["d"]);
  });

  test("one device that asks, and says that it has a file, without end delays nobody else", async (scope) => {
    const { transfers, command, say, of, clock, end } = await place(scope, { rate: maxWindowBytes });
    const content = randomBytes(maxWindowBytes);
    const [sha256, size] = [hashOf(content), content.length];
    await transfers.uploads.add({ sha256, size, at: 0, data: content });
    const putOf = (name: string, device?: DeviceId): CommandId => command(name, "put", { sha256, size }, device);
    const [greedy, other] = [putOf("g"), putOf("o", deviceOf(1))];
    const lone = command("h", "fetch", { path: "/a" });
    const timers = clock.timers;
    for (let turn = 0; turn < 2_000; turn += 1) say(greedy, { at: 0, want: size });
    for (let turn = 0; turn < 20; turn += 1) {
      for (let hello = 0; hello < 100; hello += 1) say(lone, { size: 1_000_000, file: "f" });
      await new Promise(setImmediate);
    }
    say(other, { at: 0, want: size }, deviceOf(1));
    assert.ok(clock.timers - timers <= 4, `${clock.timers - timers} timers`);
    // The window that was begun before, and one of the greedy device's.
    for (let second = 0; second < 3; second += 1) clock.advance(1_000);
    await eventually("the other's", () => of(other).length > 0);

    // Stopped ones wait no longer.
    const stopped = Array.from({ length: 8 }, (_, at) => putOf(`s${at}`));
    for (const id of stopped) {
      say(id, { at: 0, want: size });
      end(id, { state: "cancelled" });
    }
    const last = putOf("l", deviceOf(2));
    say(last, { at: 0, want: size }, deviceOf(2));
    for (let second = 0; second < 3; second += 1) clock.advance(1_000);
    await eventually("the last one's", () => of(last).length > 0);
  });

  test("one device has so many places, and keeps none by words alone", async (scope) => {
    const { transfers, command, say, of, clock } = await place(scope);
    const fetches = Array.from({ length: maxPlacesOfDevice + 1 }, (_, at) => command(`f${at}`, "fetch", {}));
    const hello = (): void => fetches.forEach((id) => say(id, { size: 100, file: "f" }));
    const asked = (): CommandId[] => fetches.filter((id) => of(id).length > 0);
    hello();
    await eventually("its places", () => asked().length === maxPlacesOfDevice);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    for (let round = 0; round < 4; round += 1) {
      clock.advance(fetchIdle / 3 + 1);
      hello();
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      if (round < 2) assert.ok(asked().length <= maxPlacesOfDevice, `round ${round}`);
    }
    await eventually("the third one", () => asked().length === fetches.length);

    const content = Buffer.from("hello");
    const [sha256, size] = [hashOf(content), content.length];
    await transfers.uploads.add({ sha256, size, at: 0, data: content });
    const puts = Array.from({ length: maxPlacesOfDevice + 1 }, (_, at) => command(`p${at}`, "put", { sha256, size }));
    for (const id of puts) say(id, { at: 0, want: size });
    await eventually("its pieces", () => puts.filter((id) => of(id).length > 0).length === maxPlacesOfDevice);
  });

  test("who has a byte now and then keeps no place for ever: another one gets it, and the turn comes again", async (scope) => {
    const directory = await scope.directory();
    const { command, say, of, clock } = await place(scope, { directory });
    const onDisk = (): number =>
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
    const ids = Array.from({ length: maxFetchesAtOnce + 1 }, (_, at) =>
      command(`f${at}`, "fetch", { path: "/a" }, deviceOf(at)),
    );
    const size = 1_000;
    for (const [at, id] of ids.entries()) say(id, { size, file: "f" }, deviceOf(at));
    const wants = (id: CommandId): number =>
      of(id)
        .flatMap((one) => ("want" in one ? [one.at] : []))
        .at(-1) ?? -1;
    const [last = ids[0] as CommandId] = ids.slice(-1);
    await eventually("the first", () => ids.filter((id) => wants(id) >= 0).length === maxFetchesAtOnce);
    const trickle = async (): Promise<void> => {
      const before = onDisk();
      for (const [at, id] of ids.entries()) {
        const data = Buffer.from("x");
        // A new piece of one byte, which keeps it from being idle.
        if (id !== last && wants(id) >= 0) say(id, { at: pieces[at] ?? 0, data, sha256: sha256Of(data) }, deviceOf(at));
        pieces[at] = (pieces[at] ?? 0) + 1;
      }
      await eventually("a byte of each", () => onDisk() === before + maxFetchesAtOnce);
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    };
    const pieces: number[] = [];
    for (let gone = 0; gone + fetchIdle / 2 < fetchTurn; gone += fetchIdle / 2) {
      await trickle();
      clock.advance(fetchIdle / 2);
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    }
    assert.is(wants(last), -1, "they are at it, and none was idle");
    clock.advance(fetchIdle / 2);
    await eventually("the last", () => wants(last) >= 0);
    // Where nobody else waits, who is slow goes on.
    const before = of(last).length;
    say(last, { size, file: "f" }, deviceOf(ids.length - 1));
    await eventually("the last again", () => of(last).length > before);
  });

  test("a disk that fills while a file comes, or is given, fails that with a sentence, and all goes on", async (scope) => {
    const directory = await smallDisk(scope, 512);
    const { command, say, of, give, transfers } = await place(scope, { directory });
    const content = randomBytes(8 * maxPieceBytes);
    const id = command("a", "fetch", { path: "/a" });
    say(id, { size: content.length, file: "f1" });
    await eventually("an ask", () => of(id).length > 0);
    const filler = fillDisk(directory);
    assert.is(stopIn(await give(id, content)), "no-space");
    const [sha256, size] = [hashOf(content), content.length];
    await transfers.uploads.add({ sha256, size, at: 0, data: content }).then(
      () => assert.unreachable(),
      (thrown: unknown) => assert.ok(thrown instanceof FileTrouble && thrown.code === "no-space", String(thrown)),
    );
    rmSync(filler);
    assert.equal(await give(id, content), { at: size, want: 0, sha256 });
    assert.is(await transfers.uploads.add({ sha256, size, at: 0, data: content }), size);
  });

  test("they take so much of the disk and no more, and a full one is told", async (scope) => {
    const directory = await scope.directory();
    const { bavail, bsize } = statfsSync(directory);
    const free = bavail * bsize;
    const path = join(directory, "a");
    const room = new ShelfRoom({ directory, spare: 0 });
    const isNoSpace = (thrown: unknown): boolean => thrown instanceof FileTrouble && thrown.code === "no-space";
    assert.throws(() => room.claim(path, maxKeptFileBytes + 1, 0), isNoSpace);
    const small = new ShelfRoom({ directory, most: 100, spare: 0 });
    small.claim(path, 100, 0);
    small.release(path);
    assert.throws(() => small.claim(path, 101, 0), isNoSpace);
    const usual = new ShelfRoom({ directory, most: Infinity });
    // Others use this disk too.
    const beyond = free - spareForSamples + 512 * 1024 * 1024;
    assert.throws(() => usual.claim(path, beyond, 0), isNoSpace);

    const { command, say, of, transfers } = await place(scope, { most: 10 });
    const id = command("a", "fetch", { path: "/a" });
    say(id, { size: 11, file: "f" });
    await eventually("the word", () => of(id).length > 0);
    assert.is(stopIn(of(id)[0]), "no-space");
    await transfers.uploads.add({ sha256: "0".repeat(64), size: 11, at: 0, data: Buffer.from("x") }).then(
      () => assert.unreachable(),
      (thrown: unknown) => assert.ok(isNoSpace(thrown)),
    );
    assert.not.ok(existsSync(path));
  });
});
