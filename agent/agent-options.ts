import type { Clock } from "#shared/clock";
import type { LinkSecret } from "#shared/link-secret";
import type { Log } from "#shared/log";
import type { SafetyNet } from "#shared/safety-net";
import type { Collector } from "./collectors/collector.ts";
import type { NamePatterns } from "./collectors/name-filter.ts";
import type { Configuring } from "./configuration/configuring.ts";
import type { FileAccess } from "./files/file-commands.ts";
import type { RecentLog } from "./support/recent-log.ts";

/** An installation that the starter has begun, and whose word on releases counts. */
export interface UpdateSurroundings {
  /** The directory of versions, and the checksum of the program that was installed, as the starter tells them. */
  readonly state: string;
  readonly base: string;
  /** This run's version, where it is on trial: then it has to prove itself. */
  readonly trial?: string | undefined;
  /** Public keys that say which keys count for releases, a line each as `muster release keygen` prints it; without one `update` is not offered. */
  readonly roots: readonly string[];
  /** The console's origin, where releases come from unless a command says otherwise. */
  readonly origin?: string | undefined;
  /** Of which files of a release it may be: `node` by default, or as an executable such as `linux-arm64`. */
  readonly target?: string | undefined;
  /** The beginning of the SHA-256 of the agent's own file. */
  readonly build?: string | undefined;
}

export interface AgentOptions {
  /** Why it offers no `update`, where it does not: the rest of a sentence for who wants to update it. */
  readonly noUpdate?: string | undefined;
  /** The device's id, also its user name and client id at the broker. */
  readonly device: string;
  /** The broker: `mqtt://host:port`, or `mqtts://`, `ws://`, `wss://`. */
  readonly url: string;
  /** With TLS: the authorities that the broker's certificate has to come from, as PEM, and no others; the system's by default. */
  readonly ca?: string | undefined;
  /** The secret that `muster enroll` printed for this device. */
  readonly password: string | LinkSecret;
  /** Makes another secret, which is tried from then on as well. Without it the agent does not offer `rotate-secret`. @returns its hash */
  readonly rotateSecret?: (() => string) | undefined;
  /** Whether the certificate in {@link directory} says who this is, in place of the secret: what joining by such a code has put there. */
  readonly certified?: boolean | undefined;
  /** Milliseconds between samples, as long as nobody has changed it from the console; 10,000 by default. */
  readonly interval?: number;
  /** Samples sent in one message; 1 by default. */
  readonly batchSize?: number;
  /** Bytes of unacknowledged batches kept at most, and milliseconds of their age; 64 MiB and 7 days by default. */
  readonly outboxBytes?: number;
  readonly outboxAge?: number;
  /** Milliseconds that a batch may wait in memory for the console's ack before it goes to the disk, and be lost with the power; by default it goes there first. */
  readonly outboxSync?: number | undefined;
  /** Bytes that its connection may take in a day, both ways together; by default as many as there are. */
  readonly maxBytesPerDay?: number | undefined;
  /**
   * Public keys, a line each as `muster keygen` prints it: only what one of them has signed is carried out. It needs a directory, in which a
   * command that is signed itself can change them.
   */
  readonly signers?: readonly string[] | undefined;
  /** Where the agent keeps its state; without it, nothing survives the process. */
  readonly directory?: string;
  /**
   * How to begin anew: called after this agent has let go of everything. Without it the agent does not offer `restart`.
   * The new run answers the command.
   */
  readonly restart?: () => void;
  /** How it updates itself; without it, and {@link restart} and {@link directory}, it does not offer `update`. */
  readonly update?: UpdateSurroundings | undefined;
  /** The words of what reboots the machine, such as `["systemctl", "reboot"]`; without it the agent does not offer `reboot`. */
  readonly rebootCommand?: readonly string[];
  /** Which files the console may have, and where it may put some; none by default. */
  readonly files?: FileAccess | undefined;
  /** Path of a local socket that takes samples of other programs, or on Windows the name of a pipe; without it there is none. */
  readonly metricsSocket?: string | undefined;
  /** A directory of programs that print samples and are run on the beat; without it there are none. */
  readonly metricsDirectory?: string | undefined;
  /** First levels of every topic; `muster` by default. */
  readonly root?: string;
  /** The MQTT version to speak: `auto` (the default) tries 5, then 3.1.1. */
  readonly mqttVersion?: 4 | 5 | "auto";
  /** Of which interfaces, mounts and disks; without what lives only as long as a container, by default. */
  readonly names?: NamePatterns;
  /** Tags that each sample gets besides its own. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Names of what it measures by itself, as patterns with commas between; all of it by default. */
  readonly sampled?: string | undefined;
  /** Patterns of the commands that are offered, each of which a key has to pass; all by default. `configure` passes by default. */
  readonly allow?: readonly string[] | undefined;
  /** Settings that are changed from the console; without it the agent offers no `configure`. */
  readonly configuring?: Configuring | undefined;
  /** What to sample; everything that this system has by default. */
  readonly collectors?: readonly Collector[];
  readonly log?: Log;
  /** The newest lines of the log, which `logs` and `support` tell from; of this agent alone by default. */
  readonly recentLog?: RecentLog | undefined;
  readonly clock?: Clock;
  /** What catches faults in listeners and timers; one of its own by default. */
  readonly net?: SafetyNet;
}
