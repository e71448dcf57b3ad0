import { eventually } from "../test/suite.ts";
import type { Peer } from "./peer.ts";
import type { Place } from "./place.ts";

/** The topics of one device; the attacker's own words, so that a mistake of Muster's cannot hide in both. */
export const topicsOf = (device: string) => ({
  status: `muster/${device}/status`,
  metrics: `muster/${device}/metrics`,
  simple: (measurement: string) => `muster/${device}/metrics/${measurement}`,
  reply: (id: string) => `muster/${device}/reply/${id}`,
  task: (id: string) => `muster/${device}/cmd/${id}`,
  short: `muster/${device}/cmd`,
  ack: `muster/${device}/ack`,
  refused: `muster/${device}/refused`,
});

/** A birth that passes, with changes. */
export function birth(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    v: 1,
    online: true,
    boot: "boot1",
    session: "session1",
    instance: "attack",
    agent: "attacker 1.0",
    ts: Date.now(),
    interval: 1_000,
    paused: false,
    collectors: { cpu: true },
    commands: { ping: { title: "Ping" }, hold: { title: "Wait" } },
    facts: { os: "linux" },
    ...changes,
  };
}

/** A batch that passes, with changes. */
export function batch(seq: number, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    v: 1,
    outbox: "attack",
    seq,
    t: Date.now() - 1_000,
    dt: [0, 10, 20],
    m: [{ n: "probe", f: { value: [1, 2, 3] } }],
    ...changes,
  };
}

/** A device that is logged in, born and hears its tasks. */
export async function appear(
  place: Place,
  device: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<Peer> {
  const peer = await place.enter(device);
  const { status, ack } = topicsOf(device);
  await peer.subscribe(`muster/${device}/cmd/+`, ack);
  await peer.publish(status, JSON.stringify(birth(changes)), { retain: true });
  await eventually(`${device} at the console`, async () => {
    const answer = await place.ask(`/api/devices/${device}`, { as: "vera" });
    return answer.status === 200 && (JSON.parse(answer.text) as { online: boolean }).online;
  });
  // The series of its marker exists from now on: what the case does to the device's budget of series does not touch it.
  await seen(place, peer, device);
  return peer;
}

/** A command to a device that is not awaited. @returns its id */
export async function order(place: Place, device: string, body: Readonly<Record<string, unknown>>): Promise<string> {
  const { status, text } = await place.ask(`/api/devices/${device}/commands?wait=false`, {
    as: "olaf",
    method: "POST",
    body,
  });
  if (status !== 202) throw new Error(`the command for ${device} is answered ${status}: ${text.slice(0, 300)}`);
  return (JSON.parse(text) as { id: string }).id;
}

/** Where a command stands. */
export async function stateOf(place: Place, id: string): Promise<string> {
  return (await place.read<{ state: string }>(`/api/commands/${id}`)).state;
}

let marks = 0;

/** Resolves once the console has seen everything that `peer` has published before: it has taken a sample that came after. */
export async function seen(place: Place, peer: Peer, device: string): Promise<void> {
  const mark = (marks += 1);
  await peer.publish(topicsOf(device).simple("marker"), JSON.stringify({ mark }));
  const path = `/api/devices/${device}/metrics?measurement=marker&field=mark&from=-10m&every=0`;
  await eventually(
    `the marker of ${device}`,
    async () => {
      const { status, text } = await place.ask(path, { as: "vera" });
      if (status !== 200) return false;
      const { series } = JSON.parse(text) as { series: { points: [number, number][] }[] };
      return series.some(({ points }) => points.some(([, value]) => value === mark));
    },
    30,
  );
}
