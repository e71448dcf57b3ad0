import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { Instance } from "../agent/instance.ts";
import { Ledger } from "../agent/commands/ledger.ts";
import { columns, quickDirectory, TestOutbox } from "../agent/metrics/outbox/fixture.ts";
import { DiskQueue } from "../agent/metrics/outbox/disk-queue.ts";
import { WallOffset } from "../agent/metrics/outbox/wall-offset.ts";
import { KeptConfiguration } from "../agent/configuration/kept-configuration.ts";
import { Preferences } from "../agent/preferences.ts";
import { FilesOfBefore, listName } from "../console/database/files-of-before.ts";
import { readSecret, writeSecret } from "../console/accounts/secrets.ts";
import { systemDisk, type Disk } from "#disk/calls";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { Journal } from "#disk/journal";
import { ManualClock } from "#shared/clock";
import { batchCap, decode } from "#shared/codec";
import { parseCommandId } from "#shared/ids";
import { silentLog, type Log } from "#shared/log";
import type { Batch } from "#shared/messages/metrics";
import { cuts, faults, FaultyDisk, lay } from "./faulty-disk.ts";
import { suite } from "./suite.ts";

/** What is read where the damage of before is still there: it is told, and not taken for what was kept. */
const damaged = "damaged";

/** What must be there afterwards, and what may be. */
class Told {
  readonly sure = new Set<string>();
  readonly tried = new Set<string>();
}

/** A part that keeps something, and lives through whatever its disk does. */
interface User {
  /** What is there already. */
  before?(directory: string): unknown;
  /** Works for a while, and says what it was told is on the disk. */
  run(directory: string, disk: Disk, told: Told): Promise<void>;
  /** What the next start reads. @throws Error where that is damaged */
  read(directory: string): Promise<readonly string[]> | readonly string[];
  /** The newest alone is kept, and not all of them. */
  readonly replaces?: true;
}

/** Of a file that is replaced as a whole. @param write whether it says that it is kept */
function register(
  write: (value: string, directory: string, disk: Disk) => boolean,
  read: (directory: string) => string | undefined,
  damage?: (directory: string) => void,
): User {
  return {
    replaces: true,
    before: damage ?? ((directory) => write("1", directory, systemDisk)),
    run: async (directory, disk, told) => {
      told.sure.add(damage ? damaged : "1");
      for (const value of ["2", "3", "4"]) {
        told.tried.add(value);
        if (!attempt(() => write(value, directory, disk))) continue;
        told.sure.clear();
        told.tried.clear();
        told.sure.add(value);
      }
    },
    read: (directory) => [read(directory) ?? "nothing"],
  };
}

function attempt(work: () => boolean): boolean {
  try {
    return work();
  } catch {
    return false;
  }
}

/** Where something is said, and not thrown. */
function quiet(): { log: Log; said: () => boolean } {
  let said = false;
  const tell = (): void => void (said = true);
  return { log: { ...silentLog, debug: tell, warn: tell, error: tell }, said: () => said };
}

const loud: Log = {
  ...silentLog,
  warn: (_, says) => assert.unreachable(says),
  error: (_, says) => assert.unreachable(says),
};

const id = (name: string) => parseCommandId(name);
const begun = { key: "count", boot: "b", at: 1, attempts: 1 };
const settled = (work: readonly Promise<unknown>[]) => Promise.allSettled(work);

const users: Readonly<Record<string, User>> = {
  "a file that is replaced": register(
    (value, directory, disk) => (replaceFile(join(directory, "file"), value.repeat(5_000), disk), true),
    (directory) => /^(\d)\1{4999}$/.exec(readFileSync(join(directory, "file"), "utf8"))?.[1],
  ),
  "the agent's preferences": register(
    (value, directory, disk) => new Preferences(directory, silentLog, disk).change({ interval: Number(value) * 1_000 }),
    (directory) => String(Number(new Preferences(directory, loud).changed.interval) / 1_000),
  ),
  "the agent's settings from the console": register(
    (value, directory, disk) => {
      const kept = new KeptConfiguration({ directory, log: silentLog, disk });
      kept.take({ version: Number(value), values: { interval: `${value}s` } }, "c");
      kept.begin();
      kept.confirm();
      return true;
    },
    (directory) => {
      const { inForce } = new KeptConfiguration({ directory, log: loud });
      return inForce["interval"]?.slice(0, 1);
    },
  ),
  "the agent's instance": register(
    (value, directory, disk) => {
      const instance = new Instance(directory, silentLog, disk);
      instance.start();
      instance.keep(value);
      return instance.ledger === value;
    },
    (directory) => {
      const instance = new Instance(directory, loud);
      instance.start();
      return instance.ledger;
    },
  ),
  "the clock's offset": register(
    (value, directory, disk) => {
      const { log, said } = quiet();
      const clock = new ManualClock(Number(value) * 3_600_000);
      new WallOffset({ clock, path: join(directory, "clock"), log, disk }).at(0);
      return !said();
    },
    (directory) => {
      const { offset } = JSON.parse(readFileSync(join(directory, "clock"), "utf8")) as { offset: number };
      return String(Math.round(offset / 3_600_000));
    },
  ),
  "the console's list of files": register(
    (value, directory, disk) => {
      const { log, said } = quiet();
      mkdirSync(join(directory, "secrets"), { recursive: true });
      writeFileSync(join(directory, "secrets", `s${value}`), "");
      const files = new FilesOfBefore(directory, log, disk);
      files.missing();
      files.note();
      return !said();
    },
    (directory) => {
      const { files } = JSON.parse(readFileSync(join(directory, listName), "utf8")) as { files: string[] };
      return files.at(-1)?.slice(-1);
    },
  ),
  "a file in a directory that is made for it": register(
    (value, directory, disk) => {
      const deep = join(directory, `of ${value}`, "its", "own");
      makeDirectory(deep, undefined, disk);
      replaceFile(join(deep, "file"), value, disk);
      return true;
    },
    (directory) =>
      ["4", "3", "2", "1"].find((value) => existsSync(join(directory, `of ${value}`, "its", "own", "file"))),
  ),
  "the agent's preferences, after damage": register(
    (value, directory, disk) => {
      const preferences = new Preferences(directory, silentLog, disk);
      return preferences.change({ interval: Number(value) * 1_000 });
    },
    (directory) => {
      const { interval } = new Preferences(directory, silentLog).changed;
      return interval === undefined ? damaged : String(interval / 1_000);
    },
    (directory) => writeFileSync(join(directory, "preferences.json"), '{"interval": tor'),
  ),
  "the agent's instance, after damage": register(
    (value, directory, disk) => {
      const instance = new Instance(directory, silentLog, disk);
      instance.start();
      instance.keep(value);
      return instance.ledger === value;
    },
    (directory) => {
      const instance = new Instance(directory, silentLog);
      instance.start();
      return instance.ledger ?? damaged;
    },
    (directory) => writeFileSync(join(directory, "instance"), "torn"),
  ),
  "a secret": register(
    (value, directory, disk) => (writeSecret(directory, "console", value, disk), true),
    (directory) => readSecret(directory, "console"),
  ),
  "a journal": journal(),
  "a journal with a torn end": journal((path) => appendFileSync(path, '0badc0de {"to')),
  "a journal with a damaged line": journal((path) => {
    const [first = "", ...others] = readFileSync(path, "latin1").split("\n");
    writeFileSync(path, [first.replace("old 1", "odd 1"), ...others].join("\n"));
  }),
  "a journal in whose place something else stands": journal((path) => {
    rmSync(path);
    mkdirSync(path);
  }),
  "the agent's ledger": {
    run: async (directory, disk, told) => {
      const ledger = new Ledger({ directory, clock: new ManualClock(), log: silentLog, disk });
      attempt(() => ledger.start());
      const begin = async (name: string): Promise<void> => {
        told.tried.add(name);
        await ledger.begin(id(name), begun);
        told.sure.add(name);
      };
      const end = async (name: string): Promise<void> => {
        told.tried.add(`${name} ended`);
        await ledger.end(id(name), { reply: { id: name, ts: 1, state: "succeeded" }, encoding: "json" });
        told.sure.add(`${name} ended`);
      };
      await settled([begin("1"), begin("2")]);
      await settled([end("1"), begin("3")]);
      await settled([end("2")]);
      await ledger.stop();
    },
    read: async (directory) => {
      const ledger = new Ledger({ directory, clock: new ManualClock(), log: loud });
      ledger.start();
      const found = ["1", "2", "3"].flatMap((name) => {
        const entry = ledger.find(id(name));
        return entry ? [name, ...(entry.ended ? [`${name} ended`] : [])] : [];
      });
      await ledger.stop();
      return found;
    },
  },
  "the agent's outbox": outbox(),
  "the agent's outbox with a torn end": outbox((path) => appendFileSync(path, Buffer.alloc(100, 7))),
  "the agent's outbox with damage": outbox((path) => {
    const bytes = readFileSync(path);
    bytes.fill(0, bytes.length - 3_000, bytes.length - 2_900);
    writeFileSync(path, bytes);
  }),
};

/** @param spoil spoils the file of an earlier run, which has three records of its own; what reads of it afterwards is kept */
function journal(spoil?: (path: string) => void): User {
  return {
    before: async (directory) => {
      if (!spoil) return;
      const one = journalIn(directory, []);
      one.read(1);
      one.begin();
      for (const name of ["old 1", "old 2", "old 3"]) await one.append(name);
      await one.close();
      spoil(one.path);
    },
    run: async (directory, disk, told) => {
      const kept: string[] = [];
      const one = journalIn(directory, kept, disk);
      const contents = read(one);
      for (const name of contents ?? ["old 1", "old 2", "old 3"]) (contents ? told.sure : told.tried).add(name);
      if (!contents) return;
      kept.push(...contents);
      attempt(() => (one.begin(), true));
      const append = async (name: string): Promise<void> => {
        told.tried.add(name);
        await one.append(name);
        told.sure.add(name);
        kept.push(name);
      };
      await settled(["1", "2", "3"].map(append));
      await settled([append("4"), one.rewrite(), append("5")]);
      await settled([append("6")]);
      await one.close();
    },
    read: (directory) => {
      const { records, damaged } = journalIn(directory, []).read(1);
      if (!spoil) assert.is(damaged, 0);
      return records.map(String);
    },
  };
}

/** What a start finds; undefined where it fails. */
function read(one: Journal): string[] | undefined {
  try {
    return one.read(1).records.map(String);
  } catch {
    return undefined;
  }
}

/** @param spoil spoils the file of an earlier run, in which three batches wait; those that read afterwards are kept */
function outbox(spoil?: (path: string) => void): User {
  /** Batches that may have been sent, by their outbox's id and number. */
  const sent = new Map<string, string>();
  return {
    before: async (directory) => {
      if (!spoil) return;
      const clock = new ManualClock();
      const one = new TestOutbox({ directory }, clock);
      one.outbox.start();
      await one.add(...["a", "b", "c"].map((value) => value.repeat(2_000)));
      await one.outbox.close();
      const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
      spoil(join(directory, names.find((name) => name.endsWith(".seg")) ?? ""));
    },
    run: async (directory, disk, told) => {
      sent.clear();
      let ready = 0;
      let wake = (): void => {};
      const clock = new ManualClock();
      const one = new TestOutbox(
        {
          directory,
          disk,
          maxBytes: 64 * 1024,
          ready: (queue, seq) => {
            ready += 1;
            wake();
            if (!(queue instanceof DiskQueue)) return;
            const value = valueOf(queue.read(seq));
            if (value !== "") told.sure.add(value);
            sent.set(`${queue.id}/${seq}`, value);
          },
        },
        clock,
      );
      const { outbox } = one;
      const starts = attempt(() => (outbox.start(), true));
      const waiting = starts ? one.waiting() : [];
      for (const { outbox: of, seq, m } of waiting) {
        const value = firstOf(m[0]?.f["value"]);
        if (value !== "") told.sure.add(value);
        sent.set(`${of}/${seq}`, value);
      }
      // It does without the disk at first, or has failed.
      if (waiting.length === 0) for (const value of spoil ? "abc" : "") told.tried.add(value);
      if (!starts) return;
      let appended = 0;
      const all = async (count: number): Promise<void> => {
        if (ready >= count) return;
        await new Promise<void>((resolve) => (wake = resolve));
        await all(count);
      };
      for (const wave of ["12", "345", "67"]) {
        for (const value of wave) {
          told.tried.add(value);
          outbox.append(columns(clock, value.repeat(2_000)));
          appended += 1;
        }
        // What the disk refuses goes to memory, and may be sent as well.
        await all(appended);
        // A disk that refused is asked again some time later.
        clock.advance(60_000);
      }
      await outbox.close().catch(() => {});
    },
    read: async (directory) => {
      const one = new TestOutbox({ directory, log: spoil ? silentLog : loud });
      one.outbox.start();
      const found = new Map(one.waiting().map(({ outbox, seq, m }) => [`${outbox}/${seq}`, firstOf(m[0]?.f["value"])]));
      if (!spoil) assert.equal(one.gaps(), []);
      for (const [number, value] of found) assert.is(sent.get(number) ?? value, value, number);
      await one.add("new");
      const added = one.waiting().find(({ m }) => m[0]?.f["value"] === "new");
      assert.not(sent.has(`${added?.outbox}/${added?.seq}`), "no number again");
      await one.outbox.close();
      // A batch without samples tells of a gap.
      return [...found.values()].filter(Boolean);
    },
  };
}

function journalIn(directory: string, kept: readonly string[], disk?: Disk): Journal {
  const path = join(directory, "journal");
  return new Journal({ path, what: "the journal", largest: 1e6, records: () => kept, disk });
}

/** Of a value that is one character many times. */
function firstOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 1) : "";
}

function valueOf(payload: Buffer | undefined): string {
  const batch = payload && (decode(payload, batchCap).value as Batch);
  return firstOf(batch?.m[0]?.f["value"]);
}

suite("a disk that fails", ({ test }) => {
  for (const [name, user] of Object.entries(users)) {
    test(
      `${name}: whatever call fails or is the last, what was told to be kept is there, whole`,
      async (scope) => {
        const home = await quickDirectory(scope);
        const calls = await rounds(home, user);
        assert.ok(calls > 5, `${calls} calls`);
      },
      { seconds: 60 },
    );
  }
});

/** Each fault at each call. @returns how many calls there are without one */
async function rounds(home: string, user: User): Promise<number> {
  const seen = new Set<string>();
  let calls = 0;
  for (const fault of [undefined, ...faults])
    for (let at = 0; at < (fault ? calls : 1); at++) {
      const directory = join(home, "run");
      lay(new Map(), directory);
      await user.before?.(directory);
      const faulty = new FaultyDisk(directory, fault, at);
      const told = new Told();
      await user.run(directory, faulty.disk, told);
      if (!fault) {
        calls = faulty.count;
        for (const one of told.tried) assert.ok(told.sure.has(one), `${one} was not kept, and nothing failed`);
      }
      for (const cut of cuts) {
        const left = faulty.left(cut);
        const key = JSON.stringify([...left].map(([path, content]) => [path, content.toString("latin1")]));
        const expected = JSON.stringify([[...told.sure], [...told.tried]]);
        if (seen.has(key + expected)) continue;
        seen.add(key + expected);
        const after = join(home, "after");
        lay(left, after);
        await check(`${fault ?? "no fault"} at call ${at}, then ${cut}`, user, after, told);
      }
    }
  return calls;
}

async function check(when: string, user: User, directory: string, { sure, tried }: Told): Promise<void> {
  let found: readonly string[];
  try {
    found = await user.read(directory);
  } catch (thrown) {
    throw new Error(`${when}: what is there does not read`, { cause: thrown });
  }
  if (!user.replaces) for (const one of sure) assert.ok(found.includes(one), `${when}: ${one} of ${found.join()}`);
  for (const one of found) assert.ok(sure.has(one) || tried.has(one), `${when}: found ${one}`);
}
