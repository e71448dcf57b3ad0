import type { Json } from "#shared/messages/command";
import type {
  Command,
  Completeness,
  Damaged,
  Device,
  Health,
  LoggedIn,
  Metrics,
  OverBudget,
  Refused,
  Session,
  SetAside,
  Settled,
} from "./documents.ts";
import { request } from "./request.ts";

/** The console's HTTP API, one function a route. Each throws {@link Problem}. */
const path = (...parts: string[]): string => `/api/${parts.map(encodeURIComponent).join("/")}`;

export const getSession = (): Promise<Session> => request("GET", "/api/session");
export const postSession = (name: string, password: string): Promise<Session> =>
  request("POST", "/api/session", { name, password });
export const deleteSession = (): Promise<void> => request("DELETE", "/api/session");

export async function getSessions(): Promise<readonly LoggedIn[]> {
  return (await request<{ sessions: readonly LoggedIn[] }>("GET", "/api/sessions")).sessions;
}

export const endSession = (id: string): Promise<void> => request("DELETE", path("sessions", id));

/** Of people and programs. */
export async function getAccounts(): Promise<readonly Session[]> {
  return (await request<{ accounts: readonly Session[] }>("GET", "/api/accounts")).accounts;
}

export const deleteAccount = (name: string): Promise<void> => request("DELETE", path("accounts", name));

/** Answers also when something is wrong, which is when it matters: the status is then 503. */
export async function getHealth(): Promise<Health> {
  return (await (await fetch("/healthz")).json()) as Health;
}

export const getDamage = (): Promise<{ damaged: readonly Damaged[]; more: number }> =>
  request("GET", "/api/damage?limit=200");
export const deleteDamage = (): Promise<void> => request("DELETE", "/api/damage");

export async function getDevices(): Promise<readonly Device[]> {
  const devices: Device[] = [];
  for (let after: string | null = ""; after !== null;) {
    const search = after === "" ? "" : `?${new URLSearchParams({ after })}`;
    const page: { devices: readonly Device[]; next: string | null } = await request("GET", `/api/devices${search}`);
    devices.push(...page.devices);
    after = page.next;
  }
  return devices;
}

/** One device with all its newest values. */
export const getDevice = (id: string): Promise<Device> => request("GET", path("devices", id));

export const deleteDevice = (id: string): Promise<void> => request("DELETE", path("devices", id));

export const getCompleteness = (device: string): Promise<Completeness> =>
  request("GET", path("devices", device, "completeness"));

/** @param query `span` and `every` in milliseconds */
export function getMetrics(
  device: string,
  query: { measurement: string; field: string; span: number; every: number },
): Promise<Metrics> {
  const search = new URLSearchParams({
    measurement: query.measurement,
    field: query.field,
    from: `-${query.span / 1_000}s`,
    to: "now",
    every: `${query.every / 1_000}s`,
  });
  return request("GET", `${path("devices", device, "metrics")}?${search}`);
}

export async function getCommands(query: { device?: string; limit: number }): Promise<readonly Command[]> {
  const search = new URLSearchParams({ limit: String(query.limit) });
  if (query.device) search.set("device", query.device);
  return (await request<{ commands: readonly Command[] }>("GET", `/api/commands?${search}`)).commands;
}

export const getCommand = ({ id, device }: Pick<Command, "id" | "device">): Promise<Command> =>
  request("GET", `${path("commands", id)}?${new URLSearchParams({ device })}`);

/** @param device of one, or of all */
export async function getQuarantine(device?: string): Promise<readonly SetAside[]> {
  const search = new URLSearchParams({ limit: "200", ...(device === undefined ? {} : { device }) });
  return (await request<{ entries: readonly SetAside[] }>("GET", `${path("quarantine")}?${search}`)).entries;
}

/** @param device of one, or of everybody */
export async function getRefusals(device?: string): Promise<readonly Refused[]> {
  const search = device === undefined ? "" : `?${new URLSearchParams({ device })}`;
  return (await request<{ refusals: readonly Refused[] }>("GET", path("refusals") + search)).refusals;
}

export const deleteQuarantine = (device?: string): Promise<unknown> =>
  request("DELETE", path("quarantine") + (device === undefined ? "" : `?${new URLSearchParams({ device })}`));

export const settleField = (decision: { measurement: string; field: string; type: string }): Promise<Settled> =>
  request("POST", path("fields"), decision);

export const getSeries = (): Promise<{ budget: number; devices: readonly OverBudget[] }> =>
  request("GET", path("series"));

export interface NewCommand {
  readonly key: string;
  readonly args?: Record<string, Json>;
  /** How long the caller waits, in milliseconds. */
  readonly timeout?: number;
  /** How long the command may wait for the device to begin it, in milliseconds. */
  readonly ttl?: number;
}

/** Sends without waiting for the reply: the `command` events tell the rest. */
export const postCommand = (device: string, command: NewCommand): Promise<Command> =>
  request("POST", `${path("devices", device, "commands")}?wait=false`, command);

export const cancelCommand = ({ id, device }: Pick<Command, "id" | "device">): Promise<Command> =>
  request("DELETE", `${path("commands", id)}?${new URLSearchParams({ device })}`);
