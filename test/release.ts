import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { offlineKey, signedRelease, type Wanted } from "#shared/release/fixture";
import type { Scope } from "./suite.ts";

/** What is put on a console's shelf: files for Node, by their content. */
export interface OnShelf {
  readonly name: string;
  readonly content: string | Buffer;
}

/** A directory with a signed release. @param directory an existing one, in which it is replaced */
export async function writeRelease(
  scope: Pick<Scope, "directory">,
  contents: readonly OnShelf[],
  { directory, ...wanted }: Wanted & { readonly directory?: string } = {},
): Promise<string> {
  const at = directory ?? (await scope.directory());
  const files = contents.map(({ name, content }) => {
    const bytes = Buffer.from(content);
    return { name, target: "node", size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  });
  for (const { name, content } of contents) await writeFile(join(at, name), content);
  await writeFile(join(at, "roots.pub"), `${offlineKey.public.line}\n`);
  await writeFile(join(at, "manifest.json"), JSON.stringify(signedRelease({ ts: Date.now(), ...wanted, files })));
  return at;
}
