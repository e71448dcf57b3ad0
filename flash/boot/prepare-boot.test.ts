import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import type { BootFiles } from "./boot-files.ts";
import { bootReserve, lookAtBoot, prepareBoot, undoBoot } from "./prepare-boot.ts";

/** A boot partition in memory, whose writes may end by a fault. */
class MemoryBoot implements BootFiles {
  readonly where = "card";
  readonly kept = new Map<string, Buffer>([
    ["cmdline.txt", Buffer.from("root=1\n")],
    ["config.txt", Buffer.from("")],
  ]);
  readonly #free: number;
  writes = Infinity;

  constructor(free: number) {
    this.#free = free;
  }
  async list(): Promise<readonly string[]> {
    return [...this.kept.keys()];
  }
  async read(name: string): Promise<Buffer | undefined> {
    return this.kept.get(name);
  }
  async write(name: string, contents: Buffer): Promise<void> {
    if (this.writes === 0) throw new Error("pulled out");
    this.writes -= 1;
    this.kept.set(name, contents);
  }
  async remove(name: string): Promise<void> {
    for (const one of this.kept.keys()) if (one === name || one.startsWith(`${name}/`)) this.kept.delete(one);
  }
  async free(): Promise<number> {
    return this.#free;
  }
}

const payload = new Map([
  ["install.sh", Buffer.alloc(1_000)],
  ["muster-agent.cjs", Buffer.alloc(9_000)],
]);
const say = (): void => {};

suite("a prepared boot partition", ({ test }) => {
  test("needs room for what is written, and leaves some", async () => {
    const write = async (free: number): Promise<void> => {
      const files = new MemoryBoot(free);
      await prepareBoot(await lookAtBoot(files), { files, payload, dryRun: false, say });
    };
    await write(10_000 + bootReserve);
    await write(10_000 + bootReserve - 1).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /card has 4\.2 MB free: expected 4\.2 MB/),
    );
  });

  test("pulled out after any write, it boots as before until all is there, and can be taken back", async () => {
    for (let writes = 0; writes < 5; writes += 1) {
      const files = new MemoryBoot(1e9);
      files.writes = writes;
      const first = await lookAtBoot(files);
      await prepareBoot(first, { files, payload, dryRun: false, say }).then(
        () => assert.unreachable(),
        () => {},
      );
      assert.is(files.kept.get("cmdline.txt")?.toString(), "root=1\n", `after ${writes} writes`);
      files.writes = Infinity;
      if (writes > 0) await undoBoot({ files, dryRun: false, say });
      assert.equal([...files.kept.keys()].toSorted(), ["cmdline.txt", "config.txt"], `after ${writes} writes`);
    }
  });
});
