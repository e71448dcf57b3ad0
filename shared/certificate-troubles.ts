import { errorCode } from "#shared/errors";

/** No Muster is older: a clock that says less is wrong, whatever else may be. */
const oldestClock = Date.UTC(2025, 0, 1);

/**
 * Why a server's certificate is not taken, in words that say what to do. A device that wakes without a clock of its own finds every
 * certificate too young: then its clock is named, and not the certificate.
 * @param now the machine's clock, epoch ms
 * @returns undefined where it is no matter of certificates
 */
export function certificateTrouble(cause: Error, now: number): string | undefined {
  const clock = `this machine's clock says ${new Date(now).toISOString()}`;
  switch (errorCode(cause)) {
    case "CERT_NOT_YET_VALID":
    case "CERT_HAS_EXPIRED":
      if (now < oldestClock)
        return `${clock}, which is wrong, and no certificate is good at that time: set it, as by NTP`;
      return errorCode(cause) === "CERT_HAS_EXPIRED"
        ? `the certificate there is over, or this clock is ahead: ${clock}`
        : `the certificate there is not good yet, or this clock is behind: ${clock}; set it, as by NTP`;
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "CERT_SIGNATURE_FAILURE":
      return "the certificate there comes from no authority that is trusted here: --ca or MUSTER_CA names the file of the right one, tls/ca.crt in the console's data directory";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "the certificate there is of other names than the one that was asked for: use one of those, or add this one with MUSTER_HOSTS where Muster runs";
    default:
      return undefined;
  }
}
