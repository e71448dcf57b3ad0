/**
 * Milliseconds that a signer's clock may be ahead of the device's: what a machine without NTP drifts in some months. Beyond it a command
 * would be taken again by a device whose ledger was lost meanwhile.
 */
export const clockAllowance = 300_000;
/** Milliseconds that a signature may be good for: so long the device has to remember what it has carried out. */
export const maxSignedTime = 31 * 86_400_000;
