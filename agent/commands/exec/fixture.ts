import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock, type Clock } from "#shared/clock";
import { newCommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Args } from "#shared/messages/command-messages";
import { check, type Json } from "#shared/messages/payload-schema";
import { eventually, type Scope } from "../../../test/suite.ts";
import { CommandError, type Handler } from "../handler.ts";
import { loadExecutables } from "./load-executables.ts";

/** A shell script that describes itself as `description` and otherwise runs `body`. */
export function shell(body: string, description: object = {}): string {
  return `#!/bin/sh\nif [ "$1" = --describe ]; then cat <<'DESCRIPTION'\n${JSON.stringify(description)}\nDESCRIPTION\nexit; fi\n${body}\n`;
}

/** A Python script that describes itself as `description` and otherwise runs `body`. */
export function python(body: string, description: object = {}): string {
  const describing = `if sys.argv[1:] == ["--describe"]:\n    print(${JSON.stringify(JSON.stringify(description))})\n    sys.exit()`;
  return `#!/usr/bin/env python3\nimport json, os, signal, sys, time\n${describing}\n${body}\n`;
}

export async function put(directory: string, name: string, text: string, mode = 0o755): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

/** The handler of one executable in a directory of its own. */
export async function handlerOf(scope: Scope, text: string, clock: Clock = systemClock): Promise<Handler> {
  const directory = await scope.directory();
  await put(directory, "it", text);
  const log = new Journal();
  const handler = (await loadExecutables({ directory, log, clock })).get("exec:it");
  if (!handler) throw new Error(log.sentences.join("\n"));
  return handler;
}

/** What a run of a handler told, and how it ended. */
export class Run {
  readonly id = newCommandId(Date.now());
  readonly abort = new AbortController();
  readonly progress: [number, string | undefined][] = [];
  output = "";
  onOutput = (): void => {};
  readonly #waiting: (() => void)[] = [];

  /** As the executor does it: the arguments are checked first. */
  start(handler: Handler, args: Args = {}): Promise<Json | void> {
    const checked = handler.args ? check(handler.args, args, "args") : args;
    const context = {
      command: { id: this.id, key: "exec:it", by: "ann" },
      signal: this.abort.signal,
      progress: (fraction: number, note?: string) => void this.progress.push([fraction, note]),
      output: (chunk: string) => {
        this.output += chunk;
        this.onOutput();
        for (const wake of this.#waiting.splice(0)) wake();
      },
      afterwards() {},
    };
    return Promise.resolve(handler.run(checked, context));
  }

  /** Resolves once the output holds `text`. */
  async printed(text: string): Promise<void> {
    while (!this.output.includes(text)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** Keeps the log's sentences. */
export class Journal implements Log {
  readonly sentences: string[] = [];
  readonly debug = (): void => {};
  readonly info = this.debug;
  readonly warn = (_fields: object, message: string): void => void this.sentences.push(message);
  readonly error = this.warn;
}

/** What a promise rejects with. */
export async function failureOf(running: Promise<unknown>): Promise<CommandError> {
  const error = await running.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof CommandError) return error;
  throw new Error(`expected a CommandError, got ${String(error)}`);
}

/** Whether the process still runs; one that has ended and only waits to be reaped does not. */
export async function runs(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid.trim()}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) Z /.test(stat);
}

/** Waits for the end of the processes whose ids stand in the text. */
export async function gone(text: string): Promise<void> {
  for (const pid of text.match(/\d+/g) ?? []) await eventually(`the end of ${pid}`, async () => !(await runs(pid)));
}
