import * as z from "zod/mini";
import { maxFileBytes, maxPartBytes } from "#shared/files/file-bounds";
import { fileHash } from "#shared/messages/file-messages";
import { count } from "#shared/messages/payload-schema";
import { about, commandId, deviceId } from "./document-schema.ts";
import type { Route } from "./route.ts";

const data = about(
  z.string().check(z.maxLength(Math.ceil(maxPartBytes / 3) * 4), z.regex(/^[A-Za-z0-9+/]*={0,2}$/, "expected base64")),
  "the bytes, in base64",
);
const place = about(count, "the byte at which they begin");
const params = z.object({ id: commandId });
const device = z.optional(about(deviceId, "whose command it is: needed where several devices have had one of this id"));

export const fileRoutes = {
  addFilePart: {
    summary: "Give a part of a file to the console, to be put on devices by the command put",
    role: "operator",
    params: z.object({ sha256: fileHash }),
    body: z.strictObject({
      size: about(count.check(z.lte(maxFileBytes)), "bytes of the whole file"),
      at: place,
      data,
    }),
    answers: { 200: z.object({ have: about(count, "bytes that are there now: go on there") }) },
    problems: [507],
  },
  getFile: {
    summary: "The file that a command fetch has brought",
    role: "operator",
    params,
    query: z.object({ device }),
    answers: { 200: z.string() },
    problems: [404, 409],
  },
  getFilePart: {
    summary: "A part of that file",
    role: "operator",
    params,
    query: z.object({
      device,
      at: z.coerce.number().check(z.int(), z.gte(0)) as unknown as z.ZodMiniType<number, number>,
    }),
    answers: {
      200: z.object({ name: z.string(), size: about(count, "bytes of the whole"), sha256: fileHash, at: place, data }),
    },
    problems: [404, 409],
  },
  forgetFile: {
    summary: "Let go of that file at the console, before its day is over",
    role: "operator",
    params,
    query: z.object({ device }),
    answers: { 204: z.null() },
    problems: [404, 409],
  },
} as const satisfies Record<string, Route>;
