import { createServer, type AddressInfo, type Socket } from "node:net";
import * as assert from "uvu/assert";
import { maxChannelBlock, maxChannelText, maxRecipients } from "#shared/channels/channel-kinds";
import { changedSettings, settingReader } from "#shared/channels/channel-settings";
import { systemClock } from "#shared/clock";
import { suite, type Scope } from "../../../test/suite.ts";
import { begin, noticeOf } from "../fixture.ts";
import type { Notice } from "../notice.ts";
import type { TryOutcome } from "../try-outcome.ts";
import { mailServer } from "./mail-fixture.ts";
import { mailTime, maxMailSubject, sendMail } from "./email.ts";

function mailed(
  settings: Readonly<Record<string, string>>,
  notice: Notice = noticeOf(),
  time?: number,
): Promise<TryOutcome> {
  const way = { clock: systemClock, signal: new AbortController().signal, ...(time === undefined ? {} : { time }) };
  return sendMail({ notice, key: "key-1", now: begin }, settingReader("email", settings), way);
}

/** A port at which somebody listens and says what the test wants. */
async function listener(scope: Scope, heard: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    heard(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

suite("e-mail", ({ test }) => {
  test("by STARTTLS or TLS with a login, and a certificate of one's own authority; what a device writes makes no header", async (scope) => {
    for (const tls of ["starttls", "tls"] as const) {
      const { mails, settings, ca } = await mailServer(scope, { tls });
      const login = { ...settings, security: tls, user: "muster", password: "mail-secret", ca };
      const hostile = noticeOf({
        title: "a\r\nBcc: evil@example.com\r\n\r\n<b>x</b>",
        text: ".\r\n.\r\nRCPT TO:<evil@example.com>\r\n",
      });
      const done = await mailed(login, hostile);
      assert.is(done.kind, "delivered", done.said);
      const [mail] = mails;
      assert.equal([mail?.to, mail?.secure], [["ops@example.com"], true]);
      const [head = "", body = ""] = (mail?.text ?? "").split("\r\n\r\n", 2);
      assert.not.match(head, /^Bcc:/im);
      assert.match(head, /^Message-ID: <key-1@example\.com>$/m);
      assert.match(head, /^References: <alert-[0-9a-f]{24}@example\.com>$/m);
      assert.match(head, /^Auto-Submitted: auto-generated$/m);
      assert.match(head, /^From: Muster <muster@example\.com>$/m);
      assert.ok(body.length > 0);
      // Nobody's certificate is trusted for nothing, nor a login sent where it is not taken.
      const stranger = await mailed({ ...login, ca: "" });
      assert.equal(
        [stranger.kind, /certificate|self.signed|issuer/i.test(stranger.said)],
        ["later", true],
        stranger.said,
      );
      const wrong = await mailed({ ...login, password: "wrong" });
      assert.equal([wrong.kind, /535/.test(wrong.said)], ["later", true], wrong.said);
      assert.is(mails.length, 1);
    }
  });

  test("TLS is demanded, and not only tried", async (scope) => {
    const { settings, mails } = await mailServer(scope);
    const plain = await mailed(settings);
    assert.is(plain.kind, "later", plain.said);
    assert.is(mails.length, 0);
  });

  test("what the server's words mean: for now, for good, for some of those who are written to", async (scope) => {
    const { mails, script, settings } = await mailServer(scope);
    const plain = { ...settings, security: "none" };
    const cases: readonly (readonly [(typeof script)[number], TryOutcome["kind"]])[] = [
      [{ code: 451, text: "try again later", at: "data" }, "later"],
      [{ code: 554, text: "rejected as spam", at: "data" }, "refused"],
      [{ code: 450, text: "greylisted", at: "rcpt" }, "later"],
      [{ code: 550, text: "no such user", at: "rcpt" }, "refused"],
    ];
    for (const [said, kind] of cases) {
      script.push(said);
      const outcome = await mailed(plain);
      assert.equal([outcome.kind, outcome.said.includes(said.text)], [kind, true], outcome.said);
    }
    const some = await mailed({ ...plain, to: "ops@example.com, nobody@example.com" });
    assert.equal([some.kind, /not taken: nobody@example\.com/.test(some.said)], ["delivered", true], some.said);
    assert.equal(mails.at(-1)?.to, ["ops@example.com"]);
    const long = await mailed(plain, noticeOf({ title: "ü".repeat(maxMailSubject + 50) }));
    assert.is(long.kind, "delivered", long.said);
  });

  test("a server that says nothing, or ends, or is not there", async (scope) => {
    const silent = await listener(scope, () => {});
    const settings = { host: "127.0.0.1", from: "m@example.com", to: "o@example.com", security: "none" };
    assert.equal(await mailed({ ...settings, port: String(silent) }, undefined, 200), {
      kind: "later",
      said: "no answer within 200ms",
    });
    const ends = await listener(scope, (socket) => socket.end("220 hello\r\n"));
    assert.is((await mailed({ ...settings, port: String(ends) })).kind, "later");
    const gone = await mailed({ ...settings, port: "1" });
    assert.equal([gone.kind, /ECONNREFUSED/.test(gone.said)], ["later", true], gone.said);
    assert.ok(mailTime >= 30_000);
  });

  test("settings at their bounds and beyond", () => {
    const mail = { host: "h", from: "a@b.example" };
    const many = (count: number): string => Array.from({ length: count }, (_, at) => `p${at}@example.com`).join(",");
    const set = (settings: Record<string, string>, kind = "email") => changedSettings(kind, settings);
    assert.ok(set({ ...mail, to: many(maxRecipients) }));
    assert.ok(set({ ...mail, to: "Ann Lee <ann@example.com>", user: "u".repeat(maxChannelText) }));
    const body = (length: number): string => JSON.stringify("x".repeat(length - 2));
    assert.ok(set({ url: "https://x/", body: body(maxChannelBlock) }, "webhook"));
    for (const [settings, kind, why] of [
      [{ ...mail, to: many(maxRecipients + 1) }, "email", /20 addresses at most/],
      [{ ...mail, to: "o@x", user: "u".repeat(maxChannelText + 1) }, "email", /500 characters at most/],
      [{ url: "https://x/", body: body(maxChannelBlock + 1) }, "webhook", /16384 characters at most/],
      [
        { ...mail, to: "o@x", ca: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" },
        "email",
        /certificates as PEM/,
      ],
      [{ ...mail, to: "ann <a@b>, <script>@x" }, "email", /is none/],
    ] as const)
      assert.throws(
        () => set(settings, kind),
        (error: unknown) => why.test(String(error)),
      );
  });
});
