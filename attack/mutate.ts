import type { Random } from "../chaos/random.ts";

const loved = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x20, 0x0a, 0x22, 0x7b, 0x5b];

/** A copy of `bytes` with one to four of its bytes, or runs of them, changed. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let made: Buffer = Buffer.from(bytes);
  for (let turn = random.between(1, 4); turn > 0; turn--) made = once(made, random);
  return made;
}

function once(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0) return Buffer.from([random.between(0, 255)]);
  const at = random.between(0, bytes.length - 1);
  const length = random.between(1, Math.min(16, bytes.length - at));
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (random.between(0, 6)) {
    case 0:
      return changed(bytes, at, (bytes[at] ?? 0) ^ (1 << random.between(0, 7)));
    case 1:
      return changed(bytes, at, random.pick(loved));
    case 2:
      return Buffer.concat([before, Buffer.from(Array.from({ length }, () => random.between(0, 255))), after]);
    case 3:
      return Buffer.concat([before, after.subarray(length)]);
    case 4:
      return Buffer.from(before);
    case 5:
      return Buffer.concat([before, after.subarray(0, length), after]);
    default:
      return Buffer.concat([before, Buffer.alloc(random.between(1, 300), random.pick(loved)), after]);
  }
}

function changed(bytes: Buffer, at: number, byte: number): Buffer {
  const made = Buffer.from(bytes);
  made[at] = byte;
  return made;
}
