/** Bytes in a line of a hex dump: what fits a terminal of 80 characters. */
const width = 16;

/**
 * Bytes as people look at what they do not know: where, in hexadecimal, and as ASCII, with a dot for what does not print. Nothing of it can do
 * anything to a terminal or a page.
 */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += width) {
    const row = [...bytes.subarray(at, at + width)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(width * 3 - 1)}  ${ascii}`);
  }
  return lines.join("\n");
}

/** The bytes as text, where they are some: valid UTF-8 without control characters but tabs and line ends. */
export function readableText(bytes: Uint8Array, isWhole: boolean): string | undefined {
  try {
    // Of a part, the last character may be cut.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !isWhole });
    // oxlint-disable-next-line no-control-regex -- exactly what is not to be shown as text
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
