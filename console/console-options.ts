import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import type { Duration } from "#shared/duration";
import type { FieldType } from "#shared/field-type";
import type { Log } from "#shared/log";
import type { CertificatePorts } from "#shared/messages/presence-messages";
import type { Args } from "#shared/messages/command-messages";
import type { Signature } from "#shared/messages/command-signature";
import type { SafetyNet } from "#shared/safety-net";
import type { DevicesAuthority, PrivateAuthority } from "#shared/private-authority";
import type { SyslogAddress } from "#shared/syslog-address";
import { settings } from "#shared/settings";
import type { ReportsSent } from "./reports/report-sender.ts";
import type { State } from "./state/state.ts";

/** `history`, `seriesBudget`, `spoolBytes` and `certificateLife` are read each time that they are needed: they may be getters, of values that change. */
export interface ConsoleOptions {
  /** Where the state is kept: accounts, devices, commands, and the embedded store's metrics. */
  readonly directory: string;
  /** The broker as `mqtt://host:port`; with `password`, the secret of the account named `console` there. */
  readonly url?: string;
  /** With TLS: the authorities that the broker's certificate has to come from, as PEM, and no others; the system's by default. */
  readonly ca?: string | undefined;
  /** The installation's own authority, where it has one. */
  readonly authority?: PrivateAuthority | undefined;
  readonly username?: string;
  readonly password?: string;
  /** Instead of `url`: a bus that is already there, as the embedded broker's. */
  readonly bus?: Bus;
  /** `http://user:pass@host:8086/database`; without it, metrics go to the embedded store. */
  readonly influxUrl?: string;
  /** Milliseconds that InfluxDB keeps samples: made its default retention policy. Without it, InfluxDB's own holds. */
  readonly influxRetention?: number;
  /** Bounds of the embedded store: milliseconds and bytes. */
  readonly history?: {
    readonly maxAge: number;
    readonly maxBytes: number;
    /** Of what each minute, and each quarter of an hour, comes to. */
    readonly maxAgeOfMinutes?: number;
    readonly maxAgeOfQuarters?: number;
  };
  /** Declared types by `measurement.field`; without one, a field's first value decides. */
  readonly fieldTypes?: ReadonlyMap<string, FieldType>;
  /** Series that one device may have; 1,000 by default. */
  readonly seriesBudget?: number;
  /** By which channels reports go out by themselves, asked each time; by none unless given. */
  readonly reportsSent?: () => ReportsSent;
  /** Bytes of simple samples that wait on disk for the store at most; 64 MiB by default. */
  readonly spoolBytes?: number;
  /** Milliseconds between two reports of what the console measures of itself; 10,000 by default. */
  readonly selfInterval?: number;
  /** Makes devices' certificates; without it no device is given one. */
  readonly deviceAuthority?: DevicesAuthority | undefined;
  /** Where the broker takes them, here and should it be one of the other kind; devices are told. */
  readonly certificatePorts?: CertificatePorts | undefined;
  /** Milliseconds that they are good for; 90 days by default. */
  readonly certificateLife?: number;
  /** Bytes of files that are kept for whoever fetched them or until they are put; bytes of the disk that these leave free; bytes of them a second. */
  readonly files?: { readonly most?: number; readonly spare?: number; readonly rate?: number };
  /** A certificate of somebody's own that the servers show, by its file: its end is told. */
  readonly ownCertificate?: string | undefined;
  /** Where browsers reach the page, without a path: notices lead there. */
  readonly pageUrl?: string | undefined;
  /**
   * To which addresses notices for people's browsers may go, by default those on the internet; and PEM of the authorities that push
   * services' certificates may come from, the system's by default: for a push service of one's own.
   */
  readonly push?: { readonly mayReach?: (address: string) => boolean; readonly ca?: string | undefined };
  /** Where each entry of the audit log goes as well. */
  readonly auditSyslog?: SyslogAddress | undefined;
  readonly root?: string;
  readonly mqttVersion?: 4 | 5 | "auto";
  /** Opened already by the one who composes; otherwise opened and closed here. */
  readonly state?: State;
  readonly log?: Log;
  readonly clock?: Clock;
  /** What catches faults in listeners and timers; one of its own by default. */
  readonly net?: SafetyNet;
}

export interface SentOrder {
  readonly key: string;
  readonly args?: Args;
  /** An id of the sender's own, which a signature is for. */
  readonly id?: string;
  /** A person's word for it, for devices that take no command without one. */
  readonly signature?: Signature | undefined;
}

export interface SendOptions {
  /** How long to wait for the final reply: `"5s"`, or milliseconds; 5 s by default. */
  readonly timeout?: Duration;
  /** How long the command may wait for the device; without it, it is a call and ends with the caller's patience. */
  readonly ttl?: Duration;
  /** Who sends it; `api` by default. */
  readonly by?: string;
}

export const defaults = {
  timeout: 5_000,
  mqttVersion: settings.mqttVersion.default,
  history: {
    maxAge: settings.historyAge.default,
    maxBytes: settings.historySize.default,
    maxAgeOfMinutes: settings.historyMinutes.default,
    maxAgeOfQuarters: settings.historyQuarters.default,
  },
  fieldTypes: settings.fieldTypes.default,
  seriesBudget: settings.seriesBudget.default,
  spoolBytes: settings.spoolSize.default,
  certificateLife: settings.certificateLife.default,
} as const;
