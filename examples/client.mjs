// A program that talks to a running console: it lists the fleet, sends a command, and hears what happens.
import { ApiError, createClient, pages } from "muster/client";

const client = createClient({
  url: process.env.MUSTER_URL ?? "http://127.0.0.1:3000",
  login: process.env.MUSTER_TOKEN, // NAME:PASSWORD, or a token
});

for await (const { devices } of pages((after) => client.listDevices({ after })))
  for (const { id, online, problem } of devices) console.log(id, online ? "online" : "offline", problem ?? "");

const stop = new AbortController();
const events = client.events({ device: "rpi-7" }, stop.signal);
await events.next(); // from here on nothing is missed
try {
  const sent = await client.sendCommand("rpi-7", { key: "ping" }, { wait: false });
  for await (const { event, data } of events) {
    if (event !== "command" || data.id !== sent.id) continue;
    console.log(data.key, data.state);
    if (data.ended !== undefined) break;
  }
} catch (error) {
  if (!(error instanceof ApiError)) throw error;
  console.log(error.status, error.problem?.reason, error.message); // 409 offline rpi-7 is offline …
} finally {
  stop.abort();
}
