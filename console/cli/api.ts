import { asError, EnvironmentError, errorCode } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import type { CommandDocument, DeviceDocument } from "../http/documents.ts";
import type { CompletenessDocument } from "../http/routes/completeness.ts";
import type { ConflictDocument, SettledDocument } from "../http/routes/fields.ts";
import type { QuarantineDocument, SeriesDocument } from "../http/routes/quarantine.ts";
import type { RefusedDocument } from "../http/routes/refusals.ts";
import type { SessionDocument } from "../http/routes/session.ts";
import type { JobDocument, JobSummaryDocument } from "../jobs/document.ts";

/** The console said no: its sentence, and what came with it. */
export class ApiError extends Error {
  override readonly name = "ApiError" as const;
  constructor(
    readonly status: number,
    message: string,
    readonly command?: CommandDocument,
  ) {
    super(message);
  }
}

/** One event of the console's stream. */
export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

/** The console's HTTP API, as the command line uses it. */
export class Api {
  readonly #url: string;
  readonly #authorization: string;
  readonly #refused: string;

  /** @param token a bearer token, or `NAME:PASSWORD` @param refused what to tell where the console does not take it */
  constructor(url: string, token: string, refused = "the console does not take this login") {
    this.#url = url.replace(/\/$/, "");
    this.#refused = refused;
    this.#authorization = token.includes(":") ? `Basic ${Buffer.from(token).toString("base64")}` : `Bearer ${token}`;
  }

  async devices(): Promise<readonly DeviceDocument[]> {
    return this.#ofFleet("/api/devices");
  }

  device(id: string): Promise<DeviceDocument> {
    return this.#ask("GET", `/api/devices/${encodeURIComponent(id)}`);
  }

  async completeness(): Promise<readonly CompletenessDocument[]> {
    return this.#ofFleet("/api/completeness");
  }

  /** A list by devices, page by page; a console of before there were pages has it in one. */
  async #ofFleet<T>(path: string): Promise<readonly T[]> {
    const devices: T[] = [];
    for (let after: string | null | undefined = ""; after !== null && after !== undefined;) {
      const page: { devices: T[]; next?: string | null } = await this.#ask(
        "GET",
        `${path}${after === "" ? "" : `?${new URLSearchParams({ after })}`}`,
      );
      devices.push(...page.devices);
      after = page.next;
    }
    return devices;
  }

  /** Newest first, page by page until there are `limit`. */
  async commands({
    limit,
    ...query
  }: Readonly<Record<string, string | undefined>> & { readonly limit: string }): Promise<readonly CommandDocument[]> {
    const commands: CommandDocument[] = [];
    for (let next: string | null | undefined; next !== null;) {
      const left = commands.length === 0 ? limit : String(Number(limit) - commands.length);
      const asked = Object.entries({ ...query, limit: left, before: next });
      const parameters = new URLSearchParams(
        asked.filter((entry): entry is [string, string] => entry[1] !== undefined),
      );
      const page = await this.#ask<{ commands: CommandDocument[]; next?: string | null }>(
        "GET",
        `/api/commands?${parameters}`,
      );
      commands.push(...page.commands);
      next = commands.length < Number(limit) ? (page.next ?? null) : null;
    }
    return commands;
  }

  /** @param device whose command it is, where several devices have had one of this id */
  command(id: string, device?: string): Promise<CommandDocument> {
    return this.#ask("GET", `/api/commands/${encodeURIComponent(id)}${ofDevice(device)}`);
  }

  /** Hands a command in; its end is watched on {@link events} or asked for. */
  send(device: string, order: object): Promise<CommandDocument> {
    return this.#ask("POST", `/api/devices/${encodeURIComponent(device)}/commands?wait=false`, order);
  }

  cancel(id: string, device?: string): Promise<CommandDocument> {
    return this.#ask("DELETE", `/api/commands/${encodeURIComponent(id)}${ofDevice(device)}`);
  }

  async refusals(device: string | undefined): Promise<readonly RefusedDocument[]> {
    return (await this.#ask<{ refusals: RefusedDocument[] }>("GET", `/api/refusals${ofDevice(device)}`)).refusals;
  }

  quarantine(device: string | undefined): Promise<QuarantineDocument> {
    return this.#ask("GET", `/api/quarantine${ofDevice(device)}`);
  }

  async forgetQuarantine(device: string | undefined): Promise<number> {
    return (await this.#ask<{ forgotten: number }>("DELETE", `/api/quarantine${ofDevice(device)}`)).forgotten;
  }

  async conflicts(): Promise<readonly ConflictDocument[]> {
    return (await this.#ask<{ conflicts: ConflictDocument[] }>("GET", "/api/fields")).conflicts;
  }

  settleField(decision: { measurement: string; field: string; type: string }): Promise<SettledDocument> {
    return this.#ask("POST", "/api/fields", decision);
  }

  series(): Promise<SeriesDocument> {
    return this.#ask("GET", "/api/series");
  }

  async jobs(limit: string): Promise<readonly JobSummaryDocument[]> {
    return (await this.#ask<{ jobs: JobSummaryDocument[] }>("GET", `/api/jobs?${new URLSearchParams({ limit })}`)).jobs;
  }

  job(id: string): Promise<JobDocument> {
    return this.#ask("GET", `/api/jobs/${encodeURIComponent(id)}`);
  }

  createJob(order: object): Promise<JobDocument> {
    return this.#ask("POST", "/api/jobs", order);
  }

  changeJob(id: string, change: "pause" | "resume"): Promise<JobDocument> {
    return this.#ask("POST", `/api/jobs/${encodeURIComponent(id)}/${change}`);
  }

  cancelJob(id: string): Promise<JobDocument> {
    return this.#ask("DELETE", `/api/jobs/${encodeURIComponent(id)}`);
  }

  async groups(device: string): Promise<readonly string[]> {
    return (await this.#ask<{ groups: string[] }>("GET", groupsPath(device))).groups;
  }

  async setGroups(device: string, groups: readonly string[]): Promise<readonly string[]> {
    return (await this.#ask<{ groups: string[] }>("PUT", groupsPath(device), { groups })).groups;
  }

  async sessions(): Promise<readonly SessionDocument[]> {
    return (await this.#ask<{ sessions: SessionDocument[] }>("GET", "/api/sessions")).sessions;
  }

  async endSession(id: string): Promise<void> {
    await this.#ask("DELETE", `/api/sessions/${encodeURIComponent(id)}`);
  }

  /** The console's events, until `signal` aborts or the console goes. */
  async *events(query: Readonly<Record<string, string>>, signal: AbortSignal): AsyncGenerator<StreamEvent> {
    const response = await this.#fetch("GET", `/api/events?${new URLSearchParams(query)}`, undefined, signal);
    if (!response.ok || !response.body) throw await this.#toError(response);
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event) yield event;
      }
    }
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.#fetch(method, path, body);
    if (!response.ok) throw await this.#toError(response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  async #toError(response: Response): Promise<ApiError> {
    const { status } = response;
    if (status === 401) return new ApiError(status, this.#refused);
    const body = (await response.json().catch(() => ({}))) as {
      detail?: string;
      command?: CommandDocument;
      reason?: string;
    };
    const detail = inVerbs(body.detail ?? `the console answered ${status}`);
    const unlisted = body.reason === "unknown-device" && !detail.includes("muster devices");
    return new ApiError(status, unlisted ? `${detail}; muster devices lists them` : detail, body.command);
  }

  async #fetch(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { authorization: this.#authorization, accept: "application/json" };
    if (body) headers["content-type"] = "application/json";
    try {
      const response = await fetch(this.#url + path, {
        method,
        // The token is for this address, and for no other that it names.
        redirect: "manual",
        headers,
        ...(body ? { body: JSON.stringify(body) } : {}),
        ...(signal ? { signal } : {}),
      });
      if (response.status < 300 || response.status >= 400) return response;
      const elsewhere = forTerminal(response.headers.get("location") ?? "nowhere", 200);
      throw new ApiError(
        response.status,
        `${this.#url} leads on to ${elsewhere}: set MUSTER_URL to the console itself`,
      );
    } catch (cause) {
      if (cause instanceof ApiError) throw cause;
      if (signal?.aborted) throw cause;
      const code = errorCode(asError(cause).cause) ?? asError(cause).message;
      throw new EnvironmentError(
        `no console answers at ${this.#url} (${code}): start it with npm start, or set MUSTER_URL`,
        { cause },
      );
    }
  }
}

const ofDevice = (device: string | undefined): string =>
  device === undefined ? "" : `?${new URLSearchParams({ device })}`;
const groupsPath = (device: string): string => `/api/devices/${encodeURIComponent(device)}/groups`;

/** The console speaks to programs of its API; who types commands is told of the verbs that do the same. */
function inVerbs(detail: string): string {
  return detail
    .replace(/GET \/api\/(devices|commands|jobs|sessions|quarantine)\b(?!\/)/g, "muster $1")
    .replace(/GET \/api\/fields\b/g, "muster field");
}

function parseEvent(block: string): StreamEvent | undefined {
  const lines = block.split("\n");
  const event = lines.find((line) => line.startsWith("event: "))?.slice(7);
  const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
  return event === undefined || data === undefined ? undefined : { event, data: JSON.parse(data) as unknown };
}
