import type { IConnectPacket } from "mqtt-packet";
import { asError } from "#shared/errors";
import { shortId } from "#shared/ids";
import { readAck } from "#shared/messages/metrics";
import { Backlog, type BacklogBatch } from "./backlog.ts";
import { Beat } from "./beat.ts";
import { Controls } from "./controls.ts";
import { SimClient, type Talker } from "./sim-client.ts";
import { Messages, type Character } from "./messages.ts";
import { draw } from "./random.ts";
import { SimulatedTasks } from "./simulated-tasks.ts";
import { SimulatedUpdate, type Leaving } from "./simulated-update.ts";
import type { SimulatedReleases } from "./simulated-releases.ts";
import type { Sleeper } from "./wheel.ts";
import { hasReturned, type Heard, type World } from "./world.ts";

/** Bytes waiting in a socket from which on no batches are added. */
const fullSocket = 256 * 1024;

/** Milliseconds until a birth that nobody answers is said again, first and at the longest. */
const birthAgain = { first: 5_000, longest: 60_000 };

/** One simulated device: its own connection, numbers and commands, and no timer of its own. */
export class SimulatedDevice implements Sleeper, Talker {
  due = Infinity;
  slot = Infinity;
  readonly #world: World;
  readonly #messages: Messages;
  readonly #backlog: Backlog;
  readonly #beat: Beat;
  readonly #line: SimClient;
  readonly #update: SimulatedUpdate | undefined;
  #tasks: SimulatedTasks | undefined;
  #heardConsole: Heard | undefined;
  #begun = false;
  #greeted = false;
  /** When the birth is said again, and how long after that once more: until the console answers, and when another one has come. */
  #birthAt = Infinity;
  #birthWait = 0;

  constructor(world: World, character: Character & { readonly flaps: boolean }) {
    this.#world = world;
    this.#messages = new Messages(world, character);
    this.#backlog = new Backlog(world.tally);
    this.#beat = new Beat(world, this.#backlog, draw(character.seed, 40));
    this.#line = new SimClient(world, this, character);
    this.#update = world.releases && this.#updating(world.releases);
  }

  /** Resolves once there is no connection. */
  get closing(): Promise<void> {
    return this.#line.closing;
  }

  start(): void {
    this.#line.start();
  }

  /** Samples no more, and hands over what it has. */
  finish(): void {
    const now = this.#world.clock.monotonic();
    this.#beat.pause(now);
    this.#pump(now);
  }

  /** Publishes the death and disconnects. */
  leave(reason: string): void {
    this.#line.send([this.#messages.death(reason)]);
    this.#end();
  }

  /** Comes back as another run of the agent, after so many milliseconds. */
  restart(ms: number, how: Leaving): void {
    if (how === "goodbye") this.#line.send([this.#messages.death("restart")]);
    this.#line.leaveFor(ms, how);
    this.#messages.boot = shortId();
    this.changed();
  }

  /** Without another word. */
  drop(): void {
    this.#line.drop();
  }

  /** How many of its batches are late at `now`, not acknowledged yet. */
  overdue(now: number): number {
    return this.#backlog.overdue(now);
  }

  turnedAway(): void {
    this.#world.tally.turnedAway += 1;
    this.#end();
  }

  connect(): IConnectPacket {
    this.#messages.session = shortId();
    return this.#messages.connect();
  }

  online(now: number): void {
    this.#greeted = false;
    // It begins to sample when it is let in first: its turn at the entrance is not a time that it was cut off.
    if (!this.#begun) this.#beat.start(now);
    this.#begun = true;
    this.#line.send([this.#messages.subscribe(), this.#messages.birth(this.#beat)]);
    this.#birthWait = birthAgain.first;
    this.#birthAt = now + this.#birthWait;
    this.#tasks?.connected(now);
    this.#backlog.forget(-Infinity);
    this.#update?.online();
    this.wake(now);
  }

  message(topic: string, payload: Buffer, now: number, kept: boolean): void {
    try {
      this.#receive(topic, payload, now, kept);
    } catch (thrown) {
      this.#world.failed(this.#messages.character.id, asError(thrown), false);
    }
    this.changed();
  }

  wake(now: number): void {
    this.#beat.wake(now);
    this.#line.wake(now);
    if (this.#line.online) {
      this.#pump(now);
      this.#tasks?.wake(now);
      this.#update?.wake(now);
      if (this.#birthAt <= now) this.#sayBirthAgain(now);
    }
    this.changed();
  }

  changed(): void {
    let due = Math.min(this.#beat.next, this.#line.next);
    if (this.#line.online)
      due = Math.min(
        due,
        this.#backlog.next(this.#taking),
        this.#birthAt,
        this.#tasks?.next ?? Infinity,
        this.#update?.next ?? Infinity,
      );
    this.#world.wheel.arrange(this, due);
  }

  get #taking(): boolean {
    return this.#heardConsole?.taking ?? true;
  }

  #sayBirthAgain(now: number): void {
    this.#line.send([this.#messages.birth(this.#beat)]);
    this.#birthWait = Math.min(2 * this.#birthWait, birthAgain.longest);
    // A console that has gone says nothing to it.
    this.#birthAt = this.#heardConsole?.online === false ? Infinity : now + this.#birthWait;
  }

  #receive(topic: string, payload: Buffer, now: number, kept: boolean): void {
    const address = this.#world.topics.parse(topic);
    if (address?.kind === "ack") this.#acknowledged(payload, now);
    if (address?.kind === "task") this.#theTasks().receive(address.id, payload, now, kept);
    if (address?.kind === "console") this.#consoleSays(payload, now);
  }

  #consoleSays(payload: Buffer, now: number): void {
    const heard = this.#world.console.read(payload);
    const before = this.#heardConsole;
    this.#heardConsole = heard;
    if (before === undefined) return;
    // Not in the same moment as all the others: that would be a blow.
    const pause = 1_000 * draw(this.#messages.character.seed, 43);
    if (hasReturned(before, heard)) this.#backlog.forget(now + pause);
    if (heard.online && before.session !== heard.session) this.#birthAt = Math.min(this.#birthAt, now + pause);
  }

  #acknowledged(payload: Buffer, now: number): void {
    const ack = readAck(payload);
    const { boot, outbox } = this.#messages;
    if (ack.boot === boot) {
      if (ack.refused !== undefined) return this.#refused();
      if (ack.ts !== undefined) this.#world.console.learn(ack.ts);
      this.#greeted = true;
      this.#birthAt = Infinity;
      this.#tasks?.greeted(now, ack.open);
    }
    if (ack.outbox !== outbox) return;
    this.#backlog.ack(ack, now);
    if (ack.ranges.length > 0) this.#update?.acked();
    this.#pump(now);
  }

  /** Another agent lives under this id. No death is published: it would be retained over the other one's birth. */
  #refused(): void {
    this.#world.tally.refused += 1;
    this.#end();
  }

  #end(): void {
    this.#line.leave();
    this.#beat.pause(-Infinity);
    this.#backlog.abandon(this.#world.clock.monotonic());
  }

  #pump(now: number): void {
    if (!this.#line.online || this.#line.waiting > fullSocket) return;
    const entries = this.#backlog.nextToSend(now, this.#taking);
    if (entries.length > 0) this.#sendBatches(entries, now);
  }

  /** Most devices of a large simulation never get a command. */
  #theTasks(): SimulatedTasks {
    return (this.#tasks ??= new SimulatedTasks(
      {
        device: this.#controls(),
        consoleNow: () => this.#world.console.now(),
        wallNow: () => this.#messages.wall(this.#world.clock.monotonic()),
        publish: (id, reply) => this.#line.send([this.#messages.reply(id, reply)]),
        answered: () => (this.#world.tally.commands += 1),
        update: this.#update,
        shutDown: () => this.leave("shutdown"),
      },
      this.#greeted,
    ));
  }

  #sendBatches(entries: readonly BacklogBatch[], now: number): void {
    const isHungry = this.#update?.isHungry ?? false;
    this.#line.send(entries.map((entry) => this.#messages.batch(entry, now, isHungry)));
  }

  #updating(releases: SimulatedReleases): SimulatedUpdate {
    const now = (): number => this.#world.clock.monotonic();
    const { id, seed } = this.#messages.character;
    return new SimulatedUpdate({
      device: id,
      seed,
      releases,
      boot: () => this.#messages.boot,
      restart: (ms, how) => this.restart(ms, how),
      die: () => {
        this.#line.die();
        this.#beat.pause(-Infinity);
        this.#backlog.abandon(now());
      },
      report: () => void this.#beat.report(now()),
      finish: (command, outcome) => this.#theTasks().finish(command, outcome, now()),
    });
  }

  #controls(): Controls {
    const { facts } = this.#messages;
    return new Controls({
      boot: () => this.#messages.boot,
      facts,
      beat: this.#beat,
      backlog: this.#backlog,
      now: () => this.#world.clock.monotonic(),
      announce: () => this.#line.send([this.#messages.birth(this.#beat)]),
    });
  }
}
