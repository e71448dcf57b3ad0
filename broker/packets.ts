/**
 * A packet as Aedes hands it to its store and its emitter (aedes-packet): `brokerId` and `brokerCounter` name the message
 * within the boot of one broker, `clientId` its publisher.
 */
export interface StoredPacket {
  readonly cmd: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly brokerId?: string | null;
  readonly brokerCounter?: number;
  readonly clientId?: string;
  messageId?: number | undefined;
  /** The publisher's user name, noted when the message is emitted, because its client may be gone when it is delivered. */
  from?: string | undefined;
}
