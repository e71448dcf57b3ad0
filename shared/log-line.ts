import { counted } from "#shared/counted";
import { messageWithCauses } from "#shared/errors";
import { forTerminalJson } from "#shared/printable";

/** Characters of a line at most, about: a payload or a stack that somebody sent is not worth more. */
export const maxLogLineLength = 4_096;
/** Levels of objects in objects, and entries of one object or list. */
export const maxLogDepth = 4;
export const maxLogWidth = 32;
/** Characters of one text, such as a stack. */
const maxLogTextLength = 1_500;
const cut = "…";

/**
 * A copy of what is to be logged that JSON can write: of a bounded size, and made without a throw, whatever stands in it (circles, getters
 * that throw, numbers that JSON has not). Errors come with type, message (causes included) and stack.
 */
export function loggable(message: string, fields: object): { message: string; fields: Record<string, unknown> } {
  const room = { left: maxLogLineLength };
  // The sentence first: it is what must be left where there is no room for all.
  const text = shorten(message, room);
  const copy = copyObject(fields, room, 0);
  return { message: text, fields: isRecord(copy) ? copy : {} };
}

interface Room {
  left: number;
}

function copyValue(value: unknown, room: Room, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return shorten(value, room);
    case "bigint":
      return shorten(String(value), room);
    case "object":
      return value === null ? null : copyObject(value, room, depth);
    case "number":
    case "boolean":
      room.left -= 8;
      return value;
    default:
      return undefined;
  }
}

function copyObject(value: object, room: Room, depth: number): unknown {
  if (value instanceof Date) return shorten(Number.isNaN(value.getTime()) ? "no date" : value.toISOString(), room);
  if (ArrayBuffer.isView(value)) return counted(value.byteLength, "byte");
  if (value instanceof Map || value instanceof Set)
    return copyObject([...value].slice(0, maxLogWidth + 1), room, depth);
  if (depth >= maxLogDepth || room.left <= 0) return cut;
  if (Array.isArray(value)) {
    const list = value.slice(0, maxLogWidth).map((one: unknown) => copyValue(one, room, depth + 1));
    return value.length > maxLogWidth ? [...list, cut] : list;
  }
  const copy: Record<string, unknown> = value instanceof Error ? copyError(value, room) : {};
  let count = 0;
  for (const name of keysOf(value)) {
    // What an error has under these names is there already, in full.
    if (Object.hasOwn(copy, name)) continue;
    if ((count += 1) > maxLogWidth || room.left <= 0) {
      copy[cut] = "more";
      break;
    }
    const one = copyValue(read(value, name), room, depth + 1);
    if (one !== undefined) Object.defineProperty(copy, shorten(name, room), { value: one, enumerable: true });
  }
  return copy;
}

function copyError(error: Error, room: Room): Record<string, unknown> {
  const text = (of: () => unknown): string => shorten(attempt(of), room);
  return {
    type: text(() => error.name),
    message: text(() => messageWithCauses(error)),
    stack: text(() => error.stack),
  };
}

function attempt(of: () => unknown): string {
  try {
    return String(of());
  } catch {
    return "unreadable";
  }
}

function keysOf(value: object): string[] {
  try {
    return Object.keys(value);
  } catch {
    return [];
  }
}

function read(from: object, name: string): unknown {
  try {
    return (from as Record<string, unknown>)[name];
  } catch {
    return "unreadable";
  }
}

/** Takes what it needs of the room, counted as JSON writes it: a control character is six of its own. */
function shorten(text: string, room: Room): string {
  const most = Math.max(0, Math.min(maxLogTextLength, room.left));
  let short = text.length > most ? text.slice(0, most) + cut : text;
  let size = written(short);
  if (size > most + 16) {
    short = short.slice(0, Math.floor(most / 6)) + cut;
    size = written(short);
  }
  room.left -= size;
  return short;
}

/** Characters of a text as the log writes it. */
function written(text: string): number {
  return forTerminalJson(JSON.stringify(text)).length;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
