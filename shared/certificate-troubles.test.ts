import * as assert from "uvu/assert";
import { certificateTrouble } from "#shared/certificate-troubles";
import { suite } from "../test/suite.ts";

const coded = (code: string): Error => Object.assign(new Error("words of OpenSSL"), { code });
const [dead, today] = [Date.UTC(1970, 0, 1, 0, 3), Date.UTC(2026, 5, 1)];

suite("why a certificate is not taken", ({ test }) => {
  for (const [code, now, said] of [
    ["CERT_NOT_YET_VALID", dead, /this machine's clock says 1970-01-01T00:03:00.000Z, which is wrong.*NTP/],
    ["CERT_HAS_EXPIRED", dead, /which is wrong/],
    ["CERT_NOT_YET_VALID", today, /not good yet, or this clock is behind: .*2026-06-01/],
    ["CERT_HAS_EXPIRED", today, /is over, or this clock is ahead: .*2026-06-01/],
    ["SELF_SIGNED_CERT_IN_CHAIN", dead, /no authority that is trusted here: --ca or MUSTER_CA/],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", today, /MUSTER_CA/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", today, /other names.*MUSTER_HOSTS/],
  ] as const)
    test(`${code} at ${new Date(now).getUTCFullYear()}`, () =>
      assert.match(certificateTrouble(coded(code), now) ?? "", said));

  test("what is no matter of certificates is left to others", () => {
    assert.is(certificateTrouble(coded("ECONNREFUSED"), dead), undefined);
  });
});
