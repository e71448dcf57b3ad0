import type * as z from "zod/mini";

/** What one route of the API takes and tells. Its method and path stand in `addresses.ts`. */
export interface Route {
  readonly summary: string;
  /** Who may ask, and everybody above them; left out where nobody needs to be logged in. */
  readonly role?: "viewer" | "operator" | "admin" | undefined;
  /** Whether it is about the whole fleet, and so not for those who are limited to groups of devices. */
  readonly fleet?: true;
  /**
   * Whether it decides who may come in, and so is for people alone, by a session or name and password, and for the command line on the console's
   * machine. A program's token would otherwise make itself a login without an end, or take its owner's second factor away.
   */
  readonly person?: true;
  readonly params?: z.core.$ZodType<object, object> | undefined;
  readonly query?: z.core.$ZodType<object, object> | undefined;
  readonly body?: z.core.$ZodType<object, object> | undefined;
  /** What is answered when all went well, by status. */
  readonly answers: Readonly<Record<number, z.core.$ZodType>>;
  /** Statuses of its own with which it says no; those that any route may answer are left out. */
  readonly problems?: readonly number[];
}

/** Which part of a path names the device that the route is about: who may not reach that one is told that there is none. */
export function devicePart(path: string): string | undefined {
  return /^\/api\/(?:devices|collector)\/:(\w+)/.exec(path)?.[1];
}

/** Every status with which a route says no, in order: its own, and what any route says of such input and such a login. */
export function problemsOf({ role, params, query, body, problems = [] }: Omit<Route, "summary" | "answers">): number[] {
  const input = params || query || body ? [400] : [];
  const login = role ? [401, 403] : [];
  const large = body ? [413, 415] : [];
  return [...new Set([...input, ...login, ...large, ...problems, 429, 503])].sort((a, b) => a - b);
}
