import { request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The API was not there: nothing was sent. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError" as const;
}

/** The console's HTTP API, a connection a request: one that breaks is this request's own. */
export class Api {
  readonly #port: number;
  readonly #token: () => string;

  constructor(port: number, token: () => string) {
    this.#port = port;
    this.#token = token;
  }

  /** @throws UnreachableError when nothing was sent; another Error when the connection broke before the answer */
  ask(method: string, path: string, body?: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const payload = body ? JSON.stringify(body) : undefined;
      const asked = request({
        host: "127.0.0.1",
        port: this.#port,
        method,
        path,
        agent: false,
        timeout: 10_000,
        headers: {
          authorization: `Bearer ${this.#token()}`,
          accept: "application/json",
          ...(payload ? { "content-type": "application/json", "content-length": Buffer.byteLength(payload) } : {}),
        },
      });
      asked.on("timeout", () => asked.destroy(new Error("no answer within 10 s")));
      asked.on("error", (error: NodeJS.ErrnoException) =>
        reject(error.code === "ECONNREFUSED" ? new UnreachableError("connection refused", { cause: error }) : error),
      );
      asked.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parse(text) }));
      });
      asked.end(payload);
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
