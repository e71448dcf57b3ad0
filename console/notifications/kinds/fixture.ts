import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import type { Scope } from "../../../test/suite.ts";

/** What came in. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
  /** `never`: nothing is answered; `half`: the head, a part of the body, and then the connection ends; `huge`: the body does not end, and comes fast; `cut`: the connection ends. */
  readonly how?: "never" | "half" | "huge" | "cut";
}

export interface Service {
  readonly url: string;
  readonly asked: Asked[];
  /** The next answers, in the place of what the service itself says. */
  readonly script: Reply[];
}

/** A real server over HTTP; with `tls`, by HTTPS. */
export async function service(
  scope: Scope,
  answer: (asked: Asked) => Reply,
  tls?: { readonly key: string; readonly cert: string },
): Promise<Service> {
  const asked: Asked[] = [];
  const script: Reply[] = [];
  const listener: RequestListener = (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const bytes = Buffer.concat(parts);
      const one = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: bytes.toString(),
        bytes,
      };
      asked.push(one);
      const { status, headers = {}, body = "", how } = script.shift() ?? answered(answer, one);
      if (how === "never") return;
      if (how === "cut") return request.socket.destroy();
      response.writeHead(status, {
        ...(typeof body === "object" ? { "content-type": "application/json" } : {}),
        ...headers,
      });
      if (how === "half") {
        const end = (): void => void setImmediate(() => request.socket.destroy());
        return response.write(typeof body === "object" ? JSON.stringify(body) : body || "half", end);
      }
      if (how === "huge") return flood(response);
      response.end(typeof body === "object" ? JSON.stringify(body) : body);
    });
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls ? "https" : "http"}://127.0.0.1:${port}`, asked, script };
}

/** What a demand of the service's documentation says no to, the test is to see. */
function answered(answer: (asked: Asked) => Reply, asked: Asked): Reply {
  try {
    return answer(asked);
  } catch (thrown) {
    return { status: 422, body: String(thrown) };
  }
}

function flood(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write("x".repeat(16_384)));
  };
  response.on("drain", more);
  response.on("error", () => {});
  more();
}

const jsonOf = ({ headers, body }: Asked): Record<string, unknown> => {
  assert.match(headers["content-type"] ?? "", /^application\/json/);
  return JSON.parse(body) as Record<string, unknown>;
};
const textOf = (value: unknown, most: number, what: string): string => {
  assert.type(value, "string");
  assert.ok(String(value).length > 0 && String(value).length <= most, `${what} has ${String(value).length} characters`);
  return String(value);
};
const at = (asked: Asked, method: string, path: string): void =>
  assert.equal([asked.method, asked.path], [method, path]);

/** Each service as its documentation has it: what it demands, and what it answers then. The paths and secrets are those of `settingsFor`. */
export const services: Readonly<Record<string, (asked: Asked) => Reply>> = {
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
  webhook: (asked) => {
    at(asked, "POST", "/hook");
    const {
      "webhook-id": id,
      "webhook-timestamp": ts,
      "webhook-signature": signature,
    } = asked.headers as Record<string, string>;
    const wanted = createHmac("sha256", Buffer.from("c2VjcmV0LXNlY3JldC1zZWNyZXQ=", "base64"))
      .update(`${id}.${ts}.${asked.body}`)
      .digest();
    const [version, value = ""] = (signature ?? "").split(",");
    assert.is(version, "v1");
    assert.ok(timingSafeEqual(wanted, Buffer.from(value, "base64")));
    assert.match(ts ?? "", /^\d{10}$/);
    assert.is(typeof jsonOf(asked)["title"], "string");
    return { status: 204 };
  },
  // https://docs.ntfy.sh/publish/#publish-as-json
  ntfy: (asked) => {
    at(asked, "POST", "/");
    if (asked.headers.authorization !== "Bearer tk_secret")
      return { status: 401, body: { code: 40101, http: 401, error: "unauthorized" } };
    const { topic, title, message, priority, tags, click } = jsonOf(asked);
    assert.is(topic, "muster-topic");
    textOf(title, 250, "title");
    assert.ok(Buffer.byteLength(textOf(message, 4_096, "message")) <= 4_096);
    assert.ok(Number.isInteger(priority) && Number(priority) >= 1 && Number(priority) <= 5);
    assert.ok(Array.isArray(tags) && typeof click === "string");
    return { status: 200, body: { id: "x", event: "message" } };
  },
  // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
  slack: (asked) => {
    at(asked, "POST", "/services/T0/B0/slack-secret");
    const { text, blocks } = jsonOf(asked) as { text: unknown; blocks: { text: { text: string } }[] };
    assert.not.match(textOf(text, 40_000, "text"), /[<>]/);
    assert.ok(blocks.length <= 50);
    for (const block of blocks) {
      const shown = textOf(block.text.text, 3_000, "a section");
      assert.not.match(
        shown.replace(/<https:\/\/[^<>|]*\|Open in Muster>/, ""),
        /[<>]/,
        "nothing that Slack reads as a link or mention",
      );
    }
    return { status: 200, body: "ok" };
  },
  // https://docs.discord.com/developers/resources/webhook#execute-webhook
  discord: (asked) => {
    at(asked, "POST", "/api/webhooks/1/discord-secret?wait=true");
    const { embeds, allowed_mentions: mentions } = jsonOf(asked) as {
      embeds: { title: string; description: string; url?: string }[];
      allowed_mentions: unknown;
    };
    assert.equal(mentions, { parse: [] });
    assert.ok(embeds.length === 1);
    const [{ title, description } = { title: "", description: "" }] = embeds;
    textOf(title, 256, "title");
    textOf(description, 4_096, "description");
    assert.not.match(description.replaceAll(/\\[^A-Za-z0-9\s]/g, ""), /[\\`*_[\]()~|<>@]/, "no Markdown of a device's");
    return { status: 200, body: { id: "1" } };
  },
  // https://learn.microsoft.com/power-automate: "When a Teams webhook request is received"
  teams: (asked) => {
    at(asked, "POST", "/workflows/teams-secret");
    assert.ok(Buffer.byteLength(asked.body) <= 28 * 1024);
    const { type, attachments } = jsonOf(asked) as {
      type: string;
      attachments: {
        contentType: string;
        contentUrl: null;
        content: { type: string; body: { type: string; inlines: { type: string }[] }[] };
      }[];
    };
    assert.equal([type, attachments.length], ["message", 1]);
    assert.is(attachments[0]?.contentType, "application/vnd.microsoft.card.adaptive");
    for (const block of attachments[0]?.content.body ?? []) {
      assert.is(block.type, "RichTextBlock", "a TextBlock would read Markdown");
      assert.ok(block.inlines.every((one) => one.type === "TextRun"));
    }
    return { status: 202 };
  },
  // https://core.telegram.org/bots/api#sendmessage
  telegram: (asked) => {
    at(asked, "POST", "/bot123:telegram-secret/sendMessage");
    const { chat_id: chat, text, parse_mode: mode } = jsonOf(asked);
    if (chat !== "-100")
      return { status: 400, body: { ok: false, error_code: 400, description: "Bad Request: chat not found" } };
    assert.is(mode, "HTML");
    const shown = textOf(text, 4_096, "text").replaceAll(/<b>|<\/b>|<a href="[^"<>]*">|<\/a>/g, "");
    if (/[<>]|&(?!amp;|lt;|gt;|quot;)/.test(shown))
      return { status: 400, body: { ok: false, error_code: 400, description: "Bad Request: can't parse entities" } };
    return { status: 200, body: { ok: true, result: { message_id: 1 } } };
  },
  // https://pushover.net/api
  pushover: (asked) => {
    at(asked, "POST", "/1/messages.json");
    const { token, user, title, message, priority, url } = jsonOf(asked);
    if (token !== "pushover-app" || user !== "pushover-user")
      return { status: 400, body: { status: 0, token: "invalid", errors: ["application token is invalid"] } };
    textOf(title, 250, "title");
    textOf(message, 1_024, "message");
    assert.ok([-2, -1, 0, 1].includes(Number(priority)));
    textOf(url, 512, "url");
    return { status: 200, body: { status: 1, request: "r" } };
  },
  // https://spec.matrix.org/v1.11/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
  matrix: (asked) => {
    assert.is(asked.method, "PUT");
    assert.match(asked.path, /^\/_matrix\/client\/v3\/rooms\/!abc%3Aexample\.com\/send\/m\.room\.message\/[\w-]+$/);
    if (asked.headers.authorization !== "Bearer matrix-secret")
      return { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", error: "Unrecognised access token" } };
    assert.ok(Buffer.byteLength(asked.body) <= 65_536);
    const { msgtype, body, format, formatted_body: html } = jsonOf(asked);
    assert.equal([msgtype, format, typeof body], ["m.text", "org.matrix.custom.html", "string"]);
    assert.not.match(String(html).replaceAll(/<\/?b>|<br>|<a href="[^"<>]*">|<\/a>/g, ""), /[<>]/);
    return { status: 200, body: { event_id: "$1" } };
  },
};

/** Settings by which each kind is spoken to at a server of the test's. */
export const settingsFor = (base: string): Readonly<Record<string, Record<string, string>>> => ({
  webhook: { url: `${base}/hook`, secret: "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=" },
  ntfy: { server: base, topic: "muster-topic", token: "tk_secret" },
  slack: { url: `${base}/services/T0/B0/slack-secret` },
  discord: { url: `${base}/api/webhooks/1/discord-secret` },
  teams: { url: `${base}/workflows/teams-secret` },
  telegram: { server: base, token: "123:telegram-secret", chat: "-100" },
  pushover: { server: base, token: "pushover-app", user: "pushover-user" },
  matrix: { server: base, token: "matrix-secret", room: "!abc:example.com" },
});
