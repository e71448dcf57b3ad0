import { constants } from "node:fs";
import { mkdir, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { directorySynced } from "#disk/durable-file";
import { regularFile } from "#disk/regular-file";
import type { Stored } from "./record.ts";
import { headerBytes, recordBytes, recordHead } from "./segment-file.ts";
import type { Segment } from "./segment.ts";

const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = constants;

/** Where in its file a record was put. */
export interface Written {
  readonly stored: Stored;
  readonly offset: number;
}

/** Appends records to the newest segment. They are on the disk for good once {@link append} has resolved, never before. */
export class SegmentWriter {
  readonly #outbox: string;
  #handle: FileHandle | undefined;

  constructor(outbox: string) {
    this.#outbox = outbox;
  }

  /**
   * One write and one sync for all of `records`.
   * @param fresh the segment is new: its file gets its name when its first content is on the disk, so that there is never a
   *   file without its header
   * @throws the system's error; the segment takes nothing any more then, and what was half written has no meaning
   */
  async append(segment: Segment, records: readonly Stored[], fresh: boolean): Promise<Written[]> {
    try {
      return fresh ? await this.#create(segment, records) : await this.#extend(segment, records);
    } catch (error) {
      segment.sealed = true;
      await this.close().catch(() => {});
      if (fresh) await rm(beside(segment), { force: true }).catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #create(segment: Segment, records: readonly Stored[]): Promise<Written[]> {
    await this.close();
    const { path, epoch, run, first } = segment;
    const header = headerBytes({ outbox: this.#outbox, run, epoch, first });
    segment.size = header.length;
    // Somebody may have removed it.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    this.#handle = await regularFile(beside(segment), O_WRONLY | O_CREAT | O_TRUNC);
    const written = await this.#put(this.#handle, segment, header, records);
    await rename(beside(segment), path);
    // Before it is sure that the name stays, none of its numbers may be used.
    await directorySynced(dirname(path));
    return written;
  }

  async #extend(segment: Segment, records: readonly Stored[]): Promise<Written[]> {
    this.#handle ??= await regularFile(segment.path, O_WRONLY | O_CREAT | O_APPEND);
    return this.#put(this.#handle, segment, Buffer.alloc(0), records);
  }

  async #put(handle: FileHandle, segment: Segment, header: Buffer, records: readonly Stored[]): Promise<Written[]> {
    const parts = records.map(recordBytes);
    await handle.appendFile(Buffer.concat([header, ...parts]));
    await handle.datasync();
    const written: Written[] = [];
    for (const stored of records) {
      written.push({ stored, offset: segment.size });
      segment.size += recordHead + stored.payload.length;
    }
    return written;
  }
}

function beside({ path }: Segment): string {
  return `${path}.new`;
}
