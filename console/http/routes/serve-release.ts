import { createReadStream } from "node:fs";
import type { ZodRoutes } from "../zod-routes.ts";
import { counted } from "#shared/counted";
import type { ReleaseShelf } from "../release-shelf.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

export interface ReleaseServed {
  readonly shelf: Pick<ReleaseShelf, "held" | "file">;
}

/** The release that agents update to. Its files are for everybody: what they are is signed, and nothing in them is secret. */
export const serveRelease =
  ({ shelf }: ReleaseServed): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("getRelease"),
      handler: async () => {
        const { targets, problem } = shelf.held;
        const files = targets?.files.map(({ name, target, size, sha256 }) => ({ name, target, size, sha256 })) ?? [];
        const release = targets && { version: targets.release, signed: targets.ts, expires: targets.expires, files };
        return { release: release ?? null, problem: problem ?? null };
      },
    });

    app.route({
      ...served("getReleaseFile"),
      handler: async (request, reply) => {
        const found = shelf.file(request.params.name);
        if (!found) throw new HttpError(404, "there is no such file of a release here");
        const { path, size } = found;
        const from = partIn(request.headers.range, size);
        reply.type("application/octet-stream").header("cache-control", "no-store").header("accept-ranges", "bytes");
        reply.header("content-length", size - from);
        if (from > 0) reply.code(206).header("content-range", `bytes ${from}-${size - 1}/${size}`);
        return reply.send(createReadStream(path, { start: from, end: size - 1 }) as never);
      },
    });
  };

/** Where a part begins that goes on to the end; any other range is answered by all of it, as is allowed. @throws HttpError beyond the end */
function partIn(range: string | undefined, size: number): number {
  const [, text] = /^bytes=(\d{1,15})-$/.exec(range ?? "") ?? [];
  const from = Number(text ?? 0);
  if (from >= size) throw new HttpError(416, `the file has ${counted(size, "byte")}`);
  return from;
}
