import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { deviceId } from "./document-schema.ts";

const groups = z.array(z.string().check(z.maxLength(64))).check(z.maxLength(100));
const groupsDocument = z.object({ device: z.string(), groups });
const params = z.object({ id: deviceId });

/** The groups that devices are in, for jobs to select by. */
export const groupRoutes = {
  listGroups: {
    summary: "All groups with their devices",
    role: "viewer",
    answers: { 200: z.object({ groups: z.record(z.string(), z.array(z.string())) }) },
  },
  getGroups: {
    summary: "The groups that a device is in",
    role: "viewer",
    params,
    answers: { 200: groupsDocument },
    problems: [404],
  },
  setGroups: {
    summary: "Put a device into these groups and no others",
    role: "operator",
    params,
    body: z.strictObject({ groups }),
    answers: { 200: groupsDocument },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
