import { connectAsync, type MqttClient } from "mqtt";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { Topics } from "#shared/topics";
import { withDeadline } from "../test/suite.ts";
import type { Login } from "./accounts.ts";
import { hastyClock, patientKeepalive } from "./hasty-clock.ts";
import type { MqttVersion } from "./setting.ts";

const topics = new Topics();

/** A message that the watcher has seen at the broker. */
export interface Seen {
  readonly at: number;
  readonly topic: string;
  readonly text: string;
}

/** Messages remembered, for timelines: the newest. */
const most = 20_000;

/** The operator's own connection: it types commands, and sees what passes while it is connected. */
export class Watcher {
  readonly link: Link;
  readonly seen: Seen[] = [];

  constructor({ url, ca, username, password }: Login, mqttVersion: MqttVersion) {
    this.link = new Link({
      url,
      ca: () => ca,
      clientId: "chaos-watcher",
      username,
      password,
      version: mqttVersion,
      log: silentLog,
      clock: hastyClock,
      keepalive: patientKeepalive,
    });
    this.link.subscribe(
      (["short", "task", "reply", "refused"] as const).map((kind) => topics.filter(kind)),
      (message) => {
        const text = message.payload.toString("utf8").slice(0, 300);
        this.seen.push({ at: Date.now(), topic: message.topic, text: `${message.retain ? "(retained) " : ""}${text}` });
        if (this.seen.length > most) this.seen.splice(0, most / 2);
      },
    );
  }
}

/** The topics of the tasks that a fresh subscriber is given: what the broker has kept. */
export async function retainedTasks({ url, ca, username, password }: Login): Promise<string[]> {
  const login = {
    clientId: "chaos-fresh",
    username,
    password,
    protocolVersion: 4,
    reconnectPeriod: 0,
    connectTimeout: 4_000,
    ...(ca === undefined ? {} : { ca }),
  } as const;
  // Where the broker closes the connection before it has answered, mqtt.js would wait for ever.
  const client = await connectAsync(url, login, false);
  try {
    return await withDeadline(retainedBy(client), onePatience, "what a fresh subscriber is given");
  } finally {
    client.end(true);
  }
}

/** Seconds for one look; a round looks again. */
const onePatience = 4;

async function retainedBy(client: MqttClient): Promise<string[]> {
  const found: string[] = [];
  client.on("message", (topic, _payload, { retain }) => void (retain && found.push(topic)));
  await client.subscribeAsync(topics.filter("task"), { qos: 0 });
  // What was retained comes before the answer to the next request; a breath for brokers that do not keep the order.
  await client.subscribeAsync(topics.filter("refused"), { qos: 0 });
  await new Promise((resolve) => setTimeout(resolve, 10));
  return found;
}
