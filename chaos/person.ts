import { testSigner } from "#shared/signing/fixture";

/** Whose key every device has pinned in a run with `--signed`. */
export const person = testSigner(1, "ann");
