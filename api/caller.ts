import { EventSourceParserStream } from "eventsource-parser/stream";
import { addresses, type RouteAddress } from "./addresses.ts";
import { ApiError, UnreachableError } from "./api-errors.ts";
import type { ConsoleEvent, EventQuery } from "./event-routes.ts";
import type { ProblemDocument } from "./problem-document.ts";

export interface ClientOptions {
  /** Where the console is: `http://127.0.0.1:3000`. A page that the console serves leaves it out. */
  readonly url?: string;
  /** `NAME:PASSWORD`, or a token; a function where it changes. A page has its session's cookie instead. */
  readonly login?: string | (() => string);
  /** What sends the requests; by default the global one. */
  readonly fetch?: typeof fetch;
  /** What is thrown in place of an error: for a program that has words of its own. */
  readonly explain?: (error: ApiError | UnreachableError) => Error;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Sends what a client is called with, and reads what comes. */
export class Caller {
  readonly #url: string;
  readonly #login: () => string | undefined;
  readonly #send: typeof fetch;
  readonly #explain: (error: ApiError | UnreachableError) => Error;

  constructor({
    url = "",
    login,
    fetch: send = (...asked) => fetch(...asked),
    explain = (error) => error,
  }: ClientOptions) {
    this.#url = url.replace(/\/$/, "");
    this.#login = typeof login === "function" ? login : () => login;
    this.#send = send;
    this.#explain = explain;
  }

  async call(address: RouteAddress, call: readonly unknown[]): Promise<unknown> {
    const { path, rest } = pathOf(address, call);
    const body = address.body ? rest.shift() : undefined;
    const response = await this.#fetch(address, path + searchOf(rest[0] as Query | undefined), { body });
    if (!isAnswer(response, address)) throw await this.#no(response);
    if (response.status === 204) return undefined;
    const text = await this.#read(response);
    return address.text ? text : this.#parse(response.status, text);
  }

  async *events(query: EventQuery = {}, signal?: AbortSignal): AsyncGenerator<ConsoleEvent, void, void> {
    const response = await this.#fetch(addresses.events, addresses.events.path + searchOf(query), { signal });
    if (!response.ok || !response.body) throw await this.#no(response);
    const frames = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    const reader = frames.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read().catch((cause: unknown) => {
          // A connection that breaks is an end like any other: what became of the console shows when it is asked again.
          if (cause instanceof TypeError) return { done: true, value: undefined } as const;
          throw cause;
        });
        if (done) return;
        if (value.event !== undefined)
          yield { event: value.event, data: JSON.parse(value.data) as unknown } as ConsoleEvent;
      }
    } finally {
      // Whoever stops listening leaves no connection behind.
      await reader.cancel().catch(() => {});
    }
  }

  async #fetch(
    { method, text }: RouteAddress,
    path: string,
    { body, signal }: { readonly body?: unknown; readonly signal?: AbortSignal | undefined },
  ): Promise<Response> {
    const login = this.#login();
    const headers: Record<string, string> = { accept: text ?? "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (login !== undefined) headers["authorization"] = authorization(login);
    try {
      const response = await this.#send(this.#url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
        // A login is for this address, and for no other that it names.
        ...(login === undefined ? {} : { redirect: "manual" }),
      });
      return response;
    } catch (cause) {
      throw this.#broken(cause);
    }
  }

  async #read(response: Response): Promise<string> {
    try {
      return await response.text();
    } catch (cause) {
      throw this.#broken(cause);
    }
  }

  #parse(status: number, text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw this.#explain(
        new ApiError(status, `what answers at ${this.#where} is no console of Muster: it sent no JSON`),
      );
    }
  }

  /** `fetch` throws a TypeError where nobody answers; an aborted signal and what is not ours throw their own. */
  #broken(cause: unknown): unknown {
    if (!(cause instanceof TypeError)) return cause;
    const reason: unknown = cause.cause;
    const code =
      reason instanceof Error && "code" in reason && typeof reason.code === "string" ? reason.code : undefined;
    const message = `no console answers at ${this.#where} (${code ?? cause.message})`;
    return this.#explain(new UnreachableError(message, cause, code));
  }

  async #no(response: Response): Promise<Error> {
    const { status, statusText, headers } = response;
    const elsewhere = status >= 300 && status < 400 ? headers.get("location") : null;
    const problem = toProblem(await this.#read(response));
    const sentence =
      problem?.detail ??
      (elsewhere === null
        ? `the console answered ${status} ${statusText}`.trim()
        : `${this.#where} leads on to ${elsewhere}`);
    return this.#explain(new ApiError(status, sentence, problem));
  }

  get #where(): string {
    return this.#url || "its address";
  }
}

/** Where a status tells of a problem too, the console says so by the type. */
function isAnswer({ ok, status, headers }: Response, { alsoAnswers }: RouteAddress): boolean {
  return ok || (status === alsoAnswers && headers.get("content-type")?.startsWith("application/json") === true);
}

/** The path with the caller's parts in it, and what is left of the call. */
function pathOf({ path }: RouteAddress, call: readonly unknown[]): { path: string; rest: unknown[] } {
  const rest = [...call];
  return { path: path.replace(/:\w+/g, () => encodeURIComponent(String(rest.shift()))), rest };
}

function searchOf(query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`;
}

/** A name with its password goes as basic credentials: in UTF-8, which `btoa` does not take. */
function authorization(login: string): string {
  if (!login.includes(":")) return `Bearer ${login}`;
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(login)))}`;
}

function toProblem(text: string): ProblemDocument | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string"
      ? (body as ProblemDocument)
      : undefined;
  } catch {
    return undefined;
  }
}
