/**
 * Why somebody or something is not let in, in a sentence. `unknown`: the code is wrong; `ended`: it was right once; `taken`: the name is
 * another's; `full`: a bound; `absent`: nobody waits.
 */
export class JoinRefusedError extends Error {
  override readonly name = "JoinRefusedError" as const;

  /** @param because what the audit log has, where whoever asks is not to know it */
  constructor(
    readonly why: "unknown" | "ended" | "taken" | "full" | "absent",
    message: string,
    readonly because: string = message,
  ) {
    super(message);
  }
}
