import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { debFiles } from "../flash/deb-package.ts";
import { outputOf } from "../flash/run-program.ts";
import { version } from "#shared/version";

// Debian's package of the agent: npm run build && npm run deb -- [DIRECTORY]
const tree = await mkdtemp(join(tmpdir(), "muster-deb-"));
try {
  await chmod(tree, 0o755);
  for (const [path, { contents, mode }] of debFiles(await readFile("dist/muster-agent.cjs"), version)) {
    await mkdir(dirname(join(tree, path)), { recursive: true, mode: 0o755 });
    await writeFile(join(tree, path), contents);
    await chmod(join(tree, path), mode);
  }
  const file = join(process.argv[2] ?? ".", `muster-agent_${version}_all.deb`);
  await outputOf("dpkg-deb", ["--root-owner-group", "--build", tree, file], { install: "it is part of Debian's dpkg" });
  process.stdout.write(`${file}\n`);
} finally {
  await rm(tree, { recursive: true });
}
