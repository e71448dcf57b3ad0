import { must, type Case } from "../case.ts";
import type { Place } from "../place.ts";
import { address, say } from "../raw.ts";

/** Milliseconds that somebody with the right secret may have to wait while others guess. */
const patience = 5_000;

/** How many times longer the one may take before the time tells that there is such a name; hashing is twenty times of all else. */
const telling = 4;

/** The quickest of some refusals, in milliseconds: whatever else the machine does only adds to it. */
async function quickest(place: Place, name: string, from: number): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < 5; at++)
    times.push(
      (
        await place.ask("/api/session", {
          method: "POST",
          body: { name, password: `wrong ${at}` },
          from: address(from + at),
        })
      ).ms,
    );
  return Math.min(...times);
}

/** Guesses at every door while the right one logs in. */
export const logins: Case = {
  name: "wrong-logins",
  tries: "300 wrong logins at the page, Basic and MQTT, while an operator logs in",
  async run({ place, budget }) {
    const [known, unknown] = [await quickest(place, "olaf", 210), await quickest(place, "nobody", 220)];
    const ratio = Math.max(known, unknown) / Math.min(known, unknown);
    must(
      ratio < telling,
      `a wrong password of a known name takes ${known.toFixed(1)} ms, of an unknown one ${unknown.toFixed(1)} ms`,
    );
    const count = Math.ceil(300 * budget.share);
    const guesses = guessAll(place, count);
    const right = await login(place);
    must(
      right.status === 200,
      `the right password is answered ${right.status} while others guess: ${right.text.slice(0, 200)}`,
    );
    must(right.ms <= patience, `the right password waits ${Math.round(right.ms)} ms while others guess`);
    const trip = performance.now();
    await place.roundTrip();
    const took = performance.now() - trip;
    must(took <= patience, `a command waits ${Math.round(took)} ms while others guess`);
    const statuses = await guesses;
    must(!statuses.includes(200), "a wrong password was taken");
    must(
      !statuses.some((status) => status >= 500 && status !== 503),
      `wrong passwords are answered ${[...new Set(statuses)].join(", ")}`,
    );
    const late = await sameAddress(place);
    return `${count} guesses, the right one waited ${Math.round(right.ms)} ms, from the guesser's address ${Math.round(late)} ms`;
  },
};

/** Behind a proxy everybody has one address: there too the right secret is delayed, not refused. */
async function sameAddress(place: Place): Promise<number> {
  for (let at = 0; at < 15; at++)
    await place
      .ask("/api/session", { method: "POST", body: { name: "olaf", password: `wrong ${at}` }, ms: 60_000 })
      .catch(() => {});
  const { status, ms, text } = await login(place);
  must(
    status === 200,
    `after 15 wrong passwords from its address the right one is answered ${status}: ${text.slice(0, 200)}`,
  );
  return ms;
}

function login(place: Place): ReturnType<Place["ask"]> {
  return place.ask("/api/session", {
    method: "POST",
    body: { name: "olaf", password: place.secretOf("olaf") },
    ms: 60_000,
  });
}

/** So many at a time as leave room among the strangers' connections, which have a case of their own. */
const atOnce = 100;

/** @returns what each was answered */
async function guessAll(place: Place, count: number): Promise<number[]> {
  const statuses: number[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) statuses.push(await guess(place, next++));
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return statuses;
}

async function guess(place: Place, at: number): Promise<number> {
  const from = address(at % 40);
  const name = ["admin", "olaf", "nobody", `nobody${at}`, "healthy"][at % 5] ?? "";
  const password = `wrong password ${at}`;
  if (at % 3 === 0) {
    const answer = await place
      .ask("/api/session", { method: "POST", body: { name, password }, from, ms: 120_000 })
      .catch(() => undefined);
    return answer?.status ?? 0;
  }
  if (at % 3 === 1) {
    const authorization = `Basic ${btoa(`${name}:${password}`)}`;
    const answer = await place
      .ask("/api/devices", { headers: { authorization }, from, ms: 120_000 })
      .catch(() => undefined);
    return answer?.status ?? 0;
  }
  const { heard } = await say(place.mqtt, connect(name, password), {
    from,
    ms: 15_000,
    enough: (text) => text.length >= 4,
  });
  return heard.charCodeAt(0) === 0x20 && heard.charCodeAt(3) === 0 ? 200 : 401;
}

/** CONNECT of MQTT 3.1.1 with a clean session. */
function connect(name: string, password: string): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);
  const body = Buffer.concat([text("MQTT"), Buffer.from([4, 0xc2, 0, 60]), text(name), text(name), text(password)]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}
