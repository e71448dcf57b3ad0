import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { Journal } from "../journal.ts";
import { simpleDevice } from "../setting.ts";
import type { Fleet } from "../fleet.ts";
import type { Site } from "../site.ts";

/** A simple sample whose PUBACK came at `on`. */
export interface Promised {
  readonly at: number;
  readonly n: number;
  readonly on: number;
}

interface SenderFleet extends Pick<Fleet, "login"> {
  readonly site: Pick<Site, "directory">;
}

/** Milliseconds between two samples, and that one waits for its PUBACK. */
const beat = 25;
const patience = 1_500;

/** A sensor that keeps nothing: it publishes one sample after the other at QoS 1, and writes down those whose PUBACK came. */
export class SimpleSender {
  readonly #fleet: SenderFleet;
  readonly #promised: Journal;
  #client: MqttClient | undefined;
  #going = false;
  #loop: Promise<void> = Promise.resolve();
  #n = Date.now() * 1_000;

  constructor(fleet: SenderFleet) {
    this.#fleet = fleet;
    this.#promised = new Journal(`${fleet.site.directory}/promised.jsonl`);
  }

  start(): void {
    if (this.#going) return;
    this.#going = true;
    this.#loop = this.#send();
  }

  /** Sends nothing more, and resolves when the last has been answered. */
  async pause(): Promise<void> {
    this.#going = false;
    await this.#loop;
  }

  async stop(): Promise<void> {
    await this.pause();
    await this.#client?.endAsync(true);
    this.#promised.close();
  }

  async #send(): Promise<void> {
    while (this.#going) {
      try {
        const client = (this.#client ??= await this.#connect());
        const at = Date.now();
        const sample = { at, n: ++this.#n };
        const payload = JSON.stringify({ ts: at, values: { n: sample.n } });
        const answer = client.publishAsync(`muster/${simpleDevice}/metrics/simple`, payload, { qos: 1 });
        const taken = answer.then(
          () => true,
          () => false,
        );
        if (!(await Promise.race([taken, sleep(patience)]))) throw new Error("no PUBACK");
        this.#promised.add({ ...sample, on: Date.now() } satisfies Promised);
      } catch {
        // It may come again by a new connection; its sender does not know, and makes a new one.
        this.#client?.end(true);
        this.#client = undefined;
      }
      await sleep(beat);
    }
  }

  #connect(): Promise<MqttClient> {
    const { url, ca, username, password } = this.#fleet.login(simpleDevice);
    const login = {
      clientId: simpleDevice,
      username,
      password,
      protocolVersion: 4,
      reconnectPeriod: 0,
      connectTimeout: 1_000,
      ...(ca === undefined ? {} : { ca }),
    } as const;
    // Where the broker closes the connection before it has answered, mqtt.js would wait for ever.
    return connectAsync(url, login, false);
  }
}
