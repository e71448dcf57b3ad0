/** Why a file does not come here or go from here: told to its device, which fails the command with it, or to who gives it. */
export class FileTrouble extends Error {
  override readonly name = "FileTrouble" as const;
  constructor(
    readonly code: "no-transfer" | "no-upload" | "no-space" | "too-large" | "damaged",
    message: string,
  ) {
    super(message);
  }
}
