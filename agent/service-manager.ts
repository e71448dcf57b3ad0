import { spawn } from "node:child_process";
import type { Clock } from "#shared/clock";

/**
 * Milliseconds without a beat after which systemd ends the agent and begins it anew. A beat is a process of its own, for Node cannot write to systemd's
 * kind of socket: 6 ms of a core, thrice in this time. A new version that hangs is ended before (`trialPatience`), so that the one of before may go on.
 */
export const watchdogTime = 180_000;
const beatsIn = 3;

export interface Told {
  /** Tells the service manager something. */
  readonly tell: (...words: string[]) => void;
  /** Microseconds, where its unit says so: WatchdogSec in a drop-in. */
  readonly watchdog: number | undefined;
}

export interface ServiceManagerOptions {
  readonly clock: Clock;
  /** Undefined where nobody listens. */
  readonly told: Told | undefined;
}

/**
 * What has started the agent, where it wants to know how that is: systemd. The agent asks for the watchdog itself, and not its unit: a version
 * that knows of none, or a machine without systemd-notify, would be ended again and again.
 */
export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  #isAlive = (): boolean => true;
  #cancel: (() => void) | undefined;
  #isReady = false;

  constructor(options: ServiceManagerOptions) {
    this.#options = options;
  }

  /** All stands that needs nobody else: a machine without a network is none that a restart would help. Beats from now on. */
  ready(): void {
    const { told } = this.#options;
    if (!told || this.#isReady) return;
    this.#isReady = true;
    const own = watchdogTime * 1_000;
    told.tell("READY=1", ...(told.watchdog === undefined ? [`WATCHDOG_USEC=${own}`] : []));
    this.#wait((told.watchdog ?? own) / 1_000 / beatsIn, told);
  }

  /** @param isAlive whether it does its work: without that there is no beat */
  watch(isAlive: () => boolean): void {
    this.#isAlive = isAlive;
  }

  stop(): void {
    if (!this.#cancel) return;
    this.#cancel();
    this.#cancel = undefined;
    this.#options.told?.tell("STOPPING=1");
  }

  #wait(ms: number, told: Told): void {
    this.#cancel = this.#options.clock.after(ms, () => {
      if (this.#isAlive()) told.tell("WATCHDOG=1");
      this.#wait(ms, told);
    });
  }
}

/**
 * By systemd's own program. The socket is taken out of the environment: the agent's executables have nothing to say to systemd.
 * @returns undefined where no service manager wants to know
 */
export function systemdAround(env: NodeJS.ProcessEnv): Told | undefined {
  const socket = env["NOTIFY_SOCKET"];
  if (!socket) return undefined;
  delete env["NOTIFY_SOCKET"];
  const watchdog = Number(env["WATCHDOG_USEC"]);
  const tell: Told["tell"] = (...words) => {
    const told = spawn("systemd-notify", words, { stdio: "ignore", env: { ...env, NOTIFY_SOCKET: socket } });
    // Without the program there is no watchdog; nothing else hangs on it.
    told.on("error", () => {}).unref();
  };
  return { tell, watchdog: watchdog > 0 ? watchdog : undefined };
}
