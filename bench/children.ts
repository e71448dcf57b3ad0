import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Starts another file of the bench, or a built one, as a process of its own and waits until it says that it is ready. */
export async function startChild(file: string, settings: object): Promise<ChildProcess> {
  const child = fork(new URL(file, import.meta.url), [JSON.stringify(settings)], {
    execArgv: file.endsWith(".ts") ? ["--import", "tsx"] : [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [said] = (await Promise.race([once(child, "message"), once(child, "exit").then(() => ["ended"])])) as [string];
  if (said !== "ready") throw new Error(`${file} did not start: ${said}`);
  return child;
}

/** The settings that {@link startChild} gave. */
export function settingsOfChild<T>(): T {
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

export function ready(): void {
  process.send?.("ready");
  process.once("disconnect", () => process.exit(0));
}

/** Sends `question` to a child and resolves with what it says next. */
export async function ask<T>(child: ChildProcess, question: object): Promise<T> {
  const over = new AbortController();
  const { signal } = over;
  try {
    const answer = Promise.race([
      once(child, "message", { signal }),
      once(child, "exit", { signal }).then(() => {
        throw new Error("a child of the bench ended before it answered");
      }),
    ]);
    child.send(question);
    const [said] = (await answer) as [T];
    return said;
  } finally {
    // Else a listener of each question stayed. Both promises have been raced, so that nobody misses what they reject with.
    over.abort();
  }
}

/** In a child: answers each question that {@link ask} sends. */
export function answer<T>(give: (question: T) => unknown): void {
  process.on("message", (question: T) => {
    void Promise.resolve(give(question)).then((said) => process.send?.(said));
  });
}

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** What the bench started, ended in reverse: the same shape as a test's scope. */
export class BenchScope {
  readonly #undo: (() => unknown)[] = [];
  readonly cleanup = (undo: () => unknown): void => void this.#undo.push(undo);

  readonly directory = async (): Promise<string> => {
    const { mkdtemp, rm } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const path = await mkdtemp(`${tmpdir()}/muster-bench-`);
    this.cleanup(() => rm(path, { recursive: true, force: true }));
    return path;
  };

  async end(): Promise<void> {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) await undo();
  }
}
