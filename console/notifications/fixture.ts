import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import type { Scope } from "../../test/suite.ts";
import { transaction } from "../database/database.ts";
import { openState, type State } from "../state/state.ts";
import type { Channel } from "./channel.ts";
import { Channels } from "./channels.ts";
import { Courier, type CourierOptions } from "./courier.ts";
import { parseDelivery, type Delivery } from "./delivery.ts";
import { enqueue } from "./enqueue.ts";
import type { Outgoing } from "./kinds/http-kind.ts";
import type { Notice } from "./notice.ts";
import type { TryOutcome } from "./try-outcome.ts";

export const begin = Date.UTC(2026, 0, 1);

export function noticeOf(more: Partial<Notice> = {}): Notice {
  return {
    alert: "a1",
    kind: "firing",
    rule: "disk full",
    severity: "critical",
    device: "rpi-7",
    at: begin,
    since: begin - 60_000,
    title: "rpi-7: disk.used_percent is 97.5",
    text: "/ has 1.2 GB left",
    value: 97.5,
    url: "https://muster.example/alerts/a1",
    labels: { path: "/" },
    ...more,
  };
}

export function channelOf(name: string, more: Partial<Channel> = {}): Channel {
  return { name, kind: "webhook", settings: {}, enabled: true, usual: true, by: "ann", ts: begin, ...more };
}

/** One try that waits for its outcome. */
export interface Try {
  readonly channel: string;
  readonly outgoing: Outgoing;
  readonly end: (outcome: TryOutcome) => void;
}

/** A queue whose other side is the test: each try is answered by it. */
export async function queue(scope: Scope) {
  const clock = new ManualClock(begin);
  const state: State = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  const { database } = state;
  const channels = new Channels(database);
  const tries: Try[] = [];
  const waiting: ((one: Try) => void)[] = [];
  const gaveUp: string[] = [];
  const send: CourierOptions["send"] = ({ name }, outgoing, signal) =>
    new Promise((resolve) => {
      const cut = (): void => resolve({ kind: "later", said: "cut off" });
      signal.addEventListener("abort", cut);
      const end = (outcome: TryOutcome): void => {
        signal.removeEventListener("abort", cut);
        resolve(outcome);
      };
      const one = { channel: name, outgoing, end };
      const taker = waiting.shift();
      if (taker) taker(one);
      else tries.push(one);
    });
  let courier: Courier | undefined;
  const start = async (): Promise<Courier> => {
    await courier?.stop();
    tries.length = 0;
    courier = new Courier({
      database,
      channels: new Channels(database),
      clock,
      log: silentLog,
      random: () => 1,
      send,
      gaveUp: ({ channel }, { said }) => gaveUp.push(`${channel}: ${said}`),
    });
    courier.start();
    return courier;
  };
  scope.cleanup(() => courier?.stop());
  await start();
  const put = (name: string, more: Partial<Channel> = {}): void =>
    transaction(database, () => channels.put(channelOf(name, more)))();
  return {
    clock,
    database,
    channels,
    gaveUp,
    start,
    put,
    /** Tries that nobody has taken. */
    untaken: tries,
    say: (more: Partial<Notice> = {}, names?: readonly string[]): number => {
      const count = transaction(database, () => enqueue(database, noticeOf(more), names));
      courier?.wake();
      return count;
    },
    stop: () => courier?.stop(),
    /** The next try. */
    next: (): Promise<Try> => {
      const one = tries.shift();
      return one ? Promise.resolve(one) : new Promise((resolve) => waiting.push(resolve));
    },
    rows: (): readonly Delivery[] =>
      database
        .prepare("SELECT * FROM deliveries ORDER BY id")
        .all()
        .map((row) => parseDelivery(row as never)),
  };
}
