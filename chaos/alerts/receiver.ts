import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A notice that was taken, with how the alert is called and when it began (epoch ms). */
export interface Received {
  readonly alert: string;
  readonly kind: string;
  readonly device: string | null;
  readonly since: number;
  /** When it came, epoch ms. */
  readonly on: number;
}

/** Whether it takes what comes and says so; takes it and ends the connection without a word; refuses it for now; or ends the connection at once. */
export const moods = ["takes", "takes and hangs up", "refuses", "hangs up"] as const;
export type Mood = (typeof moods)[number];

/** Where people hear of alerts: a receiver of webhooks in this process, which nobody kills, and which has moods. */
export class Receiver {
  readonly received: Received[] = [];
  mood: Mood = "takes";
  readonly #rule: string;
  readonly #server = createServer((request, response) => void this.#take(request, response));

  /** @param rule whose notices are noted: those of others, as of a clone, go by the same channel */
  constructor(rule: string) {
    this.#rule = rule;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { mood } = this;
    try {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      if (mood.startsWith("takes")) this.#note(Buffer.concat(parts).toString("utf8"));
    } catch {
      // The other side was killed while it spoke: that was no notice.
    }
    if (mood.endsWith("hangs up")) response.destroy();
    else response.writeHead(mood === "takes" ? 204 : 503).end();
  }

  #note(body: string): void {
    const { alert, kind, device, since, rule } = JSON.parse(body) as Omit<Received, "since"> &
      Record<"since" | "rule", string>;
    if (rule !== this.#rule) return;
    this.received.push({ alert, kind, device, since: Date.parse(since), on: Date.now() });
  }
}
