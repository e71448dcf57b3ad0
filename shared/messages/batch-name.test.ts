import * as assert from "uvu/assert";
import { encode } from "#shared/codec";
import { nameIn, nameWithin } from "#shared/messages/batch-name";
import { suite } from "../../test/suite.ts";

const name = { outbox: "o5rw", seq: 17 };
const after = { m: [1, 2, 3] };
/** A payload whose name ends so many bytes behind what is looked at. */
const padded = (more: number): Buffer => {
  const of = (length: number): Buffer =>
    encode({ a: "x".repeat(250), b: "x".repeat(length), ...name, ...after }, "cbor");
  const afterwards = encode(after, "cbor").length - 1;
  return of(200 + nameWithin + more - (of(200).length - afterwards));
};

suite("the name of a batch that does not decode", ({ test }) => {
  const cases: readonly [string, Buffer, typeof name | undefined][] = [
    ["in CBOR", encode({ v: 1, ...name, ...after }, "cbor").subarray(0, -2), name],
    [
      "with a large number",
      encode({ v: 1, outbox: "o5rw", seq: 2 ** 40, ...after }, "cbor"),
      { ...name, seq: 2 ** 40 },
    ],
    ["in JSON", Buffer.from('{ "v" : 1, "outbox":"o5rw", "seq":17, "m":[{'), name],
    ["with `v` missing", encode({ ...name, ...after }, "cbor"), name],
    ["behind a list", encode({ ...after, ...name }, "cbor"), undefined],
    ["without a number", encode({ outbox: "o5rw", ...after }, "cbor"), undefined],
    ["cut within the number", Buffer.from('{"outbox":"o5rw","seq":1'), undefined],
    ["cut within the outbox", encode({ outbox: "o5rw", seq: 1 }, "cbor").subarray(0, 10), undefined],
    ["of another kind", encode({ outbox: 1, seq: "x", ...after }, "cbor"), undefined],
    ["of nothing", Buffer.alloc(0), undefined],
    ["at the edge of what is looked at", padded(0), name],
    ["beyond it", padded(1), undefined],
  ];
  for (const [what, payload, expected] of cases) test(what, () => assert.equal(nameIn(payload), expected));
});
