import { must, type Case } from "../case.ts";
import { address, say } from "../raw.ts";

/** What may stand where a request's target stands; `new URL` throws on some of it. */
const targets = [
  "//",
  "///",
  "//:0",
  "http://[",
  "http://",
  "*",
  "/%",
  "/%00",
  "\\\\",
  "/\u0001",
  "?",
  "#",
  "//user@:x@/",
  "/".repeat(8_000),
];
const hosts = ["localhost", "", "[", "a b", "//", ":99999", "\u00ff", "x".repeat(8_000)];

/** Upgrades to WebSocket whose target or host is no URL, on every port. */
export const upgrades: Case = {
  name: "upgrades",
  tries: "upgrades to WebSocket with targets that are no URL, such as GET //",
  async run({ place }) {
    const ports = place.kind === "embedded" ? [place.http, place.mqtt] : [place.http];
    const requests = targets.flatMap((target) => hosts.map((host) => upgrade(target, host)));
    let answered = 0;
    for (const port of ports) {
      await Promise.all(
        requests.map(async (request, at) => {
          const { heard } = await say(port, request, {
            from: address(at % 50),
            ms: 1_000,
            enough: (text) => text.includes("\r\n\r\n"),
          });
          if (heard.startsWith("HTTP/1.1 ")) answered += 1;
          must(
            !heard.startsWith("HTTP/1.1 5"),
            `${JSON.stringify(request.slice(0, 40))} is answered ${heard.slice(0, 60)}`,
          );
        }),
      );
    }
    return `${requests.length * ports.length} requests, ${answered} answered`;
  },
};

function upgrade(target: string, host: string): string {
  return [
    `GET ${target} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: mqtt",
    "\r\n",
  ].join("\r\n");
}
