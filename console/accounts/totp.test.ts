import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { codeAt, otpauthUri, stepAt, stepOf, stepsAside, toBase32 } from "./totp.ts";

const key = Buffer.from("12345678901234567890");

suite("codes of a second factor", ({ test }) => {
  test("the test vectors of RFC 6238 (appendix B, SHA-1) and RFC 4226 (appendix D)", () => {
    const vectors = [
      [59, "94287082"],
      [1111111109, "07081804"],
      [1111111111, "14050471"],
      [1234567890, "89005924"],
      [2000000000, "69279037"],
      [20000000000, "65353130"],
    ] as const;
    for (const [seconds, code] of vectors) assert.is(codeAt(key, stepAt(seconds * 1_000), 8), code);
    const counted = [
      "755224",
      "287082",
      "359152",
      "969429",
      "338314",
      "254676",
      "287922",
      "162583",
      "399871",
      "520489",
    ];
    for (const [count, code] of counted.entries()) assert.is(codeAt(key, count), code);
  });

  test("the base 32 of RFC 4648, as authenticators have it", () => {
    for (const [text, encoded] of [
      ["", ""],
      ["f", "MY"],
      ["fo", "MZXQ"],
      ["foo", "MZXW6"],
      ["foob", "MZXW6YQ"],
      ["fooba", "MZXW6YTB"],
      ["foobar", "MZXW6YTBOI"],
    ] as const)
      assert.is(toBase32(Buffer.from(text)), encoded);
    assert.is(otpauthUri("a b", Buffer.from("foobar")), "otpauth://totp/Muster:a%20b?secret=MZXW6YTBOI&issuer=Muster");
  });

  test("a code is taken of the steps beside the present one, and of none that was used or came before it", () => {
    const now = 1_700_000_000_000;
    const step = stepAt(now);
    for (let aside = -stepsAside; aside <= stepsAside; aside++)
      assert.is(stepOf(key, codeAt(key, step + aside), now, 0), step + aside);
    for (const far of [-stepsAside - 1, stepsAside + 1])
      assert.is(stepOf(key, codeAt(key, step + far), now, 0), undefined);
    assert.is(stepOf(key, codeAt(key, step), now, step), undefined);
    assert.is(stepOf(key, codeAt(key, step - 1), now, step), undefined);
    for (const wrong of ["", "1", "abcdef", `${codeAt(key, step)}0`]) assert.is(stepOf(key, wrong, now, 0), undefined);
  });
});
