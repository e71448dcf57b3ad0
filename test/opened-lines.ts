import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import * as assert from "uvu/assert";
import { bundlePath } from "../tls/paths.ts";
import type { Running } from "./programs.ts";

interface Place {
  /** Its data directory, with its authority. */
  readonly data: string;
  readonly listen: string;
  readonly http: number;
  readonly mqtt: number;
  /** Where it is a free one, any. */
  readonly mqtts?: number;
}

/** What is said by a `muster start` of what is open beyond this machine by TLS, how it is reached and what it is trusted by. */
const byTls = ({ data, listen, http, mqtts }: Place): string[] => {
  const [host, ca, port] = [hostname(), bundlePath(data), mqtts ?? "PORT"];
  const fingerprint = new X509Certificate(readFileSync(ca)).fingerprint256.replaceAll(":", "").toLowerCase();
  return [
    `TLS, open to whoever reaches ${listen}:`,
    `  page     https://${host}:${http}`,
    `  broker   mqtts://${host}:${port}, and wss://${host}:${port}/mqtt`,
    `  CA       ${ca}, SHA-256 ${fingerprint}`,
    `  trust    mosquitto_pub --cafile ${ca} -h ${host} -p ${port} …`,
    `           curl --cacert ${ca} https://${host}:${http}/healthz`,
  ];
};

/** The lines of a start that say what is open to whom, by how it was started. */
const opened = {
  loopback: () => ["open to this machine alone"],
  tls: (place: Place) => [...byTls(place), "without TLS, open to this machine alone"],
  "--insecure-plaintext": (place: Place) => [
    ...byTls(place),
    `Warning: --insecure-plaintext opens MQTT (port ${place.mqtt}) and HTTP without TLS to whoever reaches ${place.listen}: everybody on the way reads passwords, and can change commands.`,
  ],
} as const;

/** Waits for them, and looks that there are these and no others. */
export async function assertOpened(server: Running, how: keyof typeof opened, place: Place): Promise<void> {
  const last = /^open to this machine alone|^without TLS,|^Warning: --insecure-plaintext/;
  await server.line(last);
  const from = server.lines.findIndex((line) => /^TLS, open|^open to/.test(line));
  const to = server.lines.findIndex((line) => last.test(line));
  // Its log is among them.
  const lines = server.lines.slice(from, to + 1).filter((line) => !line.startsWith("{"));
  const anyPort = (line: string): string => line.replaceAll(/(mqtts:\S+:|wss:\S+:|-p )\d+/g, "$1PORT");
  assert.equal(place.mqtts === undefined ? lines.map(anyPort) : lines, opened[how](place));
  assert.is(server.lines.filter((line) => last.test(line)).length, 1, "each is said once");
}
