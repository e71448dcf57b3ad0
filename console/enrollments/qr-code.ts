import { encode } from "uqr";

/** A text as a QR code: rows of dark (`1`) and light (`0`), with the quiet zone around it. With little redundancy: it is read off a screen. */
export function qrCode(text: string): string[] {
  const { data } = encode(text, { ecc: "L", border: 2 });
  return data.map((row) => row.map((dark) => (dark ? "1" : "0")).join(""));
}
