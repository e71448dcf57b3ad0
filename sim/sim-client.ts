import type { IConnectPacket, Packet } from "mqtt-packet";
import { BackOff, spreadOf } from "#shared/back-off";
import { PacketSocket, type SocketOwner } from "./packet-socket.ts";
import type { Entrant } from "./entrance.ts";
import { draw } from "./random.ts";
import type { Leaving } from "./simulated-update.ts";
import type { World } from "./world.ts";

/** Whom a line serves. */
export interface Talker {
  /** What lets it in; asked for anew each time. */
  connect(): IConnectPacket;
  /** It is let in. */
  online(now: number): void;
  /** @param kept whether the broker had kept it */
  message(topic: string, payload: Buffer, now: number, kept: boolean): void;
  /** The broker does not let it in, and will not by its coming again. */
  turnedAway(): void;
  /** {@link SimClient.next} may be another one. */
  changed(): void;
}

/** Milliseconds until the broker has let one in. */
const handshakePatience = 10_000;
/** Parts of the keep-alive after which a quiet line gives a sign of life, and a silent broker counts as gone. */
const patience = { ping: 0.75, silence: 1.7 };
/** Milliseconds after which a connection has held. */
const settled = 10_000;
/** Milliseconds that a line which was dropped on purpose stays away: at least, and how much more at most. */
const away = { least: 200, more: 5_000 };

/**
 * A device's way to the broker, over one connection after the other.
 *
 * ```text
 *  waiting ──entrance──► connecting ──CONNACK──► online ──► waiting, for a while
 *     └──────────────────────┴────────────────────┴──────► ended
 * ```
 */
export class SimClient implements SocketOwner, Entrant {
  readonly #world: World;
  readonly #talker: Talker;
  readonly #id: string;
  readonly #seed: number;
  readonly #flaps: boolean;
  #state: "waiting" | "connecting" | "online" | "ended" = "waiting";
  #connection: PacketSocket | undefined;
  /** When it asks the entrance again, or has waited long enough for an answer; when to look for signs of life; when to flap. */
  #turn = Infinity;
  #look = Infinity;
  #flap = Infinity;
  #sentAt = 0;
  #heardAt = 0;
  #onlineSince = Infinity;
  #refused = false;
  /** While there is no connection that has held: ten thousand need none. */
  #waits: BackOff | undefined;
  #draws = 0;
  #drops = 0;

  constructor(
    world: World,
    talker: Talker,
    of: { readonly id: string; readonly seed: number; readonly flaps: boolean },
  ) {
    this.#world = world;
    this.#talker = talker;
    this.#id = of.id;
    this.#seed = of.seed;
    this.#flaps = of.flaps;
  }

  get online(): boolean {
    return this.#state === "online";
  }

  /** When {@link wake} has something to do. */
  get next(): number {
    return this.#state === "online" ? Math.min(this.#look, this.#flap) : this.#turn;
  }

  /** Bytes that wait for a broker that does not read. */
  get waiting(): number {
    return this.#connection?.waiting ?? 0;
  }

  /** Resolves once there is no connection. */
  get closing(): Promise<void> {
    return this.#connection?.gone ?? Promise.resolve();
  }

  start(): void {
    this.#world.entrance.ask(this);
  }

  /** Sends, where it is online. */
  send(packets: readonly Packet[]): void {
    if (this.#state !== "online") return;
    this.#sentAt = this.#world.clock.monotonic();
    this.#connection?.sendAll(packets);
  }

  /** Disconnects for good, after what was sent before. */
  leave(): void {
    if (this.#state === "online") {
      this.#world.tally.connected -= 1;
      this.#connection?.leave();
    } else {
      if (this.#state === "connecting") this.#world.entrance.left();
      this.#connection?.drop();
    }
    this.#state = "ended";
    this.#turn = Infinity;
  }

  /** Without another word. */
  drop(): void {
    this.#connection?.drop();
  }

  /** Away for so many milliseconds, after what was sent before, or without a word. */
  leaveFor(ms: number, how: Leaving): void {
    if (this.#state === "ended") return;
    this.#flap = Infinity;
    this.#turn = this.#world.clock.monotonic() + ms;
    if (how === "goodbye") this.#connection?.leave();
    else this.#connection?.drop();
  }

  /** Dead for good, without a word. */
  die(): void {
    if (this.#state === "online") this.#world.tally.connected -= 1;
    if (this.#state === "connecting") this.#world.entrance.left();
    this.#state = "ended";
    this.#turn = Infinity;
    this.#connection?.drop();
  }

  enter(now: number): void {
    if (this.#state !== "waiting") return this.#world.entrance.left();
    this.#state = "connecting";
    this.#turn = now + handshakePatience;
    this.#connection = new PacketSocket(this.#world.wire, this, this.#world);
    this.#talker.changed();
  }

  wake(now: number): void {
    if (this.#state === "online") this.#watch(now);
    else if (this.#turn <= now) this.#takeTurn();
  }

  opened(): void {
    this.#connection?.sendAll([this.#talker.connect()]);
  }

  took(packet: Packet): void {
    const now = (this.#heardAt = this.#world.clock.monotonic());
    if (packet.cmd === "connack") return this.#connack(packet.returnCode ?? 0, now);
    if (packet.cmd !== "publish" || this.#state !== "online") return;
    if (packet.qos === 1) this.#connection?.sendAll([{ cmd: "puback", messageId: packet.messageId ?? 0 }]);
    this.#talker.message(packet.topic, packet.payload as Buffer, now, packet.retain);
  }

  closed(error: Error | undefined): void {
    this.#connection = undefined;
    if (this.#state === "ended") return;
    const now = this.#world.clock.monotonic();
    const wasOnline = this.#state === "online";
    if (wasOnline) {
      this.#world.tally.connected -= 1;
      // One that dropped it on purpose has said when it comes back.
      if (this.#turn === Infinity) this.#world.tally.lost += 1;
    } else {
      this.#turn = Infinity;
      this.#world.entrance.left();
      this.#world.failed(this.#id, error ?? new Error("the broker closed the connection"), false);
    }
    this.#state = "waiting";
    if (this.#turn === Infinity) this.#turn = now + this.#pause(wasOnline, now);
    this.#refused = false;
    this.#talker.changed();
  }

  #connack(code: number, now: number): void {
    if (this.#state !== "connecting") return;
    if (code !== 0) {
      const badLogin = code === 4 || code === 5;
      const why = badLogin ? "a wrong name or secret" : "the broker does not take it now";
      const error = new Error(`${why} (CONNACK ${code})`);
      return badLogin ? this.#barred(error) : this.#turnAway(error);
    }
    this.#state = "online";
    this.#onlineSince = now;
    this.#turn = Infinity;
    this.#look = now + this.#ping;
    this.#flap = this.#nextFlap(now);
    this.#world.entrance.left();
    this.#world.tally.connected += 1;
    this.#world.tally.connects += 1;
    this.#talker.online(now);
  }

  #turnAway(error: Error): void {
    this.#refused = true;
    this.#connection?.drop(error);
  }

  #barred(error: Error): void {
    this.#talker.turnedAway();
    this.#world.failed(this.#id, error, true);
  }

  #takeTurn(): void {
    this.#turn = Infinity;
    if (this.#state === "waiting") this.#world.entrance.ask(this);
    else this.#connection?.drop(new Error(`no answer from the broker within ${handshakePatience / 1_000} s`));
  }

  #watch(now: number): void {
    if (this.#flap <= now) return this.#dropOut(now);
    if (this.#look > now) return;
    const quiet = Math.min(this.#sentAt, this.#heardAt);
    const silence = patience.silence * this.#world.keepalive * 1_000;
    const ping = this.#ping;
    if (now - this.#heardAt > silence) this.#connection?.drop(new Error("the broker is silent"));
    else if (now - quiet >= ping) this.#connection?.sendAll([{ cmd: "pingreq" }]);
    this.#look = now - quiet >= ping ? now + ping : quiet + ping;
  }

  /** Milliseconds between two signs of life. */
  get #ping(): number {
    return patience.ping * this.#world.keepalive * 1_000;
  }

  /** As a cable does that is pulled out: no DISCONNECT, so that the broker tells its will. */
  #dropOut(now: number): void {
    this.#world.tally.flaps += 1;
    this.#drops += 1;
    this.#flap = Infinity;
    this.#turn = now + away.least + away.more * draw(this.#seed, 42, this.#drops);
    this.#connection?.drop();
  }

  /** As long as a real agent would. */
  #pause(wasOnline: boolean, now: number): number {
    if (wasOnline && now - this.#onlineSince > settled) this.#waits = undefined;
    else if (wasOnline) this.#refused = true;
    const waits = (this.#waits ??= new BackOff({
      spread: (least) => spreadOf(this.#world.console.fleet, least),
      random: () => draw(this.#seed, 41, ++this.#draws),
    }));
    return this.#refused ? waits.turnedAway() : waits.absent();
  }

  /** At random moments, so often on average as is asked for. */
  #nextFlap(now: number): number {
    if (!this.#flaps) return Infinity;
    const chance = draw(this.#seed, 44, this.#drops);
    return now + Math.max(500, -Math.log(1 - chance) * this.#world.flapEvery);
  }
}
