import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import {
  cutOff,
  explainFailure,
  isBadCertificate,
  isNetworkError,
  isRefusedLogin,
  strangerIn,
} from "./connection-failures.ts";

const coded = (code: string | number, message = ""): Error => Object.assign(new Error(message), { code });

/** What it is taken for, and what is said of it. */
const failures: readonly {
  readonly what: string;
  readonly cause: Error | undefined;
  readonly is: readonly ("network" | "certificate" | "login")[];
  readonly said: string;
}[] = [
  { what: "closed without a word", cause: undefined, is: [], said: "connection closed" },
  { what: "nobody listens", cause: coded("ECONNREFUSED"), is: ["network"], said: "ECONNREFUSED" },
  { what: "no such name", cause: coded("ENOTFOUND", "getaddrinfo"), is: ["network"], said: "getaddrinfo" },
  {
    what: "an expired certificate",
    cause: coded("CERT_HAS_EXPIRED"),
    is: ["network", "certificate"],
    said: "CERT_HAS_EXPIRED",
  },
  {
    what: "a certificate of its own",
    cause: coded("SELF_SIGNED_CERT_IN_CHAIN"),
    is: ["network", "certificate"],
    said: "SELF_SIGNED_CERT_IN_CHAIN",
  },
  {
    what: "one for another name",
    cause: coded("ERR_TLS_CERT_ALTNAME_INVALID"),
    is: ["network", "certificate"],
    said: "ERR_TLS_CERT_ALTNAME_INVALID",
  },
  {
    what: "an authority that nobody knows",
    cause: coded("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    is: ["network", "certificate"],
    said: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  },
  ...[4, 5, 0x86, 0x87].map((code) => ({
    what: `CONNACK ${code}`,
    cause: coded(code, "Connection refused"),
    is: ["login" as const],
    said: "user name or password refused",
  })),
  { what: "CONNACK 1", cause: coded(1, "bad version"), is: [], said: "bad version" },
  { what: "an error without a word", cause: new TypeError(""), is: [], said: "TypeError" },
];

/** The first bytes of whoever answers, and what is said of them; undefined where it may be a broker. */
const strangers: readonly (readonly [what: string, bytes: Buffer, said: RegExp | undefined])[] = [
  ["a broker", Buffer.from([0x20, 2, 0, 0]), undefined],
  ["a web server", Buffer.from("HTTP/1.1 400 Bad Request"), /a web server answers there/],
  ["a TLS alert", Buffer.from([0x15, 3, 1, 0, 2]), /TLS is spoken there/],
  ["a TLS handshake", Buffer.from([0x16, 3, 3, 0, 2]), /TLS is spoken there/],
  ["one byte", Buffer.from([0x16]), undefined],
  ["nothing", Buffer.alloc(0), undefined],
];

suite("why there is no connection", ({ test }) => {
  for (const { what, cause, is, said } of failures)
    test(what, () => {
      const taken = [
        cause && isNetworkError(cause) && "network",
        isBadCertificate(cause) && "certificate",
        cause && isRefusedLogin(cause) && "login",
      ];
      assert.equal(taken.filter(Boolean), is);
      assert.is(explainFailure(cause), said);
    });

  for (const [what, bytes, said] of strangers)
    test(`answered by ${what}`, () => {
      const found = strangerIn(bytes)?.message;
      if (said) assert.match(found ?? "", said);
      else assert.is(found, undefined);
    });

  test("a broker's own reason is told by its name, and its words only as far as a terminal may show them", () => {
    assert.match(cutOff(0x8e, undefined).message, /^the broker has ended the connection \(Session taken over\)$/);
    const { message } = cutOff(0x123, "\u001b[2Jgone");
    assert.match(message, /\(reason 291: .*gone\)$/);
    assert.is(message.includes("\u001b"), false);
  });
});
