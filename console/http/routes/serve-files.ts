import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { ZodRoutes } from "../zod-routes.ts";
import { maxPartBytes } from "#shared/files/file-bounds";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Audit } from "../../audit/audit.ts";
import type { AuditDetail } from "../../audit/entry.ts";
import type { Command } from "../../desk/command.ts";
import type { Desk } from "../../desk/desk.ts";
import { FileTrouble } from "../../files/file-trouble.ts";
import type { FetchedFile } from "../../files/fetched-files.ts";
import type { Transfers } from "../../files/transfers.ts";
import type { Reach } from "../../jobs/target.ts";
import { whoAsks } from "../audited-routes.ts";
import { limitOf } from "../auth.ts";
import { oneCommand } from "../one-command.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

export interface FileRoutes {
  readonly desk: Pick<Desk, "find" | "withId">;
  readonly transfers: Pick<Transfers, "find" | "forget" | "uploads">;
  readonly audit: Pick<Audit, "note">;
}

/** A file that was fetched, and the command that has brought it. */
interface Brought extends FetchedFile {
  readonly sha256: string;
  readonly command: Command;
  /** Where it was on the device, and what it was called there. */
  readonly asked: string;
  readonly called: string;
}

/** Files that people give to the console and have from it. How they come to devices and from there, the commands put and fetch say. */
export const serveFiles =
  ({ desk, transfers, audit }: FileRoutes): ZodRoutes =>
  async (app) => {
    const brought = (id: CommandId, device: DeviceId | undefined, reaches: Reach | undefined): Brought => {
      const command = oneCommand(desk, id, device, reaches);
      const file = transfers.find(command);
      const given = command.args["path"];
      const asked = typeof given === "string" ? given : "";
      if (file) return { ...file, command, asked, called: wellFormed(basename(asked)) || "file" };
      throw new HttpError(
        404,
        `no file of command "${id}" is here: it has fetched none, or it was kept for a day, or forgotten`,
      );
    };
    const taken = ({ command, asked, size, sha256 }: Brought): AuditDetail => ({
      id: command.id,
      path: asked,
      size,
      sha256,
    });

    app.route({
      ...served("addFilePart"),
      bodyLimit: 2 * maxPartBytes,
      handler: async (request) => {
        const { sha256 } = request.params;
        const { size, at, data } = request.body;
        try {
          const part = { sha256, size, at, data: Buffer.from(data, "base64") };
          const before = transfers.uploads.have(sha256, size);
          const have = await transfers.uploads.add(part, whoAsks(request).who);
          if (have === size && before < size)
            audit.note({ ...whoAsks(request), what: "file.given", on: sha256, detail: { size } });
          return { have };
        } catch (thrown) {
          throw thrown instanceof FileTrouble ? new HttpError(507, thrown.message) : thrown;
        }
      },
    });

    app.route({
      ...served("getFile"),
      handler: async (request, reply) => {
        const file = brought(request.params.id, request.query.device, limitOf(request));
        audit.note({ ...whoAsks(request), what: "file.taken", on: file.device, detail: taken(file) });
        // What a device's file says is nothing for a browser to show.
        reply.type("application/octet-stream").header("cache-control", "no-store").header("content-length", file.size);
        reply.header("content-disposition", `attachment; filename*=UTF-8''${encodeURIComponent(file.called)}`);
        return reply.send(createReadStream(file.path) as never);
      },
    });

    app.route({
      ...served("getFilePart"),
      handler: async (request) => {
        const { device, at } = request.query;
        const file = brought(request.params.id, device, limitOf(request));
        const { size, sha256, called: name } = file;
        if (at === 0) audit.note({ ...whoAsks(request), what: "file.taken", on: file.device, detail: taken(file) });
        const data = await partOf(file.path, at, Math.min(maxPartBytes, Math.max(0, size - at)));
        return { name, size, sha256, at, data: data.toString("base64") };
      },
    });

    app.route({
      ...served("forgetFile"),
      handler: async (request, reply) => {
        const { command } = brought(request.params.id, request.query.device, limitOf(request));
        transfers.forget(command);
        reply.code(204);
        return null;
      },
    });
  };

/** Half a character, which JSON can say and no header, becomes the sign for it. */
function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

async function partOf(path: string, at: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
