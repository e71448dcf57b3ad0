import * as http from "node:http";
import * as https from "node:https";
import type { InfluxAddress } from "./influx-url.ts";

/** Bytes of an answer at most: twice what the most points take. Parsing holds everything up, 10 ms a MiB. */
export const maxQueryAnswerBytes = 2 * 1024 * 1024;

/** InfluxDB has more to say than anybody wants to hear. */
export class LongAnswerError extends Error {}

/** Asks InfluxDB by HTTP, and hangs up on an answer that is too long; the package would gather all of it. */
export class InfluxReader {
  readonly #options: http.RequestOptions;
  readonly #path: string;
  readonly #request: typeof http.request;

  constructor({ origin, database, username, password }: InfluxAddress) {
    const { hostname, port, protocol } = new URL(origin);
    this.#request = protocol === "https:" ? https.request : http.request;
    this.#options = {
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port,
      ...(username ? { auth: `${username}:${password}` } : {}),
    };
    this.#path = `/query?${new URLSearchParams({ db: database, epoch: "ms" })}`;
  }

  /** @throws LongAnswerError, or Error with what went wrong on the way */
  async ask<T>(query: string, signal: AbortSignal): Promise<T> {
    const text = await this.#get(`${this.#path}&${new URLSearchParams({ q: query })}`, signal);
    return JSON.parse(text) as T;
  }

  #get(path: string, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = this.#request({ ...this.#options, path, signal }, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes <= maxQueryAnswerBytes) return;
          request.destroy();
          reject(new LongAnswerError(`more than ${maxQueryAnswerBytes} bytes`));
        });
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode = 0 } = response;
          const text = Buffer.concat(chunks).toString("utf8");
          // A query that is wrong is answered with 400 and a sentence in the same form.
          if (statusCode < 300 || statusCode === 400) resolve(text);
          else reject(new Error(`it answers ${statusCode}: ${text.slice(0, 300)}`));
        });
      });
      request.on("error", reject);
      request.end();
    });
  }
}
