import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Device } from "../devices/device.ts";
import type { Persist } from "../database/persist.ts";
import type { CommandBook } from "./command-book.ts";
import { nameOf, type CommandName } from "./command-name.ts";
import { changed, latestBeginning, type Command, type TimelineEvent } from "./command.ts";
import { Repeats } from "./repeats.ts";
import type { Tasks } from "./tasks.ts";

export interface ShowingOptions {
  readonly bus: Pick<Bus, "connected">;
  readonly clock: Clock;
  readonly book: Pick<CommandBook, "open" | "openOf" | "openOne" | "note">;
  readonly persist: Pick<Persist, "synced">;
  readonly tasks: Pick<Tasks, "publish">;
  readonly device: (id: DeviceId) => Device | undefined;
  /** Whether the present moment is known well enough to end a command by it. */
  readonly timely: () => boolean;
  /** Whether the console's state may be an older copy. */
  readonly mayBeRestored: () => boolean;
  /** Whether a command's row is not on the disk yet: it is shown to nobody. */
  readonly isFresh: (name: CommandName) => boolean;
  /** A device has been asked just now what became of a command that is in doubt. */
  readonly asked: (name: CommandName) => void;
}

/** Gets the ids of a device's open commands, those of which it was heard that they run, and those that it is asked about. */
export type TellOpen = (open: readonly CommandId[], begun: readonly CommandId[], doubted: readonly CommandId[]) => void;

/** Milliseconds in which agents that live give birth again to a console that has come, and are shown their tasks. */
const birthsWithin = 3_000;

/**
 * Which tasks of open commands are shown, and when: each once its row is on the disk, all of them when the broker comes, a device's when that
 * comes, and one that nothing is heard of again and again. What nobody may begin any more is withheld.
 */
export class Showing {
  readonly #options: ShowingOptions;
  readonly #repeats: Repeats;
  /** The connection of each device that has been shown its tasks, on the console's present one. */
  readonly #shownTo = new Map<DeviceId, string>();
  /** Open, but not shown again, because nobody may begin them any more. */
  readonly #withheld = new Set<string>();
  #cancelFirst: (() => void) | undefined;
  #isFirst = true;

  constructor(options: ShowingOptions) {
    this.#options = options;
    this.#repeats = new Repeats({ clock: options.clock, again: (name) => this.#again(name) });
  }

  /** The broker came or went. */
  connection(up: boolean): void {
    this.#shownTo.clear();
    if (up) this.#publishSoon();
  }

  /** Publishes an open command's task, unless it is not to be shown. */
  publish(command: Command): void {
    const { clock, book, tasks, isFresh } = this.#options;
    if (isFresh(command) || command.doubted !== undefined) return;
    this.#repeats.begin(command);
    tasks.publish(command, () => {
      const open = book.openOne(command);
      const event: TimelineEvent = { ts: Math.round(clock.now()), who: "broker", what: "task retained" };
      if (open) book.note(changed(open, {}, event));
    });
  }

  /**
   * A device is there with a new connection: its open tasks are published again, since brokers differ in which retained ones they hand over.
   * @param session of its connection: one that has been shown them on the console's present connection is only told
   * @param told is called once they are on their way; at once where there are none
   */
  show(device: DeviceId, session: string, told: TellOpen): void {
    const standing = this.#standing(device);
    const isNews = this.#shownTo.get(device) !== session;
    if (standing.length === 0 || !isNews) {
      if (isNews) this.#shownTo.set(device, session);
      return this.#tell(standing, told);
    }
    this.#shownTo.set(device, session);
    void this.#options.persist.synced().then(
      () => this.#showNow(device, told),
      // Where the disk refuses, they stand in the file all the same.
      () => this.#showNow(device, told),
    );
  }

  /**
   * Its device has said something of an open command. What was begun in time the device may have to find again, once it has died in it: how that
   * ended, the task's handler knows.
   */
  heard(command: Command): void {
    this.#repeats.end(command);
    if (command.state !== "running" || !this.#withheld.delete(nameOf(command))) return;
    this.#options.tasks.publish(command, () => {});
  }

  /** It is in doubt, and not begun any more. */
  hold(command: Command): void {
    this.#repeats.end(command);
  }

  /** It has ended. */
  end(command: Command): void {
    this.#repeats.end(command);
    this.#withheld.delete(nameOf(command));
  }

  stop(): void {
    this.#cancelFirst?.();
    this.#repeats.stop();
  }

  #showNow(device: DeviceId, told: TellOpen): void {
    const standing = this.#standing(device);
    for (const command of standing) {
      if (this.#withholds(command)) continue;
      this.#options.tasks.publish(command, () => {});
      this.#repeats.begin(command);
    }
    this.#tell(standing, told);
  }

  #tell(standing: readonly Command[], told: TellOpen): void {
    const idsOf = (commands: readonly Command[]): CommandId[] => commands.map(({ id }) => id);
    const doubted = standing.filter((command) => command.doubted !== undefined);
    const open = standing.filter((command) => command.doubted === undefined);
    const begun = open.filter(({ state }) => state === "running");
    told(idsOf(open), idsOf(begun), idsOf(doubted));
    for (const command of doubted) this.#options.asked(command);
  }

  /** Where the state may be an older copy, a word of the devices' is waited for that would tell it. */
  #publishSoon(): void {
    const { clock, mayBeRestored } = this.#options;
    const waits = this.#isFirst && mayBeRestored();
    this.#isFirst = false;
    if (!waits) return void this.#publishAll();
    this.#cancelFirst = clock.after(birthsWithin, () => void this.#publishAll());
  }

  /** The images of all open commands, once their rows are on the disk: an earlier run may have been killed before that. */
  async #publishAll(): Promise<void> {
    const { book, persist } = this.#options;
    // Where the disk refuses, they stand in the file all the same.
    await persist.synced().catch(() => {});
    for (const command of book.open) if (!this.#withholds(command)) this.publish(command);
  }

  /**
   * The device's open commands that have been published. Those whose time is over too: it begins none of them, but may have ended one
   * before this console's state was put back.
   */
  #standing(device: DeviceId): readonly Command[] {
    const { book, isFresh } = this.#options;
    return book.openOf(device).filter((one) => !isFresh(one));
  }

  /** Nothing was heard of it since it was published. What the device has answered waits for nothing of ours. */
  #again(name: CommandName): boolean {
    const { device, book, bus, tasks } = this.#options;
    const command = book.openOne(name);
    if (command?.state !== "queued" || command.doubted !== undefined) return false;
    // To a device that is away it is shown when that comes.
    if (!bus.connected || !device(command.device)?.online || this.#withholds(command)) return true;
    tasks.publish(command, () => {});
    book.note(changed(command, { shown: (command.shown ?? 0) + 1 }));
    return true;
  }

  /**
   * Shown again (after a broker's start, out of a restored backup), it would be carried out for nobody. By a clock that is doubted nothing
   * is over, and nothing that was begun is.
   */
  #withholds(command: Command): boolean {
    if (!isWithheld(command, this.#options.timely(), this.#options.clock.now())) return false;
    this.#withheld.add(nameOf(command));
    return true;
  }
}

function isWithheld(command: Command, timely: boolean, now: number): boolean {
  if (command.doubted !== undefined) return true;
  const isOver = timely && (latestBeginning(command) ?? Infinity) <= now;
  return isOver && command.state !== "running";
}
