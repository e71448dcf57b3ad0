import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { capacity, margin } from "../agent/commands/ledger.ts";
import { encode } from "#shared/codec";
import { parseDeviceId } from "#shared/ids";
import { readReply, readTask, refusal } from "#shared/messages/command-messages";
import { errorCodes } from "#shared/messages/error-codes";
import { readBatch } from "#shared/messages/batch-reading";
import { commonNames } from "#shared/messages/common-names";
import { readAck, type Batch } from "#shared/messages/metrics";
import { readCertificate, readRenewal } from "#shared/messages/certificate-messages";
import { readFileDown, readFileUp } from "#shared/messages/file-messages";
import { readAlert } from "#shared/messages/alert-message";
import { readAuthorities } from "#shared/messages/authorities-message";
import { shortOf } from "#shared/messages/short-batch";
import { readSimple } from "#shared/messages/simple";
import { readConsoleStatus, readStatus } from "#shared/messages/presence-messages";
import { read } from "#shared/messages/payload-schema";
import { Topics } from "#shared/topics";
import { suite } from "./suite.ts";

const page = readFileSync("docs/protocol.md", "utf8");

const readers: Readonly<Record<string, (payload: Buffer) => unknown>> = {
  birth: readStatus,
  death: readStatus,
  batch: readBatch,
  short: readBatch,
  ack: readAck,
  simple: readSimple,
  task: readTask,
  reply: readReply,
  refusal: (payload) => read(refusal, payload, "refusal"),
  console: readConsoleStatus,
  authorities: readAuthorities,
  alert: readAlert,
  renewal: readRenewal,
  certificate: readCertificate,
  opened: readFileUp,
  ask: readFileDown,
  piece: readFileDown,
  stop: readFileDown,
};

suite("docs/protocol.md", ({ test }) => {
  const examples = [...page.matchAll(/^```(json|cbor) (\w+)\n([\s\S]*?)^```/gm)].map(
    ([, encoding, kind = "", text = ""]) => ({ encoding, kind, text }),
  );

  test("every kind of message has an example", () => {
    assert.equal([...new Set(examples.map(({ kind }) => kind))].sort(), Object.keys(readers).sort());
  });

  test("every example passes the schema that Muster uses, in JSON and in CBOR", () => {
    for (const { encoding, kind, text } of examples) {
      const payload = encoding === "json" ? Buffer.from(text) : Buffer.from(text.replaceAll(/\s/g, ""), "hex");
      assert.not.throws(() => readers[kind]?.(payload), undefined, text);
      if (encoding === "json")
        assert.not.throws(() => readers[kind]?.(encode(JSON.parse(text), "cbor")), undefined, text);
    }
  });

  test("the table of needed fields is true, and fields that are not known are passed over", () => {
    const rows = [
      ...page.matchAll(
        /^\| ((?:birth|batch|ack|task|reply|refusal|console|authorities|alert|renewal|certificate|opened|ask|piece|stop)[a-z, ]*) \| (`.+) \|$/gm,
      ),
    ];
    const told = rows.flatMap(([, kinds = "", fields = ""]) =>
      kinds.split(", ").map((kind) => [kind, new Set(fields.match(/(?<=`)\w+(?=`)/g))] as const),
    );
    assert.is(
      told.length,
      Object.keys(readers).length - 2,
      "all but the simple form and the short one, which have no fields of their own",
    );
    for (const [kind, fields] of told) {
      const messages = examples
        .filter((one) => one.kind === kind && one.encoding === "json")
        .map(({ text }) => JSON.parse(text) as Record<string, unknown>);
      const passes = (message: unknown): boolean => {
        try {
          readers[kind]?.(Buffer.from(JSON.stringify(message)));
          return true;
        } catch {
          return false;
        }
      };
      for (const message of messages) assert.ok(passes({ ...message, later: { version: 2 } }), kind);
      const keys = new Set(messages.flatMap((message) => Object.keys(message)));
      const needed = [...keys].filter((key) =>
        messages.every((message) => !(key in message) || !passes({ ...message, [key]: undefined })),
      );
      // What an error consists of is needed in it, and nowhere else.
      const parts = kind === "reply" ? ["code", "message"] : [];
      assert.equal([...needed, ...parts].sort(), [...fields].sort(), kind);
    }
  });

  test("the lengths that are told are those that pass", () => {
    const birth = { v: 1, online: true, boot: "b", session: "s" };
    const passes = (changes: object): boolean => {
      try {
        readStatus(Buffer.from(JSON.stringify({ ...birth, ...changes })));
        return true;
      } catch {
        return false;
      }
    };
    const told = (pattern: RegExp): number => Number(pattern.exec(page)?.[1]?.replace(",", ""));
    const many = (count: number, value: unknown): object =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, value]));
    const edges: [number, (length: number) => object][] = [
      [told(/`epoch` are 1 to (\d+) letters/), (length) => ({ boot: "b".repeat(length) })],
      [told(/has ([\d,]+) characters at most/), (length) => ({ agent: "a".repeat(length) })],
      [told(/offers (\d+) commands/), (length) => ({ commands: many(length, {}) })],
      [told(/tells (\d+) facts/), (length) => ({ facts: many(length, 1) })],
      [told(/facts and (\d+) collectors/), (length) => ({ collectors: many(length, true) })],
    ];
    for (const [most, changes] of edges) {
      assert.ok(passes(changes(most)), `${most}`);
      assert.not(passes(changes(most + 1)), `${most + 1}`);
    }
  });

  test("ids are remembered as long as it says", () => {
    const day = 86_400_000;
    assert.equal(margin, { withoutExpiry: 7 * day, afterExpiry: day });
    assert.match(page, /knows it for 7 days from its beginning, or one day beyond its `expires`/);
    assert.match(page, new RegExp(`and ${capacity.toLocaleString("en")} of them`));
  });

  test("the bytes of the CBOR example say what the text says", () => {
    const bytes = Buffer.from(
      examples.find(({ encoding }) => encoding === "cbor")?.text.replaceAll(/\s/g, "") ?? "",
      "hex",
    );
    const { t, mono, seq, m } = readBatch(bytes);
    assert.equal(
      { t, mono, seq, m },
      { t: 1_767_225_600_000, mono: 170_000, seq: 17, m: [{ n: "mem", f: { used_percent: 41.5 } }] },
    );
    assert.is(bytes.length, Number(/as (\d+) bytes/.exec(page)?.[1]));
  });

  test("the short batch says what the one before it says", () => {
    const at = examples.findIndex(({ kind }) => kind === "short");
    const [whole, short] = [examples[at - 1]?.text ?? "", examples[at]?.text ?? ""].map((text) =>
      readBatch(Buffer.from(text)),
    );
    assert.equal(short, whole);
    assert.equal(shortOf(whole as Batch, commonNames.length)?.slice(1), JSON.parse(examples[at]?.text ?? "").slice(1));
  });

  test("every topic in the table is one of ours, and none is missing", () => {
    const topics = new Topics();
    const rows = [...page.matchAll(/^\| `(muster\/[^`]+)` \|/gm)].map(([, topic = ""]) =>
      topics.parse(
        topic
          .replace("<device>", "rpi-7")
          .replace("<id>", "42")
          .replace("<measurement>", "room")
          .replace("<name>", "received"),
      ),
    );
    assert.equal(rows.map((address) => address?.kind).sort(), [
      "ack",
      "alert",
      "authorities",
      "certificate",
      "console",
      "file-down",
      "file-up",
      "metrics",
      "refused",
      "renew",
      "reply",
      "short",
      "simple",
      "stats",
      "status",
      "task",
    ]);
    assert.ok(parseDeviceId("rpi-7"));
  });

  test("the table of error codes has every one, with its states", () => {
    const table = page.slice(page.indexOf("### Error codes"), page.indexOf("### By hand"));
    const rows = [...table.matchAll(/^\| (`.+?`) \| ([a-z_, ]+) \|/gm)].flatMap(([, codes = "", states = ""]) =>
      codes.split(", ").map((code) => [code.replaceAll("`", ""), states.split(", ")] as const),
    );
    assert.equal(Object.fromEntries(rows), errorCodes);
    assert.is(rows.length, Object.keys(errorCodes).length);
  });
});
