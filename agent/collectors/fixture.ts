import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ManualClock } from "#shared/clock";
import { ProcReader } from "./proc.ts";
import type { Collector, Reading } from "./collector.ts";
import type { Scope } from "../../test/suite.ts";

/** A recorded machine for tests: files by path, and symbolic links (`-> target`). */
interface Recording {
  readonly proc: ProcReader;
  /** Writes files, as the kernel would change them between two samples. */
  readonly write: (files: Readonly<Record<string, string | Buffer>>) => Promise<void>;
}

export async function record(scope: Scope, files: Readonly<Record<string, string | Buffer>>): Promise<Recording> {
  const root = await scope.directory();
  const write = async (more: Readonly<Record<string, string | Buffer>>): Promise<void> => {
    for (const [path, content] of Object.entries(more)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      const target = typeof content === "string" && content.startsWith("-> ") ? content.slice(3) : undefined;
      await (target ? symlink(target, join(root, path)) : writeFile(join(root, path), content));
    }
  };
  await write(files);
  const proc = new ProcReader(root);
  scope.cleanup(() => proc.stop());
  return { proc, write };
}

/** Samples one collector; a problem that it reports fails the test. */
export async function sample(collector: Collector, clock = new ManualClock()): Promise<readonly Reading[]> {
  return await collector.sample({
    clock,
    problem: (error) => {
      throw error;
    },
  });
}
