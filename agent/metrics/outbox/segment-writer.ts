import { constants } from "node:fs";
import { dirname } from "node:path";
import { call, systemDisk, type Disk, type Work } from "#disk/calls";
import { makingDirectory, replacing, writing } from "#disk/durable-file";
import type { Stored } from "./record.ts";
import { headerBytes, recordBytes, recordHead } from "./segment-file.ts";
import type { Segment } from "./segment.ts";

/** Where in its file a record was put. */
export interface WrittenRecord {
  readonly stored: Stored;
  readonly offset: number;
}

/** Appends records to the newest segment. They are on the disk for good once {@link append} has resolved, never before. */
export class SegmentWriter {
  readonly #outbox: string;
  readonly #disk: Disk;
  readonly #gathered: boolean;
  #file: number | undefined;

  /** @param gathered whether batches are sent before they are written, and some are never */
  constructor(outbox: string, disk: Disk = systemDisk, gathered = false) {
    this.#outbox = outbox;
    this.#disk = disk;
    this.#gathered = gathered;
  }

  /**
   * One write and one sync for all of `records`.
   * @param fresh the segment is new: its file gets its name when its first content is on the disk, so that there is never a
   *   file without its header
   * @throws the system's error; the segment takes nothing any more then, and what was half written has no meaning
   */
  async append(segment: Segment, records: readonly Stored[], fresh: boolean): Promise<WrittenRecord[]> {
    try {
      return await this.#disk.soon(fresh ? this.#creating(segment, records) : this.#extending(segment, records));
    } catch (error) {
      segment.sealed = true;
      await this.close().catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#disk.soon(this.#closing());
  }

  *#creating(segment: Segment, records: readonly Stored[]): Work<WrittenRecord[]> {
    yield* this.#closing();
    const { path, epoch, run, first } = segment;
    // With `lost`, a number that does not stand here is no damage.
    const holes = this.#gathered ? { gathered: true, lost: [] } : {};
    const header = headerBytes({ outbox: this.#outbox, run, epoch, first, ...holes });
    segment.size = header.length;
    // Somebody may have removed it.
    yield* makingDirectory(dirname(path));
    // Before it is sure that the name stays, none of its numbers may be used.
    const content = (): Buffer => Buffer.concat([header, ...records.map(recordBytes)]);
    yield* replacing(path, content, (file) => (this.#file = file));
    return places(segment, records);
  }

  *#extending(segment: Segment, records: readonly Stored[]): Work<WrittenRecord[]> {
    this.#file ??= yield* call("open", segment.path, constants.O_CREAT);
    yield* writing(this.#file, Buffer.concat(records.map(recordBytes)));
    yield* call("datasync", this.#file);
    return places(segment, records);
  }

  *#closing(): Work<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) yield* call("close", file);
  }
}

/** Where they are now. */
function places(segment: Segment, records: readonly Stored[]): WrittenRecord[] {
  return records.map((stored) => {
    const offset = segment.size;
    segment.size += recordHead + stored.payload.length;
    return { stored, offset };
  });
}
