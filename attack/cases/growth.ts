import { readFileSync } from "node:fs";
import { request } from "node:http";
import { eventually } from "../../test/suite.ts";
import { must, type Case } from "../case.ts";
import { appear, seen, topicsOf } from "../device.ts";
import type { Person, Place } from "../place.ts";
import { address, open } from "../raw.ts";

/** Messages of QoS 2 that are never released. */
export const unreleased: Case = {
  name: "unreleased-qos2",
  tries: "QoS 2 messages whose PUBREL never comes, under the device's id and others",
  async run({ place, device, budget }) {
    const count = Math.ceil(30_000 * budget.share);
    const payload = Buffer.alloc(8_000, "x");
    let [sent, connections] = [0, 0];
    for (let turn = 0; sent < count && turn < 200; turn++) {
      const clientId = turn % 4 === 0 ? device : `${device}-${turn}`;
      const peer = await place.enter(device, { clientId }).catch(() => undefined);
      if (!peer) continue;
      connections += 1;
      for (let at = 0; at < 2_000 && sent < count && peer.open; at++, sent++)
        await peer.publish(topicsOf(device).simple("qos2"), payload, { qos: 2 });
      if (peer.open) await peer.ping().catch(() => {});
      peer.leave();
    }
    must(connections > 0, "the device is not let in");
    return `${sent} messages on ${connections} connections${mosquittoMemory(place)}`;
  },
};

function mosquittoMemory({ mosquittoPid }: Place): string {
  if (mosquittoPid === 0) return "";
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${mosquittoPid}/status`, "utf8"))?.[1];
  return `, Mosquitto has ${Math.round(Number(kib) / 1_024)} MiB`;
}

/** Bytes of log that one attack may write, however long it goes on. */
const maxLog = 256 * 1024;
/** Messages on `refused` that one device may bring about within seconds. */
const maxRefusals = 200;

/** Things to complain about, each different. */
export const complaints: Case = {
  name: "complaints",
  tries: "20,000 messages that are refused for 20,000 reasons, and 1,000 broken connections",
  async run({ place, device, budget }) {
    const before = place.server.logBytes;
    const peer = await appear(place, device);
    const watcher = await place.enter("vera", { clientId: "vera-watching" }).catch(() => undefined);
    let heard = 0;
    watcher?.onMessage(() => (heard += 1));
    await watcher?.subscribe(topicsOf(device).refused);
    const count = Math.ceil(20_000 * budget.share);
    const { status, metrics, simple, reply } = topicsOf(device);
    for (let at = 0; at < count; at++) {
      const nonsense = `{"${at}":${"[".repeat(at % 5)}${at}`;
      const wrong = JSON.stringify({ [`wrong${at}`]: at });
      const topic = [status, metrics, simple(`m${at}`), reply(`id${at}`)][at % 4] ?? status;
      await peer.publish(topic, at % 8 < 4 ? nonsense : wrong, { qos: at % 100 === 0 ? 1 : 0 });
    }
    await seen(place, peer, device);
    const broken = Math.ceil(1_000 * budget.share);
    for (let at = 0; at < broken; at += 50) {
      const sockets = Array.from({ length: 50 }, (_, nth) => open(place.mqtt, address(nth)));
      await Promise.all(
        sockets.map(async (socket, nth) => {
          socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, nth]));
          await eventually("the broken connection's end", () => socket.closed, 10).catch(() => socket.destroy());
        }),
      );
    }
    const logged = place.server.logBytes - before;
    peer.leave();
    watcher?.leave();
    must(logged <= maxLog, `${count} refused messages and ${broken} connections wrote ${logged} bytes of log`);
    must(heard <= maxRefusals, `${heard} messages were sent on refused`);
    return `${count} messages, ${broken} connections: ${logged} bytes of log, ${heard} on refused`;
  },
};

/** Event streams that one account may have at once, generously. */
const maxStreams = 100;

/** Event streams without end. */
export const streams: Case = {
  name: "event-streams",
  tries: "1,500 event streams of one viewer",
  async run({ place, budget }) {
    const count = Math.max(300, Math.ceil(1_500 * budget.share));
    const statuses: number[] = [];
    const closers: (() => void)[] = [];
    for (let at = 0; at < count; at += 50) {
      const opened = Array.from({ length: 50 }, (_, nth) => stream(place, "vera", address((at + nth) % 100)));
      for (const { status, close } of await Promise.all(opened)) {
        statuses.push(status);
        closers.push(close);
      }
    }
    const granted = statuses.filter((status) => status === 200).length;
    const other = await stream(place, "olaf", undefined);
    closers.push(other.close);
    for (const close of closers) close();
    must(granted <= maxStreams, `${granted} of ${count} event streams were granted`);
    must(other.status === 200, `another account's event stream is answered ${other.status}`);
    must(!statuses.some((status) => status === 500), "an event stream is answered 500");
    return `${count} asked for, ${granted} granted`;
  },
};

/** Opens an event stream. @returns status 0 when it is cut off unanswered */
export function stream(
  place: Place,
  who: Person,
  from: string | undefined,
): Promise<{ status: number; close: () => void }> {
  return new Promise((resolve) => {
    const authorization = `Basic ${btoa(`${who}:${place.secretOf(who)}`)}`;
    const asked = request({
      host: "127.0.0.1",
      port: place.http,
      path: "/api/events",
      agent: false,
      headers: { authorization },
      ...(from === undefined ? {} : { localAddress: from }),
    });
    const done = (status: number): void => resolve({ status, close: () => asked.destroy() });
    asked.setTimeout(10_000, () => done(0));
    asked.on("error", () => done(0));
    asked.once("response", (response) => {
      response.on("data", () => {}).on("error", () => {});
      done(response.statusCode ?? 0);
    });
    asked.end();
  });
}

/** Retained messages under topics where nothing is ever retained. */
export const retained: Case = {
  name: "retained-leftovers",
  tries: "retained samples and replies that the broker would keep for ever",
  async run({ place, device, budget }) {
    const count = Math.ceil(500 * budget.share);
    const peer = await appear(place, device);
    const { simple, reply, metrics } = topicsOf(device);
    for (let at = 0; at < count; at++) {
      await peer.publish(simple(`kept${at}`), '{"a":1}', { retain: true });
      await peer.publish(reply(`kept${at}`), '{"id":"1","ts":1,"state":"accepted"}', { retain: true });
    }
    await peer.publish(metrics, "{}", { retain: true });
    await seen(place, peer, device);
    let left = -1;
    // Who reads afresh gets what is retained; the console itself reads everything, and people on the embedded broker.
    await eventually(
      "the broker without leftovers",
      async () => (left = await leftovers(place, device)) === 0,
      10,
    ).catch(() => {});
    peer.leave();
    must(left === 0, `${left} of ${2 * count + 1} retained messages are left`);
    return `${2 * count + 1} retained, none left`;
  },
};

async function leftovers(place: Place, device: string): Promise<number> {
  const reader = await place.enter("vera", { clientId: `vera-${Math.random()}` });
  await reader.subscribe(`${topicsOf(device).metrics}/#`, topicsOf(device).reply("+"));
  await reader.ping();
  const left = reader.messages.filter(({ retain }) => retain).length;
  reader.leave();
  return left;
}
