import type { Json } from "#shared/messages/command";
import type { CommandState } from "../api/documents.ts";
import { request } from "../api/request.ts";
import type { JobSummary } from "./known.ts";

/** The console's HTTP API of jobs, one function a route. Each throws Problem with a sentence. */
export type RowState = "waiting" | CommandState;

export interface JobRow {
  readonly device: string;
  readonly state: RowState;
  readonly canary: boolean;
  readonly command: string | null;
  readonly sent: number | null;
  readonly ended: number | null;
  /** The result in a line, or why there is none. */
  readonly outcome: string | null;
  readonly progress?: number;
}

export interface Job extends JobSummary {
  readonly devices: readonly JobRow[];
}

export type Target =
  | { readonly all: true }
  | { readonly group: string }
  | { readonly where: string }
  | { readonly devices: readonly string[] };

export interface JobOrder {
  readonly key: string;
  readonly args?: Readonly<Record<string, Json>>;
  readonly target: Target;
  readonly rate?: number;
  readonly canary?: number;
  readonly abort?: { readonly failed: number; readonly min?: number };
  /** Milliseconds. */
  readonly ttl?: number;
  readonly timeout?: number;
}

const path = (id: string): string => `/api/jobs/${encodeURIComponent(id)}`;

export async function getJobs(): Promise<readonly JobSummary[]> {
  return (await request<{ jobs: readonly JobSummary[] }>("GET", "/api/jobs")).jobs;
}

export const getJob = (id: string): Promise<Job> => request("GET", path(id));
export const postJob = (order: JobOrder): Promise<Job> => request("POST", "/api/jobs", order);
export const changeJob = (id: string, change: "pause" | "resume"): Promise<Job> =>
  request("POST", `${path(id)}/${change}`);
export const cancelJob = (id: string): Promise<Job> => request("DELETE", path(id));

/** All groups with their devices. */
export async function getGroups(): Promise<Readonly<Record<string, readonly string[]>>> {
  return (await request<{ groups: Readonly<Record<string, readonly string[]>> }>("GET", "/api/groups")).groups;
}
