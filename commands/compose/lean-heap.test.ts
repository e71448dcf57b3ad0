import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";

/** A process of its own: what V8 is told counts for all of one. It throws a lot away, some of which has lived for a while. */
const program = `
  import { getHeapSpaceStatistics } from "node:v8";
  import { keepHeapLean } from "./commands/compose/lean-heap.ts";
  const young = () => getHeapSpaceStatistics().find((one) => one.space_name === "new_space").space_size;
  keepHeapLean();
  const before = young();
  const held = [];
  for (let at = 0; at < 400_000; at += 1) held[at % 50_000] = { at, text: [at, at] };
  console.log(JSON.stringify({ before, after: young() }));
`;

suite("the heap of a process that serves many", ({ test }) => {
  test("has a young generation that does not grow, however much is thrown away", async () => {
    const args = ["--import", "tsx", "--input-type=module", "-e", program];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    const { before, after } = JSON.parse(stdout) as { before: number; after: number };
    assert.is(stderr, "", "V8 knows what it is told");
    assert.ok(after <= before, `${before} bytes have become ${after}`);
  });
});
