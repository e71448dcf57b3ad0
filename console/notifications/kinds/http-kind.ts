import type { HttpAnswer, TryOutcome } from "../try-outcome.ts";
import type { Notice } from "../notice.ts";

/** One notice on its way. */
export interface Outgoing {
  readonly notice: Notice;
  /** The same for each try: by which the other side knows one that comes twice. */
  readonly key: string;
  /** Epoch ms: when it goes out. */
  readonly now: number;
}

/** Reads the channel's settings. */
export type SettingReader = (name: string) => string;

export interface HttpRequest {
  readonly method: "POST" | "PUT";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** PEM of the authorities that the other side's certificate may come from; the system's where it is empty. */
  readonly ca?: string;
}

/** A channel to a service over HTTP: what it is asked, and what its answer means. Functions alone, so that each service's rules are a table of cases. */
export interface HttpKind {
  readonly request: (outgoing: Outgoing, setting: SettingReader) => HttpRequest;
  /** What the service's own words mean; undefined where its status says it all. */
  readonly judge?: (answer: HttpAnswer, now: number) => TryOutcome | undefined;
}

/** A request with a JSON body. */
export function jsonRequest(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  method: "POST" | "PUT" = "POST",
): HttpRequest {
  return {
    method,
    url,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(body),
  };
}

/** An address of a service below the server that somebody has named. */
export function below(server: string, path: string): string {
  return `${server.replace(/\/+$/, "")}${path}`;
}
