import { must, type Case } from "../case.ts";
import { appear } from "../device.ts";
import { healthy, type Place } from "../place.ts";
import { address, say } from "../raw.ts";

/** What a browser says of a request that a page of somebody else's makes. */
const foreign = [
  { origin: "http://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
  { origin: "null", "sec-fetch-site": "cross-site" },
  { origin: "http://127.0.0.1:9999", "sec-fetch-site": "same-site" },
  { origin: "http://evil.example" },
];

/** State changes that a page of somebody else's asks for, with what the operator's browser adds by itself. */
export const foreignPages: Case = {
  name: "foreign-pages",
  tries: "state changes by pages of other sites and ports, a foreign Host, a foreign WebSocket",
  async run({ place, device }) {
    const peer = await appear(place, device);
    const cookie = await session(place);
    const routes: readonly [string, string, string?][] = [
      ["POST", `/api/collector/${healthy}/shutdown`],
      ["POST", `/api/devices/${device}/commands`, '{"key":"ping","ttl":"1s"}'],
      ["POST", "/api/jobs", `{"key":"ping","target":{"devices":["${device}"]}}`],
      ["POST", "/api/jobs/1/pause"],
      ["POST", "/api/jobs/1/resume"],
      ["DELETE", "/api/commands/1"],
      ["DELETE", "/api/quarantine"],
      ["POST", "/api/session", `{"name":"olaf","password":"${place.secretOf("olaf")}"}`],
    ];
    let tried = 0;
    for (const [method, path, body] of routes) {
      for (const page of foreign) {
        for (const login of [{ cookie }, { authorization: `Basic ${btoa(`olaf:${place.secretOf("olaf")}`)}` }]) {
          // A form can send text alone; what is not declared is sometimes read as JSON all the same.
          const headers = { ...page, ...login, accept: "*/*", ...(body ? { "content-type": "text/plain" } : {}) };
          for (const type of body ? ["text/plain", "application/json"] : [undefined]) {
            const { status, headers: answered } = await place.ask(path, {
              method,
              body,
              headers: { ...headers, ...(type ? { "content-type": type } : {}) },
            });
            tried += 1;
            must(status === 403 || status === 415, `${method} ${path} from ${page.origin} is answered ${status}`);
            must(
              answered["www-authenticate"] === undefined,
              `${method} ${path} from ${page.origin} asks the browser for a password`,
            );
          }
        }
      }
    }
    const asked = await place.ask("/api/devices", {
      headers: { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-site": "cross-site" },
    });
    must(asked.headers["www-authenticate"] === undefined, "a browser is asked for a password");
    for (const host of ["evil.example", "evil.example:80", `evil.example:${place.http}`]) {
      const { status, text } = await place.ask("/api/devices", { as: "vera", headers: { host } });
      must(status >= 400 && status < 500, `under the name ${host} the console answers ${status}: ${text.slice(0, 60)}`);
    }
    if (place.kind === "embedded") await foreignSocket(place);
    const { online } = await place.read<{ online: boolean }>(`/api/devices/${healthy}`);
    must(online, "a foreign page has shut the healthy device down");
    peer.leave();
    return `${tried} requests`;
  },
};

async function session(place: Place): Promise<string> {
  const { status, headers } = await place.ask("/api/session", {
    method: "POST",
    body: { name: "olaf", password: place.secretOf("olaf") },
    from: address(200),
  });
  must(status === 200, `the log-in is answered ${status}`);
  return (headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "";
}

async function foreignSocket(place: Place): Promise<void> {
  const upgrade = (origin: string): string =>
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${place.mqtt}\r\nOrigin: ${origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n`;
  const { heard } = await say(place.mqtt, upgrade("http://evil.example"), {
    enough: (text) => text.includes("\r\n\r\n"),
  });
  must(!heard.startsWith("HTTP/1.1 101"), "a page of another site gets a WebSocket to the broker");
}
