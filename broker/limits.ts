import { batchCap, payloadCap } from "#shared/codec";
import { strangersOfOne } from "#shared/crowd";

/** Every bound of the broker. Times are milliseconds, sizes bytes. */
export interface Limits {
  /** In total; fewer where the system gives the process fewer descriptors. */
  readonly connections: number;
  /** Of one network, before they have logged in. */
  readonly strangersOfOne: number;
  /** Of one user: who may choose client ids must not be able to fill the broker alone. */
  readonly connectionsOfUser: number;
  /** Until the first byte and, for WebSocket, until the upgrade; and until CONNECT. */
  readonly connectTimeout: number;
  /** The longest keep-alive granted, in seconds; also what a client gets that asks for none. */
  readonly keepalive: number;
  /** A packet's remaining length before CONNECT is in, and afterwards. */
  readonly connectBytes: number;
  readonly packetBytes: number;
  /** Until a packet is there as a whole: a batch of 256 KiB over GPRS takes 90 s. */
  readonly packetTimeout: number;
  /** What may wait for one connection before publishers feel it, and before messages to it are dropped. */
  readonly outgoingSoft: number;
  readonly outgoingHard: number;
  /** How long a full connection may hold others back, and how long it may stay full before it is closed. */
  readonly holdBack: number;
  readonly frozen: number;
  readonly retained: number;
  /** Of one retained message's payload, and of all of them with their topics. */
  readonly retainedBytes: number;
  readonly retainedTotal: number;
  /** QoS 2 messages of one client that wait for its PUBREL; their bytes; and those of all clients. */
  readonly unreleased: number;
  readonly unreleasedBytes: number;
  readonly unreleasedTotal: number;
  readonly sessions: number;
  /** Of one user, for the same reason as connections. */
  readonly sessionsOfUser: number;
  readonly sessionExpiry: number;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** Of all sessions. */
  readonly queuedTotal: number;
  readonly subscriptions: number;
  /** Refusals told to one client in a minute; further ones are only counted. */
  readonly refusals: number;
}

export const defaultLimits = {
  connections: 12_000,
  strangersOfOne,
  connectionsOfUser: 200,
  connectTimeout: 5_000,
  keepalive: 1_200,
  connectBytes: 8 * 1024,
  // The largest batch and a topic before it.
  packetBytes: batchCap + 1_024,
  packetTimeout: 180_000,
  outgoingSoft: 64 * 1024,
  outgoingHard: 1024 * 1024,
  holdBack: 100,
  frozen: 10_000,
  retained: 100_000,
  retainedBytes: payloadCap,
  // Births of 10,000 devices, each with 8 KiB of what it offers, and room for tasks.
  retainedTotal: 128 * 1024 * 1024,
  unreleased: 1_000,
  unreleasedBytes: 1024 * 1024,
  unreleasedTotal: 64 * 1024 * 1024,
  sessions: 1_000,
  sessionsOfUser: 200,
  sessionExpiry: 24 * 3_600_000,
  queuedMessages: 1_000,
  queuedBytes: 1024 * 1024,
  queuedTotal: 128 * 1024 * 1024,
  subscriptions: 200,
  refusals: 20,
} satisfies Limits;
