import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Processes that compute without an end, and idle sockets in all: half of them are the other halves' far ends. */
export const busyProcesses = 3;
const sockets = 20_000;

/**
 * What else a machine may have to do: processes that compute without an end, and sockets that stand open. They end with
 * `stop`, and by themselves when this process is gone or after half a day.
 */
export class Load {
  readonly #program: string;
  readonly #burners: ChildProcess[] = [];

  /** @param program the burner's */
  constructor(program: string) {
    this.#program = program;
  }

  /** @returns how many sockets stand open @throws Error when a burner does not come up */
  async start(): Promise<number> {
    const pairs = Math.ceil(sockets / 2 / busyProcesses);
    for (let turn = 0; turn < busyProcesses; turn++)
      this.#burners.push(fork(this.#program, [String(pairs)], { stdio: ["ignore", "ignore", "inherit", "ipc"] }));
    const opened = await Promise.all(this.#burners.map(opens));
    return opened.reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#burners.splice(0).map(async (burner) => {
        if (burner.exitCode !== null || burner.signalCode !== null) return;
        const ended = once(burner, "exit");
        burner.kill("SIGKILL");
        await ended;
      }),
    );
  }
}

async function opens(burner: ChildProcess): Promise<number> {
  const [said] = (await Promise.race([once(burner, "message"), once(burner, "exit")])) as [unknown];
  if (typeof said === "object" && said !== null && "sockets" in said) return Number(said.sockets);
  throw new Error(`a busy process ended while it started (${String(said)})`);
}
