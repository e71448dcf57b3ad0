import mqtt from "mqtt";
import { ready, settingsOfChild } from "./children.ts";

/** What people write without Muster: an mqtt.js client that answers each request, as it comes out of the box. */
const client = mqtt.connect(settingsOfChild<{ url: string }>().url);
await client.subscribeAsync("device/cmd/+", { qos: 1 });
client.on("message", (topic, payload) => void client.publishAsync(topic.replace("cmd", "reply"), payload, { qos: 1 }));
ready();
