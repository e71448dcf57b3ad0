import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { counted } from "#shared/counted";
import { systemClock } from "#shared/clock";
import { DirectoryLock } from "#disk/directory-lock";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { asError } from "#shared/errors";
import { firstFew, type Finding } from "#shared/finding";
import type { CommandId } from "#shared/ids";
import { silentLog, type Log } from "#shared/log";
import { parseLines } from "#disk/checked-line";
import { KeptConfiguration, parseConfiguration } from "./configuration/kept-configuration.ts";
import { Instance, parseInstance, type Kept } from "./instance.ts";
import { maxLedgerBytes, Ledger } from "./commands/ledger.ts";
import { readHead, replay, type LedgerEntry } from "./commands/ledger-records.ts";
import { openDirectory } from "./metrics/outbox/directory.ts";
import { maxSegmentBytes, parseSegment } from "./metrics/outbox/segment-file.ts";
import { parsePreferences, Preferences } from "./preferences.ts";

const marks = ["instance", "ledger", "outbox"];

export function isAgents(directory: string): boolean {
  return marks.some((name) => existsSync(join(directory, name)));
}

/** Looks at an agent's directory by its own readers, and changes nothing in it: also beside a running one. */
export function lookAtAgent(directory: string): Finding[] {
  const kept = tried("instance", directory, (bytes) => parseInstance(bytes.toString("latin1")));
  return [
    kept.finding ?? instanceFinding(kept.value),
    ...lookAtLedger(directory, kept.value),
    ...lookAtOutbox(join(directory, "outbox")),
    ...lookAtPreferences(directory),
    ...lookAtConfiguration(directory),
    ...setAside(directory),
  ].filter((one) => one !== undefined);
}

function instanceFinding(kept: Kept | undefined): Finding {
  if (!kept)
    return {
      what: "instance",
      state: "damaged",
      says: "it is not what was written: the next start is a new installation",
    };
  return { what: "instance", state: "sound", says: kept.id };
}

function lookAtLedger(directory: string, kept: Kept | undefined): Finding[] {
  const damaged = (says: string): Finding => ({ what: "ledger", state: "damaged", says });
  const { value, finding, missing } = tried("ledger", directory, parseLines, maxLedgerBytes);
  if (missing) return kept ? [damaged("it was there before and is gone")] : [];
  if (!value) return finding ? [finding] : [];
  const entries = new Map<CommandId, LedgerEntry>();
  let id: string | undefined;
  for (const line of value.values) {
    const head = readHead(line);
    if (head) id = head.ledger;
    else replay(entries, line);
  }
  if (value.damaged > 0) return [damaged(`${value.damaged} of its lines are not what was written`)];
  if (kept?.ledger !== undefined && kept.ledger !== id) return [damaged("it is not the ledger that was there before")];
  return [{ what: "ledger", state: "sound", says: counted(entries.size, "command") }];
}

function lookAtOutbox(path: string): Finding[] {
  if (!existsSync(path)) return [];
  const names = readdirSync(path)
    .filter((name) => name.endsWith(".seg"))
    .sort();
  const findings: Finding[] = [];
  let records = 0;
  for (const name of names) {
    const { value, finding } = tried(
      name,
      path,
      (bytes) => parseSegment(bytes, Number.parseInt(name, 10)),
      maxSegmentBytes,
    );
    if (finding) findings.push({ ...finding, what: join("outbox", name) });
    records += value?.records.length ?? 0;
    // What was repaired says which numbers it has lost; that is told to the console.
    if (value?.state === "damaged")
      findings.push({
        what: join("outbox", name),
        state: "damaged",
        says: `it holds ${counted(value.records.length, "record")}, and damage between them`,
      });
  }
  if (findings.length > 0) return [...firstFew(findings)];
  return [{ what: "outbox", state: "sound", says: `${counted(names.length, "file")}, ${counted(records, "record")}` }];
}

function lookAtPreferences(directory: string): Finding[] {
  const { value, finding, missing } = tried("preferences.json", directory, parsePreferences);
  if (missing) return [];
  return [finding ?? { what: "preferences.json", state: "sound", says: Object.keys(value ?? {}).join(", ") }];
}

function lookAtConfiguration(directory: string): Finding[] {
  const what = "configuration.json";
  const { value, finding, missing } = tried(what, directory, parseConfiguration);
  if (missing) return [];
  if (finding) return [finding];
  const { current, trial } = value ?? {};
  const says = `settings from the console: ${current ? `version ${current.version}` : "none"}${trial ? `; version ${trial.version} is being tried` : ""}`;
  return [{ what, state: "sound", says }];
}

/** A file through its reader: what it is, that it does not read, or that there is none. */
function tried<T>(
  what: string,
  directory: string,
  read: (bytes: Buffer) => T,
  most = maxSmallFileBytes,
): { value?: T; finding?: Finding; missing?: true } {
  const path = join(directory, what);
  if (!existsSync(path)) return { missing: true };
  try {
    return { value: read(readRegularFile(path, most)) };
  } catch (thrown) {
    return { finding: { what, state: "damaged", says: `it cannot be read: ${asError(thrown).message}` } };
  }
}

function setAside(directory: string): Finding[] {
  const places = [directory, join(directory, "outbox")].filter(existsSync);
  return places.flatMap((place) =>
    readdirSync(place)
      .filter((name) => /\.damaged(-|$)/.test(name))
      .map((name): Finding => {
        const { size, mtime } = statSync(join(place, name));
        return {
          what: name,
          state: "note",
          says: `set aside, ${Math.ceil(size / 1024)} KiB of ${mtime.toISOString()}`,
        };
      }),
  );
}

/**
 * Opens everything as a start would, which sets aside what does not read, and closes it again.
 * @throws EnvironmentError when an agent works in the directory
 */
export async function mendAgent(directory: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const tell = (fields: object, says: string): void => {
    const what = "path" in fields ? String(fields.path).slice(directory.length + 1) : "agent";
    findings.push({ what, state: "mended", says });
  };
  const log: Log = { ...silentLog, warn: tell, error: tell };
  const lock = new DirectoryLock("agent", directory, silentLog);
  lock.acquire();
  try {
    await openAll(directory, log);
  } finally {
    lock.release();
  }
  return findings;
}

async function openAll(directory: string, log: Log): Promise<void> {
  const instance = new Instance(directory, log);
  const ledger = new Ledger({ directory, clock: systemClock, log });
  instance.start();
  const { ledger: id, before } = instance;
  const kept = ledger.start({ id, before });
  instance.keep(kept ? ledger.id : id);
  await ledger.stop();
  void new Preferences(directory, log);
  void new KeptConfiguration({ directory, log });
  const outbox = join(directory, "outbox");
  // The repaired files say what is lost, and the next start tells it.
  if (existsSync(outbox)) openDirectory({ directory: outbox, epoch: "", log, now: systemClock.now() });
}
