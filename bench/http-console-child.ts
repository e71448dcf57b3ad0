import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { Broker } from "../broker/broker.ts";
import { Console } from "../console/console.ts";
import { HttpServer } from "../console/http/server.ts";
import { openState } from "../console/state/state.ts";
import { answer, ready, settingsOfChild } from "./children.ts";

/** What {@link answer} tells of the console: its ports, a program's token for it, and its CPU so far in microseconds. */
export interface HttpConsole {
  readonly http: number;
  readonly mqtt: number;
  readonly token: string;
  readonly isOnline: boolean;
  readonly cpu: number;
}

/** Embedded broker, console and its HTTP side in one process, as `muster start` has them, with one device and one program. */
const { directory, device, secret } = settingsOfChild<{ directory: string; device: string; secret: string }>();
const state = openState(directory, systemClock);
const { accounts } = state;
accounts.set(device, "device", secret);
accounts.set("ann", "operator", secret);
const token = accounts.tokens.issue({ account: "ann", kind: "token", ttl: 3_600_000, name: "bench" }).secret;
const broker = new Broker({
  listen: "127.0.0.1",
  port: 0,
  root: "muster",
  authenticate: (name, password, source) => accounts.verify(name, password, source),
  clock: systemClock,
  log: silentLog,
});
const { port: mqtt } = await broker.start();
const console = new Console({ directory, state, bus: broker.local(), log: silentLog });
await console.start();
const server = new HttpServer({ console, accounts, listen: "127.0.0.1", port: 0, log: silentLog });
const http = await server.start();

answer((): HttpConsole => {
  const { user, system } = process.cpuUsage();
  const isOnline = console.devices().some(({ id, online }) => id === device && online);
  return { http, mqtt, token, isOnline, cpu: user + system };
});
ready();
