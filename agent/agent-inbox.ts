import type { ConnectionChange, Message } from "#shared/bus";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { readAuthorities } from "#shared/messages/authorities-message";
import { readAck } from "#shared/messages/metrics";
import { readConsoleStatus } from "#shared/messages/presence-messages";
import type { Topics } from "#shared/topics";
import type { Renewal } from "./certificate/renewal.ts";
import type { Executor } from "./commands/executor.ts";
import type { FileTransfers } from "./files/file-transfers.ts";
import type { ConsolePresence } from "./console-presence.ts";
import type { Introduction } from "./introduction.ts";
import type { Sender } from "./metrics/sender.ts";
import type { Presence } from "./presence.ts";
import type { Trial } from "./update/trial.ts";
import type { TrustedAuthorities } from "./trusted-authorities.ts";

export interface AgentInboxOptions {
  readonly topics: Topics;
  readonly runId: string;
  readonly console: ConsolePresence;
  readonly authorities: Pick<TrustedAuthorities, "heard">;
  readonly introduction: Introduction;
  readonly presence: Presence;
  readonly sender: Sender;
  readonly executor: Executor;
  readonly transfers: Pick<FileTransfers, "receive" | "greeted">;
  /** Of a device with a certificate. */
  readonly renewal?: Pick<Renewal, "connected" | "look" | "heard" | "ports"> | undefined;
  /** Of a version that has to prove itself. */
  readonly trial?: Pick<Trial, "connected" | "acked"> | undefined;
  /** The console has answered this connection's birth. */
  readonly greeted?: (() => unknown) | undefined;
  /** The console does not take this run of the agent, and says why. */
  readonly refused: (why: string) => void;
  readonly log: Log;
}

/** Hands what comes to the agent, and the coming and going of its connection, to the parts that it concerns. */
export class AgentInbox {
  readonly #options: AgentInboxOptions;

  constructor(options: AgentInboxOptions) {
    this.#options = options;
  }

  receive(message: Message): void {
    const { topics, executor } = this.#options;
    const address = topics.parse(message.topic);
    if (address?.kind === "task") return executor.receive(address.id, message);
    if (address?.kind === "ack") this.#acknowledged(message);
    if (address?.kind === "console") this.#consoleChanged(message);
    if (address?.kind === "authorities") this.#authoritiesChanged(message);
    if (address?.kind === "file-down" && !message.retain) this.#options.transfers.receive(address.id, message);
    if (address?.kind === "certificate" && !message.retain) this.#options.renewal?.heard(message);
  }

  connection(change: ConnectionChange): void {
    const { presence, sender, executor, introduction, renewal, trial } = this.#options;
    if (!change.up) return this.#disconnected();
    introduction.heard = executor.heard;
    renewal?.connected();
    presence.connected(change.session);
    sender.connected();
    executor.connected();
    trial?.connected();
  }

  #disconnected(): void {
    this.#options.console.forget();
    this.#options.sender.disconnected();
    this.#options.executor.disconnected();
  }

  #consoleChanged(message: Message): void {
    const { console, introduction, presence, sender, executor, log } = this.#options;
    try {
      const status = readConsoleStatus(message.payload);
      const news = console.heard(status, message.retain);
      if (news === "past") return;
      if (news === "returned") {
        introduction.heard = executor.heard;
        presence.announceSoon();
      }
      sender.consoleStatus(status);
      this.#options.renewal?.ports(status.certificatePorts);
    } catch (thrown) {
      log.warn({ err: asError(thrown) }, "the console's status could not be read");
    }
  }

  #authoritiesChanged({ payload }: Message): void {
    // Somebody has cleared the topic.
    if (payload.length === 0) return;
    try {
      this.#options.authorities.heard(readAuthorities(payload));
    } catch (thrown) {
      this.#options.log.warn({ err: asError(thrown) }, "the console's word on authorities could not be read");
    }
  }

  #acknowledged(message: Message): void {
    const { runId, presence, sender, executor, refused, log } = this.#options;
    try {
      const ack = readAck(message.payload);
      if (ack.refused !== undefined && ack.boot === runId) return refused(ack.refused);
      if (ack.ts !== undefined) executor.learn(ack.ts, ack.unsure);
      this.#options.renewal?.look();
      if (ack.boot === runId && presence.isOf(ack.session)) {
        this.#options.greeted?.();
        executor.greeted(ack.open, ack.begun, ack.doubted);
        this.#options.transfers.greeted();
      }
      if (sender.acked(ack) > 0) this.#options.trial?.acked();
    } catch (thrown) {
      log.warn({ err: asError(thrown) }, "an ack from the console could not be read");
    }
  }
}
