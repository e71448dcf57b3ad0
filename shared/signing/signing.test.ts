import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { maxPathLength, maxSignedTargets, signature } from "#shared/messages/command-signature";
import { maxSigners } from "#shared/messages/presence-messages";
import { readTask } from "#shared/messages/command-messages";
import { check, type Json } from "#shared/messages/payload-schema";
import { suite } from "../../test/suite.ts";
import { canonicalJson } from "./canonical-json.ts";
import { testSigner } from "./fixture.ts";
import { isSignedBy, maxKeyCommentLength, parsePublicKey, parsePublicKeys } from "./public-key.ts";
import { commandStatement, jobStatement } from "./statement.ts";
import { rootBy, TargetTree } from "./targets.ts";

/** Among them those of RFC 8785: §3.2.2, §3.2.3 and appendix B. */
const texts: readonly (readonly [value: Json, text: string])[] = [
  [
    {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
      literals: [null, true, false],
    },
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  ],
  [
    { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 },
    '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
  ],
  [-0, "0"],
  [5e-324, "5e-324"],
  [1.7976931348623157e308, "1.7976931348623157e+308"],
  [9007199254740991, "9007199254740991"],
  [295147905179352830000, "295147905179352830000"],
  [1e21, "1e+21"],
  [1e-7, "1e-7"],
  [0.000001, "0.000001"],
  [[], "[]"],
  [{}, "{}"],
];

suite("canonical JSON", ({ test }) => {
  for (const [value, text] of texts)
    test(text, () => {
      assert.is(canonicalJson(value), text);
      assert.is(canonicalJson(JSON.parse(text) as Json), text);
    });

  test("half a character is refused, in a value and in a name", () => {
    assert.throws(() => canonicalJson({ a: ["\ud800"] }), /half a character/);
    assert.throws(() => canonicalJson({ "\udc00": 1 }), /half a character/);
  });
});

suite("the vectors of docs/protocol.md", ({ test }) => {
  const page = readFileSync("docs/protocol.md", "utf8");
  const [, line = "", id = ""] = /which is `(ed25519:\S+)` in public, with the id `(\S+)`/.exec(page) ?? [];
  const ann = testSigner(1, "");
  const tasks = [...page.matchAll(/^```json task\n([^`]*"signature"[^`]*)```[^]*?^```text\n([^`]*)\n```/gm)];

  test("the key", () => {
    assert.is(ann.public.line, line);
    assert.is(parsePublicKey(line).id, id);
  });

  test("each signed task, its bytes and its signature", () => {
    assert.is(tasks.length, 2);
    for (const [, json = "", bytes = ""] of tasks) {
      const { value: task } = readTask(Buffer.from(json));
      assert.ok(task.signature && task.id !== undefined);
      const { ts, expires, job, value } = task.signature;
      const stated = { id: task.id, key: task.key, args: task.args ?? {}, ts, expires };
      const root = job && rootBy(job, "rpi-8");
      const statement =
        job && root !== undefined
          ? jobStatement(stated, { root, count: job.count })
          : commandStatement({ ...stated, device: "rpi-7" });
      assert.is(statement, bytes);
      assert.ok(isSignedBy(ann.public, statement, value));
      assert.not.ok(isSignedBy(ann.public, `${statement} `, value));
    }
  });
});

suite("public keys", ({ test }) => {
  const line = testSigner(3, "").public.line;

  test("what reads, with words behind it and without", () => {
    assert.is(parsePublicKey(` ${line}\t Ann Lee  `).line, `${line} Ann Lee`);
    assert.is(parsePublicKey(`${line} ann`).id, parsePublicKey(line).id);
    const long = "x".repeat(maxKeyCommentLength);
    assert.is(parsePublicKey(`${line} ${long}`).line, `${line} ${long}`);
    assert.throws(() => parsePublicKey(`${line} ${long}x`), /too long/);
  });

  for (const wrong of [
    "",
    "ed25519:",
    line.slice(0, -1),
    `${line}A`,
    line.replace("ed25519", "p256"),
    `${line},${line}`,
    `${line.slice(0, -1)}_`,
  ])
    test(`what does not: ${wrong}`, () => assert.throws(() => parsePublicKey(wrong), /no public key/));

  test("as many as may be, each once", () => {
    const lines = Array.from({ length: maxSigners + 1 }, (_, at) => testSigner(at, "").public.line);
    assert.is(parsePublicKeys([...lines.slice(1), ...lines.slice(1)]).length, maxSigners);
    assert.throws(() => parsePublicKeys(lines), new RegExp(`1 to ${maxSigners}`));
    assert.throws(() => parsePublicKeys([]), new RegExp(`1 to ${maxSigners}`));
  });
});

suite("the tree of a job's devices", ({ test }) => {
  test("each device of each size has its place, and no other's", () => {
    for (let count = 1; count <= 33; count++) {
      const devices = Array.from({ length: count }, (_, at) => `d${at}`);
      const tree = new TargetTree(devices.toReversed());
      for (const device of devices) {
        const place = tree.placeOf(device);
        assert.ok(place);
        assert.is(rootBy(place, device), tree.targets.root);
        assert.is.not(rootBy(place, "x"), tree.targets.root);
      }
      assert.is(tree.placeOf("x"), undefined);
    }
  });

  test("it is the tree of RFC 9162 with its hashes (roots of other implementations)", () => {
    assert.is(
      new TargetTree([]).targets.root,
      Buffer.from("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "hex").toString("base64url"),
    );
    assert.is(
      new TargetTree([""]).targets.root,
      Buffer.from("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "hex").toString("base64url"),
    );
  });

  test("as many as may be have paths that a task may carry, and no more", () => {
    const signed = { key: "A".repeat(16), ts: 1, expires: 2, value: "A".repeat(86) };
    const last = (count: number) => {
      const devices = Array.from({ length: count }, (_, at) => `d${String(at).padStart(5, "0")}`);
      return new TargetTree(devices).placeOf("d00000");
    };
    const most = last(maxSignedTargets);
    assert.is(most?.path.length, maxPathLength);
    assert.not.throws(() => check(signature, { ...signed, job: most }, "signature"));
    assert.throws(() => check(signature, { ...signed, job: last(maxSignedTargets + 1) }, "signature"), /count/);
    const path = [...(most?.path ?? []), "A".repeat(43)];
    assert.throws(() => check(signature, { ...signed, job: { count: 2, index: 0, path } }, "signature"), /path/);
  });
});
