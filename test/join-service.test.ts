import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { layoutIn } from "../agent/install/layout.ts";
import { unitName, unitText } from "../agent/install/service-texts.ts";
import { serveApi } from "./api-server.ts";
import { startFleet } from "./fleet.ts";
import { runProgram, type Finished } from "./programs.ts";
import { suite, type Scope } from "./suite.ts";

const password = "correct horse";
const units = "/etc/systemd/system";
const unit = join(units, unitName);

function works(program: string, ...words: string[]): boolean {
  try {
    execFileSync(program, words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What systemd itself has to say of a unit. */
async function verdictOn(scope: Scope, text: string): Promise<Finished> {
  const path = join(await scope.directory(), unitName);
  await writeFile(path, text);
  return runProgram("systemd-analyze", ["verify", path]);
}

/** In the place of systemctl: notes what it is asked for, and starts and ends what the unit says, as systemd does. */
const standIn = (state: string): string => `#!/bin/sh
echo "$*" >> ${state}/asked
said() { sed -n "s/^$1=//p" ${unit}; }
case "$1" in
enable) cp ${unit} ${state}/unit ;;
restart)
  cd "$(said WorkingDirectory)" || exit 1
  setsid sh -c "exec $(said ExecStart)" > /dev/null 2>&1 &
  echo $! > ${state}/pid
  ;;
disable)
  pid=$(cat ${state}/pid)
  kill "$pid"
  while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
  ;;
esac
`;

const hasAnalyze = works("systemd-analyze", "--version");
/** Mounts of its own need root. */
const hasNamespaces = existsSync(units) && works("unshare", "--mount", "true");

suite("the agent as a service", ({ test }) => {
  test("systemd takes the unit as it is, wherever the agent is", async (scope) => {
    if (!hasAnalyze) return;
    for (const directory of ["/var/lib/muster-agent", "/srv/an agent's 100% $HOME"]) {
      const { code, err } = await verdictOn(scope, unitText(layoutIn(directory, process.execPath)));
      assert.equal([code, err], [0, ""], directory);
    }
  });

  test("the pasted line makes a service of it, which the console sees; leave ends it, and takes the unit away", async (scope) => {
    if (!hasNamespaces) return;
    const fleet = await startFleet(scope, "embedded");
    fleet.state.accounts.set("admin", "admin", password);
    const { as } = await serveApi(scope, fleet, { join: { agent: "dist/muster-agent.cjs", broker: () => fleet.url } });
    const { line } = await as(`admin:${password}`).createEnrollment({ name: "svc" });
    const state = await scope.directory();
    const [bin, dir] = [join(state, "bin"), join(state, "agent")];
    await mkdir(bin);
    await writeFile(join(bin, "systemctl"), standIn(state));
    await chmod(join(bin, "systemctl"), 0o755);
    const script = [
      "set -e",
      "mount -t tmpfs none /run && mkdir -p /run/systemd/system",
      `mount -t tmpfs none ${units}`,
      `${line} --dir ${dir}`,
      `${process.execPath} ${dir}/muster-agent.cjs leave --yes --dir ${dir}`,
      `test ! -e ${unit}`,
    ];
    const env = { PATH: `${bin}:${process.env["PATH"]}`, HOME: state };
    const done = await runProgram("unshare", ["--mount", "sh", "-c", script.join("\n")], { env, seconds: 60 });
    assert.is(done.code, 0, done.err);
    assert.match(done.out, /svc is online: http:/);
    const asked = (await readFile(join(state, "asked"), "utf8")).trim().split("\n");
    assert.equal(asked, [
      "daemon-reload",
      `enable ${unitName}`,
      `restart --no-block ${unitName}`,
      `disable --now ${unitName}`,
      "daemon-reload",
    ]);
    assert.not(existsSync(dir));
    await fleet.sees("svc", false);
    if (!hasAnalyze) return;
    await copyFile(join(state, "unit"), join(state, unitName));
    assert.is((await runProgram("systemd-analyze", ["verify", join(state, unitName)])).err, "");
  });
});
