import type { MqttClient } from "mqtt";

/** Bytes around each packet, sent or received: its headers of IP and TCP with a timestamp, and those of the packet by which the other side confirms it. */
export const aroundPacket = 104;
/** Bytes of a packet's content that go in one piece over most ways; the next one has such headers again. */
const piece = 1_400;
/** Bytes of coming in and leaving: the packets of TCP that have no content. */
export const aroundConnection = 420;

/** Bytes that a frame of a WebSocket and a record of TLS have around them at most. */
const aroundFrame = 8 + 22;

/**
 * Tells what a connection takes on the wire, both ways together. What TCP carries is counted, TLS and its handshake included; what stands around it nobody
 * sees here, and is estimated, rather too high than too low: each packet by itself, and each confirmed by one of its own.
 */
export function countWire(client: MqttClient, spent: (bytes: number) => void): void {
  const carried = carriedBy(client.stream);
  let counted = 0;
  const look = (): void => {
    const bytes = Math.max(0, carried() - counted);
    counted += bytes;
    spent(bytes + aroundPacket * Math.max(1, Math.ceil(bytes / piece)));
  };
  client.stream.once("connect", () => spent(aroundConnection));
  client.on("packetsend", look);
  client.on("packetreceive", look);
  client.once("close", () => {
    const rest = carried() - counted;
    if (rest > 0) spent(rest);
  });
}

/** @returns how to ask what its socket has carried; a WebSocket's cannot be had from its stream, which is looked at instead */
function carriedBy(stream: MqttClient["stream"]): () => number {
  if ("bytesRead" in stream && "bytesWritten" in stream)
    return () => Number(stream.bytesRead) + Number(stream.bytesWritten);
  let bytes = aroundConnection;
  stream.on("data", (chunk: Buffer) => void (bytes += chunk.length + aroundFrame));
  const write = stream.write.bind(stream) as (...given: readonly unknown[]) => boolean;
  stream.write = (...given: readonly unknown[]): boolean => {
    const [chunk] = given;
    if (Buffer.isBuffer(chunk) || typeof chunk === "string") bytes += chunk.length + aroundFrame;
    return write(...given);
  };
  return () => bytes;
}
