import { noteServerTime } from "../state/now.ts";

/** A request that did not succeed. `message` is the console's sentence; `status` is 0 where nobody answered. */
export class Problem extends Error {
  override readonly name = "Problem" as const;
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

let signedOut: () => void = () => {};

/** Calls `listener` whenever the console no longer knows this session (401). */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

/** One JSON request to the console. @throws Problem with a sentence for people */
export async function request<T>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, headers: { accept: "application/json" } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { accept: "application/json", "content-type": "application/json" };
  }
  const response = await fetch(path, init).catch(() => {
    throw new Problem(0, "The console did not answer. It may be restarting, or the network is down.");
  });
  noteServerTime(response.headers.get("date"));
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  if (response.status === 401) signedOut();
  throw new Problem(response.status, await sentence(response));
}

/** The `detail` of an application/problem+json answer, or the bare status where a proxy answered instead. */
async function sentence(response: Response): Promise<string> {
  const fallback = `The console answered ${response.status} ${response.statusText}`.trim() + ".";
  try {
    const problem = (await response.json()) as { title?: string; detail?: string };
    return problem.detail ?? problem.title ?? fallback;
  } catch {
    return fallback;
  }
}
