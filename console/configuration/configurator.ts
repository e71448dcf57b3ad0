import * as z from "zod/mini";
import type { Clock } from "#shared/clock";
import { configurationHash } from "#shared/configuration";
import { asError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { count } from "#shared/messages/payload-schema";
import { CommandRefusedError } from "../desk/command-errors.ts";
import { isOpen, type Command } from "../desk/command.ts";
import type { Desk } from "../desk/desk.ts";
import type { Device } from "../devices/device.ts";
import type { Groups } from "../devices/groups.ts";
import type { Registry } from "../devices/registry.ts";
import type { Configurations } from "./configurations.ts";
import type { Configured } from "./configured.ts";
import { driftOf, type Drift } from "./drift.ts";
import type { Scope } from "./scope.ts";

/** Devices that are sent settings at once: all of a fleet would begin anew in the same second. */
export const maxConfiguring = 50;
/** Milliseconds in which a device that has taken settings, and says that it has others, is not sent them again: it would go on for ever. */
export const resentAfter = 600_000;
/** Milliseconds that such a command may take: over a break of the connection, and the trial of settings that may cut a device off. */
const patience = 600_000;

export interface ConfiguratorOptions {
  readonly configurations: Configurations;
  readonly configured: Configured;
  readonly desk: Desk;
  readonly registry: Registry;
  readonly groups: Pick<Groups, "changes" | "members">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Brings devices to the settings that are wanted of them: by a command, to those that are there; to the others when they come. What is wanted
 * is in the database, so nothing has to wait at the broker, and a device that was away for a year gets the newest word alone.
 */
export class Configurator {
  readonly #options: ConfiguratorOptions;
  readonly #queue = new Set<DeviceId>();
  readonly #open = new Set<DeviceId>();
  #undo: (() => void)[] = [];
  #cancelTurn: (() => void) | undefined;

  constructor(options: ConfiguratorOptions) {
    this.#options = options;
  }

  start(): void {
    const { configurations, registry, groups, desk } = this.#options;
    this.#undo = [
      configurations.changes.on((scope) => this.#changed(scope)),
      registry.changes.on((device) => this.#seen(device)),
      registry.removals.on((device) => this.#options.configured.forget(device)),
      groups.changes.on(({ device }) => this.#offer(device)),
      desk.changes.on((command) => this.#told(command)),
    ];
    for (const device of registry.walk()) {
      this.#goOn(device.id);
      this.#seen(device);
    }
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#cancelTurn?.();
  }

  /** With what an earlier run had on its way. */
  #goOn(device: DeviceId): void {
    const { configured, desk } = this.#options;
    const sent = configured.of(device);
    if (sent?.state !== null) return;
    const command = desk.find(device, sent.command);
    if (command && isOpen(command)) this.#open.add(device);
    else if (command) this.#told(command);
    else configured.put({ ...sent, state: "interrupted" });
  }

  /** How a device stands to what is wanted of it. */
  drift(device: Device): Drift {
    const { configurations, configured } = this.#options;
    return driftOf({
      desired: configurations.desired(device.id),
      newest: configurations.newest,
      device,
      sent: configured.of(device.id),
    });
  }

  /**
   * Sends them on a person's word, whatever became of them before.
   * @throws CommandRefusedError as any command is
   */
  apply(device: DeviceId, who: { readonly by: string; readonly from: string }): Command {
    this.#withdraw(device);
    return this.#send(device, who);
  }

  #changed({ kind, name }: Scope): void {
    const { registry, groups } = this.#options;
    if (kind === "device") return this.#offer(name as DeviceId);
    if (kind === "group") for (const device of groups.members(name)) this.#offer(device);
    else for (const { id } of registry.walk()) this.#offer(id);
  }

  #seen(device: Device): void {
    const { configurations } = this.#options;
    if (device.online && !configurations.isEmpty && this.#isDue(device)) this.#offer(device.id);
  }

  #offer(device: DeviceId): void {
    this.#queue.add(device);
    this.#cancelTurn ??= this.#options.clock.after(0, () => {
      this.#cancelTurn = undefined;
      this.#turn();
    });
  }

  #turn(): void {
    for (const device of this.#queue) {
      if (this.#open.size >= maxConfiguring) return;
      this.#queue.delete(device);
      this.#bring(device);
    }
  }

  #bring(id: DeviceId): void {
    const { configurations, configured, registry, log } = this.#options;
    const device = registry.get(id);
    if (!device) return;
    const sent = configured.of(id);
    const { hash } = configurations.desired(id);
    // What is no longer wanted is not begun any more.
    if (sent && sent.state === null && sent.hash !== hash) this.#withdraw(id);
    if (!device.online || !this.#isDue(device)) return;
    try {
      this.#send(id, this.#sayer(id));
    } catch (thrown) {
      if (!(thrown instanceof CommandRefusedError)) throw thrown;
      log.warn({ device: id, why: asError(thrown).message }, "settings could not be sent");
    }
  }

  #isDue(device: Device): boolean {
    const { configured, configurations, clock } = this.#options;
    if (this.drift(device).state !== "waiting") return false;
    const sent = configured.of(device.id);
    const { hash } = configurations.desired(device.id);
    const isAgain = sent !== undefined && sent.hash === hash;
    return !isAgain || Math.abs(clock.now() - sent.ts) >= resentAfter;
  }

  /** Whose word it is. */
  #sayer(device: DeviceId): { readonly by: string; readonly from: string } {
    const { configurations } = this.#options;
    const { version } = configurations.desired(device);
    const by = configurations.list().find(([, said]) => said.version === version)?.[1].by ?? "console";
    return { by, from: "settings" };
  }

  #send(device: DeviceId, { by, from }: { readonly by: string; readonly from: string }): Command {
    const { configurations, configured, desk, clock } = this.#options;
    const { version, hash, values } = configurations.desired(device);
    const args = { version, settings: { ...values } };
    const command = desk.submit(device, { key: "configure", args, by, from, timeout: null, ttl: patience });
    const ts = Math.round(clock.now());
    configured.put({ device, version, hash, command: command.id, ts, state: null, why: null });
    this.#open.add(device);
    return command;
  }

  #withdraw(device: DeviceId): void {
    const { configured, desk } = this.#options;
    const sent = configured.of(device);
    if (sent?.state !== null) return;
    desk.cancel(device, sent.command, "other settings");
  }

  /** Also of one that somebody has sent by hand, as a signed one is. */
  #told({ device, id, key, args, state, error, ts }: Command): void {
    if (key !== "configure") return;
    const { configured } = this.#options;
    const before = configured.of(device);
    const isOver = !isOpen({ state });
    const why = error?.message ?? null;
    const end = isOver ? state : null;
    if (before?.command === id) {
      if (before.state !== end) configured.put({ ...before, state: end, why });
    } else if (!before || before.ts <= ts) {
      const said = settingsIn(args);
      // One with other settings is somebody's own business until it has ended.
      if (said && (isOver || said.hash === this.#options.configurations.desired(device).hash))
        configured.put({ device, ...said, command: id, ts, state: end, why });
    }
    if (!isOver) return;
    this.#open.delete(device);
    this.#offer(device);
  }
}

/** Those of a command that somebody has sent, where it has any. */
function settingsIn({ version, settings }: Command["args"]): { version: number; hash: string } | undefined {
  const read = z.safeParse(z.object({ version: count, settings: z.record(z.string(), z.string()) }), {
    version,
    settings,
  });
  return read.success ? { version: read.data.version, hash: configurationHash(read.data.settings) } : undefined;
}
