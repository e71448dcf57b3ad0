import * as z from "zod/mini";
import { time } from "./document-schema.ts";
import type { Route } from "./route.ts";

const file = z.object({ name: z.string(), target: z.string(), size: z.number(), sha256: z.string() });

/** What the console holds for agents to update to. */
export const releaseDocument = z.object({
  /** Null where it holds none that counts. */
  release: z.nullable(z.object({ version: z.string(), signed: time, expires: time, files: z.array(file) })),
  /** What a person should look at. */
  problem: z.nullable(z.string()),
});

export const releaseRoutes = {
  getRelease: {
    summary: "The release of the agent that the console holds, to which update brings devices",
    role: "viewer",
    answers: { 200: releaseDocument },
  },
  getReleaseFile: {
    summary: "The release's manifest.json, or a file that it names; what is asked for by Range: bytes=N- begins there",
    params: z.object({ name: z.string().check(z.maxLength(100)) }),
    answers: { 200: z.string(), 206: z.string() },
    problems: [404, 416],
  },
} as const satisfies Record<string, Route>;
