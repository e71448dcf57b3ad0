import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { asError, EnvironmentError, errorCode } from "#shared/errors";
import { forTerminal } from "#shared/printable";

/** A console, and by what it is known. */
export interface KnownConsole {
  readonly origin: string;
  /** Certificate authorities that alone are trusted, as PEM; undefined for those that everybody trusts. */
  readonly trust: string | undefined;
  /** Whoever answers is listened to, and not believed. */
  readonly blind?: boolean;
}

export interface Question {
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
  /** `NAME:SECRET`. */
  readonly login?: string;
}

export interface ConsoleAnswer {
  readonly status: number;
  readonly body: unknown;
  /** The console's time (epoch ms), where it says one. */
  readonly date: number | undefined;
}

/** Milliseconds for one question. */
const patience = 15_000;
/** Bytes of an answer at most: some certificates. */
const maxAnswerBytes = 256 * 1024;

/** @throws EnvironmentError with what to do where there is no answer, or nobody who can be believed */
export async function askConsole(
  { origin, trust, blind }: KnownConsole,
  { method = "GET", path, body, login }: Question,
): Promise<ConsoleAnswer> {
  const url = new URL(`${origin}${path}`);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    accept: "application/json",
    connection: "close",
    ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
    ...(login === undefined ? {} : { authorization: `Basic ${Buffer.from(login).toString("base64")}` }),
  };
  const believed = blind ? { rejectUnauthorized: false } : trust === undefined ? {} : { ca: trust };
  const options = { method, headers, agent: false as const, signal: AbortSignal.timeout(patience), ...believed };
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void => reject(explained(origin, asError(cause)));
    const asking = (url.protocol === "https:" ? secure : plain)(url, options, (answer) => {
      let said = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        said += chunk;
        if (said.length > maxAnswerBytes)
          answer.destroy(new Error(`the answer is longer than ${maxAnswerBytes} bytes`));
      });
      answer.on("error", failed);
      answer.on("end", () => {
        const date = Date.parse(answer.headers.date ?? "");
        resolve({
          status: answer.statusCode ?? 0,
          body: parsed(said),
          date: Number.isNaN(date) ? undefined : date,
        });
      });
    });
    asking.on("error", failed);
    asking.end(text);
  });
}

function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The console's own sentence of why not; or what came in its place. */
export function refusalIn({ status, body }: ConsoleAnswer): string {
  const detail = typeof body === "object" && body !== null && "detail" in body ? body.detail : undefined;
  return typeof detail === "string" ? forTerminal(detail, 600) : `it answered ${status}, and is perhaps no Muster`;
}

function explained(origin: string, cause: Error): EnvironmentError {
  const code = errorCode(cause) ?? "";
  if (code === "CERT_NOT_YET_VALID" || code === "CERT_HAS_EXPIRED")
    return new EnvironmentError(
      `the certificate of ${origin} is ${code === "CERT_HAS_EXPIRED" ? "over" : "not valid yet"} by this machine's clock, which says ${new Date().toISOString()}: if that is wrong, set the clock, and try again`,
      { cause },
    );
  if (/^(ERR_TLS|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/.test(code))
    return new EnvironmentError(
      `whoever answers at ${origin} is not the console that the code is of (${code}): nothing was sent to it. Somebody may be in between; or the console is reached by another name than its certificate has`,
      { cause },
    );
  const why =
    cause.name === "TimeoutError" || cause.name === "AbortError"
      ? `no answer in ${patience / 1_000} s`
      : cause.message || code;
  return new EnvironmentError(
    `${origin} cannot be reached (${why}): see whether it runs, and whether this machine's network leads there`,
    {
      cause,
    },
  );
}
