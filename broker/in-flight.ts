/** What has to come next of a message that was sent: at QoS 1, at QoS 2, and there after the PUBREC. */
export type Awaited = "puback" | "pubrec" | "pubcomp";

/**
 * Messages on their way to one client that are remembered: one that acknowledges nothing gets more, of which the oldest are forgotten, and
 * may then be acknowledged in any way.
 */
export const maxInFlight = 1_024;
const lastId = 65_535;

/**
 * Packet ids of the messages that one connection has been sent, each with what has to come next (§4.3.2, §4.3.3). Aedes takes any
 * acknowledgement for any message.
 */
export class InFlight {
  readonly #awaited = new Map<number, Awaited>();
  #last = 0;

  /** @returns the packet id of the next message, which no other on its way has */
  nextPacketId(qos: 1 | 2): number {
    do this.#last = (this.#last % lastId) + 1;
    while (this.#awaited.has(this.#last));
    if (this.#awaited.size >= maxInFlight) this.#forgetOldest();
    this.#awaited.set(this.#last, qos === 1 ? "puback" : "pubrec");
    return this.#last;
  }

  /** Takes an acknowledgement. @returns what is wrong with it */
  fault(cmd: string, id: number): string | undefined {
    const awaited = this.#awaited.get(id);
    const fault = ackFault(cmd, awaited);
    if (fault !== undefined || awaited === undefined) return fault;
    if (cmd === "pubrec") this.#awaited.set(id, "pubcomp");
    else if (cmd === awaited) this.#awaited.delete(id);
    return undefined;
  }

  #forgetOldest(): void {
    const [oldest] = this.#awaited.keys();
    if (oldest !== undefined) this.#awaited.delete(oldest);
  }
}

/** What is wrong with an acknowledgement of a message that awaits another one. One of a message that nobody knows is nobody's. */
export function ackFault(cmd: string, awaited: Awaited | undefined): string | undefined {
  if (awaited === undefined || cmd === awaited || !(cmd === "puback" || cmd === "pubrec" || cmd === "pubcomp"))
    return undefined;
  // It may say PUBREC again where it has not seen the PUBREL.
  if (cmd === "pubrec" && awaited === "pubcomp") return undefined;
  const statement = awaited === "puback" ? "[MQTT-4.3.2-2]" : "[MQTT-4.3.3-2]";
  return `a ${cmd} of a message that a ${awaited} has to acknowledge ${statement}`;
}
