import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { channelKinds } from "#shared/channels/channel-kinds";
import { systemClock } from "#shared/clock";
import { suite, type Scope } from "../../../test/suite.ts";
import { startTls } from "../../../test/tls.ts";
import { begin, channelOf, noticeOf } from "../fixture.ts";
import { fitted, type Notice } from "../notice.ts";
import { maxOutgoingAnswer, outgoingTime } from "../outgoing-http.ts";
import { maxSaid, type TryOutcome } from "../try-outcome.ts";
import { sendByChannel } from "../send-by-channel.ts";
import { maxDiscord } from "./discord.ts";
import { service, services, settingsFor, type Asked, type Reply, type Service } from "./fixture.ts";
import { httpKinds } from "./http-kinds.ts";
import { maxMatrix } from "./matrix.ts";
import { maxNtfy } from "./ntfy.ts";
import { maxPushover } from "./pushover.ts";
import { maxSlack } from "./slack.ts";
import { maxTeams } from "./teams.ts";
import { maxTelegram } from "./telegram.ts";

/** What a device would write that wants to be more than text. */
const hostile =
  '<b>&amp;</b> <!channel> <@U1> @everyone **bold** [x](https://evil.example) `code`\r\nX-Header: 1\n\u202e{{labels.path}} "quoted" \\ <script>alert(1)</script>';

const key = "7b0c5e9a-key";

async function sendTo(
  settings: Readonly<Record<string, string>>,
  kind: string,
  notice: Notice = noticeOf(),
  time?: number,
): Promise<TryOutcome> {
  const send = sendByChannel({
    clock: systemClock,
    show: () => Promise.reject(new Error("not asked")),
    ...(time === undefined ? {} : { time }),
  });
  return send(channelOf("c", { kind, settings }), { notice, key, now: begin }, new AbortController().signal);
}

/** A server of that kind, and a way to it. */
async function place(scope: Scope, kind: string) {
  const at: Service = await service(scope, services[kind] ?? (() => ({ status: 500 })));
  const settings = settingsFor(at.url)[kind] ?? {};
  return { ...at, settings, send: (notice?: Notice, time?: number) => sendTo(settings, kind, notice, time) };
}

/** What each service says no with, by its documentation, and what that means. */
const refusals: Readonly<Record<string, readonly (readonly [Reply, Partial<TryOutcome> & { said?: string }])[]>> = {
  webhook: [
    [
      { status: 410, body: "gone" },
      { kind: "refused", said: "410: gone" },
    ],
    [
      { status: 503, headers: { "retry-after": "120" } },
      { kind: "later", after: 120_000 },
    ],
    [{ status: 302, headers: { location: "http://169.254.169.254/" } }, { kind: "later" }],
  ],
  ntfy: [
    [
      {
        status: 429,
        headers: { "retry-after": "7" },
        body: { code: 42901, http: 429, error: "limit reached: too many requests" },
      },
      { kind: "later", after: 7_000 },
    ],
    [{ status: 403, body: { code: 40301, http: 403, error: "forbidden" } }, { kind: "later" }],
    [{ status: 413, body: "entity too large" }, { kind: "refused" }],
  ],
  slack: [
    [
      { status: 400, body: "invalid_payload" },
      { kind: "refused", said: "400: invalid_payload" },
    ],
    [{ status: 403, body: "action_prohibited" }, { kind: "later" }],
    [
      { status: 404, body: "no_service" },
      { kind: "later", said: "404: no_service" },
    ],
    [{ status: 410, body: "channel_is_archived" }, { kind: "refused" }],
    [
      { status: 429, headers: { "retry-after": "30" } },
      { kind: "later", after: 30_000 },
    ],
    [{ status: 500, body: "rollup_error" }, { kind: "later" }],
  ],
  discord: [
    [
      { status: 429, body: { message: "You are being rate limited.", retry_after: 0.65, global: false } },
      { kind: "later", after: 650 },
    ],
    [{ status: 404, body: { message: "Unknown Webhook", code: 10015 } }, { kind: "later" }],
    [{ status: 400, body: { embeds: ["0"] } }, { kind: "refused" }],
  ],
  teams: [
    [{ status: 400, body: { error: { code: "TriggerInputSchemaMismatch" } } }, { kind: "refused" }],
    [{ status: 401, body: { error: { code: "DirectApiAuthorizationRequired" } } }, { kind: "later" }],
    [
      { status: 429, headers: { "retry-after": "15" } },
      { kind: "later", after: 15_000 },
    ],
  ],
  telegram: [
    [
      {
        status: 429,
        body: {
          ok: false,
          error_code: 429,
          description: "Too Many Requests: retry after 5",
          parameters: { retry_after: 5 },
        },
      },
      { kind: "later", after: 5_000 },
    ],
    [{ status: 401, body: { ok: false, error_code: 401, description: "Unauthorized" } }, { kind: "later" }],
    [
      { status: 400, body: { ok: false, error_code: 400, description: "Bad Request: chat not found" } },
      { kind: "later", said: "400: Bad Request: chat not found" },
    ],
    [
      { status: 400, body: { ok: false, error_code: 400, description: "Bad Request: can't parse entities" } },
      { kind: "refused" },
    ],
    [{ status: 200, body: "<html>somebody's proxy</html>" }, { kind: "later" }],
  ],
  pushover: [
    [
      { status: 400, body: { status: 0, errors: ["application token is invalid"] } },
      { kind: "later", said: "400: application token is invalid" },
    ],
    [{ status: 400, body: { status: 0, errors: ["message cannot be blank"] } }, { kind: "refused" }],
    [{ status: 429, body: { status: 0, errors: ["application is over its quota"] } }, { kind: "later" }],
    [{ status: 200, body: "ok" }, { kind: "later" }],
  ],
  matrix: [
    [
      { status: 429, body: { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 2_000 } },
      { kind: "later", after: 2_000 },
    ],
    [{ status: 401, body: { errcode: "M_UNKNOWN_TOKEN" } }, { kind: "later" }],
    [{ status: 403, body: { errcode: "M_FORBIDDEN", error: "not in room" } }, { kind: "later" }],
    [{ status: 413, body: { errcode: "M_TOO_LARGE" } }, { kind: "refused" }],
    [{ status: 200, body: {} }, { kind: "later" }],
  ],
};

suite("channels over HTTP", ({ test }) => {
  test("each kind is here, with its refusals", () => {
    const kinds = Object.keys(channelKinds).filter((kind) => kind !== "email" && kind !== "mqtt");
    for (const table of [httpKinds, services, refusals]) assert.equal(Object.keys(table).sort(), [...kinds].sort());
  });

  for (const kind of Object.keys(httpKinds))
    test(`${kind}: asked as its documentation demands, also with a device's hostile and long text; its refusals mean what they say`, async (scope) => {
      const { send, script, asked, settings } = await place(scope, kind);
      const outcome = await send();
      assert.is(outcome.kind, "delivered", outcome.said);
      for (const text of [hostile, `${hostile}${"ü€😀<&*".repeat(600)}`]) {
        const notice = fitted(
          noticeOf({ title: text, text, labels: { [hostile]: hostile }, device: "rpi-7", value: hostile }),
        );
        const told = await send(notice);
        assert.is(told.kind, "delivered", told.said);
        assert.is(asked.at(-1)?.headers["x-header"], undefined);
      }
      const resolved = await send(noticeOf({ kind: "resolved", text: "", value: null, labels: {}, device: null }));
      assert.is(resolved.kind, "delivered", resolved.said);
      for (const [reply, expected] of refusals[kind] ?? []) {
        script.push(reply);
        const { said, ...rest } = await send();
        const { said: wanted, ...meaning } = expected;
        assert.equal(rest, meaning, `${reply.status}: ${said}`);
        if (wanted !== undefined) assert.is(said, wanted);
      }
      for (const value of Object.values(settings).filter((one) => /secret/.test(one))) {
        script.push({ status: 500, body: `you sent ${value}, which is ${"long ".repeat(200)}` });
        const { said } = await send();
        assert.not.match(said, /secret/);
        assert.ok(said.length < maxSaid + 40);
      }
    });

  test("a server that does not answer, ends before or in the middle of it, talks without end, or is not there", async (scope) => {
    const { send, script, settings } = await place(scope, "webhook");
    script.push({ status: 200, how: "never" });
    assert.equal(await send(undefined, 200), { kind: "later", said: "no answer within 200ms" });
    script.push({ status: 200, how: "cut" });
    assert.is((await send()).kind, "later");
    // Whoever has said 200 has it, and must not be told again.
    script.push({ status: 200, how: "half" });
    assert.is((await send()).kind, "delivered");
    script.push({ status: 500, how: "huge" });
    const huge = await send();
    assert.is(huge.kind, "later");
    assert.ok(huge.said.length < maxSaid + 40 && maxOutgoingAnswer > maxSaid);
    const gone = await sendTo({ ...settings, url: "http://127.0.0.1:1/hook" }, "webhook");
    assert.equal([gone.kind, /ECONNREFUSED/.test(gone.said)], ["later", true]);
    assert.ok(outgoingTime >= 10_000 && outgoingTime <= 60_000);
  });

  test("a webhook's body by a template, by PUT, with an Authorization", async (scope) => {
    const at = await service(scope, () => ({ status: 200 }));
    const url = `${at.url}/hook?token=1`;
    const notice = noticeOf({ title: 'a "b"\n\\', labels: { path: "/{{title}}" } });
    const cases: readonly (readonly [Record<string, string>, string, RegExp])[] = [
      [
        {
          body: '{"t":"{{ title }}","p":"{{labels.path}}","v":{{value}},"n":"{{labels.none}}","all":{{labels}},"u":"{{url}}"}',
        },
        '{"t":"a \\"b\\"\\n\\\\","p":"/{{title}}","v":97.5,"n":"","all":{"path":"/{{title}}"},"u":"https://muster.example/alerts/a1"}',
        /^application\/json/,
      ],
      [{ type: "text/plain", body: "{{kind}} {{device}}: {{value}}" }, "firing rpi-7: 97.5", /^text\/plain/],
      [
        { type: "application/x-www-form-urlencoded", body: "t={{title}}&v=1" },
        "t=a%20%22b%22%0A%5C&v=1",
        /^application\/x-www-form/,
      ],
    ];
    for (const [settings, body, type] of cases) {
      const sent = await sendTo({ url, method: "PUT", authorization: "Bearer t0ken", ...settings }, "webhook", notice);
      assert.is(sent.kind, "delivered", sent.said);
      const last = at.asked.at(-1) as Asked;
      assert.equal(
        [last.method, last.path, last.body, last.headers.authorization],
        ["PUT", "/hook?token=1", body, "Bearer t0ken"],
      );
      assert.match(last.headers["content-type"] ?? "", type);
      assert.is(last.headers["webhook-id"], key);
    }
    const broken = await sendTo({ url, body: "{{nothing}}" }, "webhook");
    assert.is(broken.kind, "refused");
  });

  test("no message is longer than its service takes", () => {
    const most = {
      ...maxNtfy,
      slack: maxSlack.section,
      discord: maxDiscord.description,
      telegram: maxTelegram.message,
    };
    assert.equal(most, { title: 250, message: 4_096, slack: 3_000, discord: 4_096, telegram: 4_096 });
    assert.equal([maxPushover.message, maxTeams.body, maxMatrix], [1_024, 4_000, 6_000]);
  });

  test("an address's path and query are secret, whole and in parts, however the other side quotes them", async (scope) => {
    const at = await service(scope, () => ({ status: 404 }));
    const path = "/services/T024/B99/SUPER%2BSECRET?sig=OTHER-SECRET&x=1";
    const quotes = [
      `<pre>Cannot POST ${path}</pre>`,
      `nothing at ${path.replace("&", "&amp;").replaceAll("/", "&#x2F;")}`,
      JSON.stringify({ error: path })
        .replaceAll("/", String.raw`\/`)
        .replace("&", String.raw`\u0026`),
      encodeURIComponent(path),
      encodeURIComponent(encodeURIComponent(path)),
      decodeURIComponent(path),
      "no segment SUPER%2BSECRET, SUPER%2bSECRET, SUPER+SECRET or SUPER&#43;SECRET, and no OTHER-SECRET or OTHER%2DSECRET",
    ];
    for (const kind of ["webhook", "slack", "discord", "teams"])
      for (const body of quotes) {
        at.script.push({ status: 404, body });
        const { said } = await sendTo({ url: at.url + path }, kind);
        assert.match(said, "•••", `${kind}: ${body}`);
        assert.not.match(said, /SUPER|SECRET|T024/, `${kind}: ${body}`);
      }
    at.script.push({ status: 401, body: "the token hunter2hunter2 is not known at \\\\\\\\" });
    const { said } = await sendTo({ url: `${at.url}/hook`, authorization: "Bearer hunter2hunter2" }, "webhook");
    assert.is(said, "401: the token ••• is not known at \\\\\\\\");
    assert.match((await sendTo({ url: "http://127.0.0.1:1/hook" }, "webhook")).said, /127\.0\.0\.1/, "a host is told");
  });

  test("over HTTPS by an authority of one's own, where the channel has it, and to nobody else's certificate", async (scope) => {
    const { identity, cafile } = await startTls(scope);
    const { key: secret, cert } = identity.current();
    const ca = readFileSync(cafile, "utf8");
    for (const kind of ["webhook", "ntfy", "matrix"]) {
      const at = await service(scope, services[kind] ?? (() => ({ status: 500 })), { key: secret, cert });
      const settings = settingsFor(at.url)[kind] ?? {};
      assert.is((await sendTo({ ...settings, ca }, kind)).kind, "delivered", kind);
      const heard = at.asked.length;
      const stranger = await sendTo(settings, kind);
      assert.is(stranger.kind, "later");
      assert.match(stranger.said, /certificate/);
      assert.is(at.asked.length, heard, "nothing is said to a server that cannot show who it is");
    }
  });
});
