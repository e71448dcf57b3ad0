import { fork, type ChildProcess } from "node:child_process";
import { on, once } from "node:events";
import { openSync, closeSync } from "node:fs";
import type { ServerIdentity } from "#shared/tls-door";
import { disarmed, type ArmMessage } from "./points.ts";
import type { MqttVersion } from "./setting.ts";
import type { StepMessage } from "./stepped-clock.ts";

/** What every process of the fleet is told; {@link settingsOfProcess} reads it there. */
export interface ProcessSettings {
  /** Its name in the evidence. */
  readonly who: string;
  /** The directory of the whole run. */
  readonly directory: string;
  readonly mqttPort: number;
  /** With TLS, which {@link mqttPort} speaks then: the authority that is trusted, as PEM. */
  readonly ca?: string | undefined;
  /** For the console's process with TLS: what its broker shows. */
  readonly identity?: ServerIdentity | undefined;
  /** For the console's process. */
  readonly httpPort?: number;
  readonly embedded: boolean;
  readonly mqtt: MqttVersion;
  /** The process' own directory. */
  readonly home: string;
  /** For the console's process: whether it waits no longer than others do. */
  readonly hasty?: boolean;
  /** For the console's process: where the metrics go, if not to the embedded store. */
  readonly influxUrl?: string;
  /** The secret of the account named {@link who}. */
  readonly password: string;
  /** Armed from its first moment. */
  readonly arm?: ArmMessage;
  /** Milliseconds that its wall clock is wrong by from its first moment. */
  readonly step?: number;
  /** For an agent: the keys that it has pinned, and whether it takes what none of them has signed all the same, which is to be found. */
  readonly signers?: readonly string[];
  readonly unchecked?: boolean;
  /** For an agent: it lives on a copy of another's directory. */
  readonly copied?: boolean;
}

/** What a process is told at one start only. */
export type StartSettings = Pick<ProcessSettings, "arm" | "step">;

/** A process of the fleet that can be killed, frozen, armed and started again; it tells when it died unasked. */
export class Child {
  readonly #program: string;
  readonly #settings: ProcessSettings;
  readonly #onDeath: (child: Child) => void;
  readonly #onReady: () => void;
  #process: ChildProcess | undefined;
  #ready: Promise<unknown> = Promise.resolve();
  #stopped = false;
  /** What it said when it was ready: an agent its run's id. */
  said = "";

  constructor(
    program: string,
    settings: ProcessSettings,
    onDeath: (child: Child) => void,
    onReady: () => void = () => {},
  ) {
    this.#program = program;
    this.#settings = settings;
    this.#onDeath = onDeath;
    this.#onReady = onReady;
  }

  get who(): string {
    return this.#settings.who;
  }

  get alive(): boolean {
    return this.#process !== undefined;
  }

  /** Whether it has said so, and lives. */
  get serves(): boolean {
    return this.alive && this.said !== "";
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it; {@link ready} tells when it serves. */
  start(only: StartSettings = {}): void {
    if (this.#stopped || this.alive) return;
    const log = openSync(`${this.#settings.directory}/${this.who}.log`, "a");
    const begun = fork(this.#program, [JSON.stringify({ ...this.#settings, ...only })], {
      // Without the maps, which would be read at each start: two fifths of what it costs.
      execArgv: [],
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    this.#process = begun;
    this.said = "";
    begun.once("exit", () => {
      if (this.#process !== begun) return;
      this.#process = undefined;
      if (!this.#stopped) this.#onDeath(this);
    });
    this.#ready = Promise.race([
      firstWord(begun).then((word) => {
        this.said = word;
        this.#onReady();
      }),
      once(begun, "exit"),
    ]);
  }

  /** Resolves once it serves, or has died. */
  async ready(): Promise<void> {
    await this.#ready;
  }

  kill(): void {
    this.#process?.kill("SIGKILL");
  }

  /** Kills it, and resolves when it has no file open any more. */
  async killed(): Promise<void> {
    const running = this.#process;
    if (!running) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  }

  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  arm(message: ArmMessage): void {
    this.#tell({ arm: message });
  }

  /**
   * It is to die nowhere. Resolves once it knows, or is dead and known to be: it may come by its point just before it hears.
   * @throws Error when neither comes
   */
  async disarm(): Promise<void> {
    const told = this.#process;
    if (!told) return;
    this.arm({ point: null, nth: 0 });
    const aborted = new AbortController();
    const { signal } = aborted;
    const late = setTimeout(() => aborted.abort(), disarmPatience);
    try {
      await Promise.race([answerOf(told, disarmed, signal), once(told, "exit", { signal })]);
    } catch {
      throw new Error(`${this.who} neither ends nor answers within ${disarmPatience / 1_000} s`);
    } finally {
      clearTimeout(late);
      aborted.abort();
    }
  }

  /** @param ms by how much its wall clock is to be wrong */
  step(ms: number): void {
    this.#tell({ step: ms } satisfies StepMessage);
  }

  #tell(message: object): void {
    // It may have died this instant: then there is nobody to be told.
    this.#process?.send(message, () => {});
  }

  /** Asks something that the process answers when it is so. @throws Error when it does not answer in time */
  async ask(question: string, ms: number): Promise<void> {
    const asked = this.#process;
    if (!asked) throw new Error(`${this.who} is not running`);
    // It may have died this instant: then there is no answer.
    asked.send({ question }, () => {});
    await answerOf(asked, question, AbortSignal.timeout(ms)).catch(() => {
      throw new Error(`${this.who} does not answer "${question}" within ${ms / 1_000} s`);
    });
  }

  /** For good. */
  async end(): Promise<void> {
    this.#stopped = true;
    const running = this.#process;
    if (!running) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  }
}

/** Milliseconds that a process has to hear what it is told, or to end: on a busy machine both take long. */
const disarmPatience = 120_000;

/** What it says once it serves; it may have answered something before. */
async function firstWord(begun: ChildProcess): Promise<string> {
  for await (const [message] of on(begun, "message")) if (typeof message === "string") return message;
  return "";
}

async function answerOf(asked: ChildProcess, question: string, signal: AbortSignal): Promise<void> {
  for await (const [message] of on(asked, "message", { signal }))
    if ((message as { answer?: string }).answer === question) return;
}

/** In a process of the fleet: what it was told. Should the main process die, it ends. */
export function settingsOfProcess(): ProcessSettings {
  process.once("disconnect", () => process.exit(0));
  // Ctrl-C on a terminal reaches every process of the group: the main one ends the others in order.
  process.on("SIGINT", () => {});
  return JSON.parse(process.argv[2] ?? "") as ProcessSettings;
}

/** How whoever trusts `ca` comes to the broker at this port, and by which name it has to prove itself. */
export function brokerUrl(port: number, ca: string | undefined): string {
  return `${ca === undefined ? "mqtt" : "mqtts"}://127.0.0.1:${port}`;
}

/** In a process of the fleet: it serves. */
export function sayReady(word = "ready"): void {
  process.send?.(word);
}
