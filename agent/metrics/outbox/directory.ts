import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDamagedName, trimDamaged } from "#disk/aside";
import type { Disk } from "#disk/calls";
import { makeDirectory, truncateFile } from "#disk/durable-file";
import { readRegularFile } from "#disk/regular-file";
import { asError } from "#shared/errors";
import { shortId } from "#shared/ids";
import { repair, setAside, type AsideOptions } from "./repair.ts";
import type { AckRange, GapRecord } from "./record.ts";
import { maxSegmentBytes, parseSegment, unreadable, type Parsed } from "./segment-file.ts";
import { Segment } from "./segment.ts";

/** What a directory holds. */
export interface Opened {
  readonly id: string;
  /** The number of the next batch: larger than any that was ever sent. */
  readonly next: number;
  readonly segments: Segment[];
  /** Numbers that damage has cost and no record tells yet. */
  readonly lost: readonly AckRange[];
  /** Numbers beyond {@link next} may have been given: nothing is to be added here. */
  readonly gathered?: boolean;
}

export interface DirectoryOptions extends AsideOptions {
  readonly directory: string;
  /** The present epoch. */
  readonly epoch: string;
}

interface File {
  readonly path: string;
  /** The number that it begins with, by its name. */
  readonly first: number;
  readonly parsed: Parsed;
}

/** Where an outbox was begun in the place of another one, it has a directory of its own in that of the first. */
export const isOutboxName = (name: string): boolean => /^[1-9]\d{0,8}$/.test(name);

const namePattern = /^(\d{16})\.seg$/;

export const segmentName = (first: number): string => `${String(first).padStart(16, "0")}.seg`;

/**
 * Reads what earlier runs have left, whatever a kill, a power cut or a bad disk did to it: every whole record is kept, and
 * no number that can have been sent is given again. Where no file tells the numbers of before, the outbox gets a new id.
 * @throws the system's error when the directory cannot be made or listed
 */
export function openDirectory(options: DirectoryOptions): Opened {
  makeDirectory(options.directory, undefined, options.disk);
  const gaps: GapRecord[] = [];
  const lost: AckRange[] = [];
  const segments: Segment[] = [];
  // They tell nothing of whose they are.
  const nameless: { file: File; end: number }[] = [];
  let id: string | undefined;
  let next = 1;
  let end = Infinity;
  let gathered = false;
  // One at a time, the newest first: where a file is to be cut off, and the gaps that tell of it, are in newer ones.
  for (const { path, first } of list(options)) {
    const file = { path, first, parsed: readOne(path, first, options) };
    const { outbox = id, records } = file.parsed;
    id ??= outbox;
    if (outbox !== id) {
      setAside(path, "it belongs to another outbox", options);
      continue;
    }
    gaps.push(...records.flatMap(({ stored }) => stored.gap ?? []));
    lost.push(...within(file.parsed.lost, end).filter((range) => !gaps.some((told) => covers(told, range))));
    next = Math.max(next, free(file, end));
    gathered ||= file.parsed.gathered === true;
    if (id === undefined) nameless.push({ file, end });
    else segments.push(...toSegments(file, id, end, options));
    end = first;
  }
  if (id === undefined) return anew(nameless, options);
  for (const one of nameless) segments.push(...toSegments(one.file, id, one.end, options));
  // What left the queue as a whole has left, though the machine stopped before its files were removed.
  const left = Math.max(0, ...gaps.filter(({ kind }) => kind === "left").map(({ gap }) => gap.to));
  for (const segment of segments) segment.release(0, left);
  trimDamaged(options.directory, options.disk);
  return { id, next, segments: segments.sort((a, b) => a.first - b.first), lost, gathered };
}

/** Nothing tells the numbers of before: they begin anew, under a new id. */
function anew(nameless: readonly { file: File }[], options: DirectoryOptions): Opened {
  for (const { file } of nameless) {
    if (isUnborn(file)) rmSync(file.path, { force: true });
    else setAside(file.path, "it does not tell to which outbox it belongs", options);
  }
  trimDamaged(options.directory, options.disk);
  return { id: shortId(), next: 1, segments: [], lost: [] };
}

/** Newest first. */
function list({ directory, log }: DirectoryOptions): Omit<File, "parsed">[] {
  const files: Omit<File, "parsed">[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const first = Number(namePattern.exec(entry.name)?.[1]);
    if (Number.isSafeInteger(first)) files.push({ path, first });
    else if (entry.isFile() && entry.name.endsWith(".new")) rmSync(path, { force: true });
    else if (entry.name !== "clock" && !isDamagedName(entry.name) && !isOutboxName(entry.name))
      log.warn({ path }, "this is nothing of the outbox's, though in its directory: it is left alone");
  }
  return files.sort((a, b) => b.first - a.first);
}

function readOne(path: string, first: number, { log }: DirectoryOptions): Parsed {
  let size = maxSegmentBytes;
  try {
    ({ size } = statSync(path));
    return parseSegment(readRegularFile(path, maxSegmentBytes), first);
  } catch (thrown) {
    log.error({ path, err: asError(thrown) }, "a file of the outbox cannot be read");
    return unreadable(first, size);
  }
}

/** Its making was cut off: it never held anything. */
function isUnborn({ parsed }: File): boolean {
  return parsed.state === "torn" && parsed.epoch === undefined;
}

/** The first number that this file leaves free. */
function free({ first, parsed }: File, end: number): number {
  const last = parsed.records.findLast(({ stored }) => stored.seq < end)?.stored.seq ?? 0;
  return Math.max(first, last + 1, ...within(parsed.lost, end).map(([, to]) => to + 1));
}

function within(ranges: readonly AckRange[], end: number): AckRange[] {
  return ranges.filter(([from]) => from < end).map(([from, to]) => [from, Math.min(to, end - 1)]);
}

function covers({ gap }: GapRecord, [from, to]: AckRange): boolean {
  return gap.from <= from && to <= gap.to;
}

/**
 * The file as it is kept in memory, after it was repaired.
 * @param end where the next file's numbers begin: what this one holds from there on is the rest of a write that failed,
 *   was never sent, and its numbers were given again
 */
function toSegments(file: File, outbox: string, end: number, options: DirectoryOptions): Segment[] {
  const { path, first, parsed } = file;
  if (isUnborn(file)) {
    rmSync(path, { force: true });
    return [];
  }
  const { epoch = "", run, lost, state } = parsed;
  let { records } = parsed;
  const header = { outbox, run, epoch, first, lost: within(lost, end), gathered: parsed.gathered };
  const repaired = state === "damaged" && repair(path, header, records, options);
  if (repaired) ({ records } = parseSegment(readRegularFile(path, maxSegmentBytes), first));
  const size = repaired ? statSync(path).size : parsed.end;
  const segment = new Segment({ path, epoch, run, first, size });
  for (const { stored, offset, length } of records) {
    if (stored.seq >= end) break;
    segment.add(stored, epoch === options.epoch ? stored.mono : stored.t, offset, length);
  }
  segment.sealed = state === "damaged" || lost.length > 0 || (state === "torn" && !cut(path, parsed.end, options.disk));
  return [segment];
}

function cut(path: string, end: number, disk?: Disk): boolean {
  try {
    truncateFile(path, end, disk);
    return true;
  } catch {
    return false;
  }
}
