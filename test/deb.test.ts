import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { runProgram } from "./programs.ts";
import { suite } from "./suite.ts";

suite("Debian's package of the agent", ({ test }) => {
  test("has the agent, its settings, its user's unit, hardened; and scripts that sh reads", async (scope) => {
    const directory = await scope.directory();
    const built = await runProgram(process.execPath, ["--import", "tsx", "deploy/build-deb.ts", directory]);
    assert.is(built.code, 0, built.err);
    const [deb, root] = [built.out.trim(), join(directory, "root")];
    const run = async (program: string, ...args: string[]): Promise<string> => {
      const { code, out, err } = await runProgram(program, args);
      assert.is(code, 0, `${out}${err}`);
      return out;
    };
    const listed = await run("dpkg-deb", "--contents", deb);
    assert.match(listed, /-rw-r--r-- root\/root .* \.\/etc\/muster\/agent\.toml/);
    assert.match(listed, /-rwxr-xr-x root\/root .* \.\/usr\/lib\/muster-agent\/start\.sh/);
    assert.match(await run("dpkg-deb", "--field", deb, "Depends"), "nodejs (>= 18.19)");
    await run("dpkg-deb", "--raw-extract", deb, root);
    for (const name of ["DEBIAN/postinst", "DEBIAN/prerm", "DEBIAN/postrm", "usr/lib/muster-agent/start.sh"])
      await run("sh", "-n", join(root, name));
    const agent = join(root, "usr/lib/muster-agent/muster-agent.cjs");
    assert.equal(await readFile(agent), await readFile("dist/muster-agent.cjs"));
    const settings = join(root, "etc/muster/agent.toml");
    const { err } = await runProgram(process.execPath, [
      agent,
      "--config",
      settings,
      "--data",
      directory,
      "--device",
      "x",
    ]);
    assert.match(err, /no secret for x/, "its settings file is taken");
    assert.ok((await stat(deb)).size < 400_000);
    const unit = join(root, "lib/systemd/system/muster-agent.service");
    assert.match(await readFile(unit, "utf8"), /^User=muster-agent$/m);
    const verdict = await runProgram("systemd-analyze", ["security", "--offline=true", "--no-pager", unit]).catch(
      () => undefined,
    );
    // Where there is none, or one that is older than this question.
    const exposure = /Overall exposure level for muster-agent\.service: (\d+\.\d)/.exec(verdict?.out ?? "")?.[1];
    if (exposure !== undefined) assert.ok(Number(exposure) < 3, verdict?.out);
  });
});
