import type { RefusedPayloadDocument } from "#api/refusal-routes";
import { hexDump, readableText } from "#shared/hex-dump";
import { forTerminal } from "#shared/printable";
import { asJson } from "./text-table.ts";

/** A message that was refused, as text where it is some, or byte by byte. */
export function refusedPayload(document: RefusedPayloadDocument, json = false): string {
  if (json) return asJson(document);
  const { topic, size, data } = document;
  const bytes = Buffer.from(data, "base64");
  const isWhole = bytes.length === size;
  const text = readableText(bytes, isWhole);
  const head = `${topic === null ? "" : `${forTerminal(topic)}: `}${size} bytes${isWhole ? "" : `, of which the first ${bytes.length}`}`;
  return `${head}\n${text === undefined ? hexDump(bytes) : forTerminal(text)}`;
}
