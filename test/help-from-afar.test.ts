import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { testSigner } from "#shared/signing/fixture";
import { signing } from "../cli/sign-command.ts";
import { followLogs, showLogs } from "../cli/show-logs.ts";
import { RecentLog } from "../agent/support/recent-log.ts";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { serveApi } from "./api-server.ts";
import { startFleet } from "./fleet.ts";
import { musterProgram, Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** A device whose agent takes only what is signed, one whose agent takes all, and what this one's log is written by. */
async function place(scope: Scope) {
  const fleet = await startFleet(scope, "embedded");
  const { as, url } = await serveApi(scope, fleet);
  const recentLog = new RecentLog(systemClock);
  await fleet.agent("rpi-7", { recentLog });
  const signer = testSigner(1, "ann");
  await fleet.agent("rpi-8", { signers: [signer.public.line], directory: await scope.directory() });
  const out: string[] = [];
  const terminal = {
    out: (text: string) => void out.push(text),
    err: () => {},
    live: false,
  };
  const ann = `ann:${fleet.secretOf("ann")}`;
  return {
    fleet,
    as,
    url,
    ann,
    log: recentLog.over(silentLog),
    signer,
    out,
    terminal,
    secret: fleet.secretOf("rpi-7"),
  };
}

suite("help from afar", ({ test }) => {
  test("an operator reads and follows a log; nobody else does, nor without a signature where one is asked for", async (scope) => {
    const { as, ann, log, out, terminal, fleet, signer, secret } = await place(scope);
    log.warn({ url: `mqtt://rpi-7:${secret}@here` }, `tried ${secret}`);
    const asked = { lines: "5", timeout: "30s" };
    assert.is(await showLogs(as(ann), "rpi-7", asked, terminal), 0);
    assert.match(out.join("\n"), /warn +tried … url=mqtt:\/\/…@here/);
    assert.not.match(out.join("\n"), new RegExp(secret));

    const stop = new AbortController();
    const ended = followLogs(as(ann), "rpi-7", asked, terminal, stop.signal);
    // It begins with what there is, and is a follower from then on.
    await eventually("the first lines", () => out.filter((text) => text.includes("tried …")).length === 2);
    for (const n of [1, 2, 3]) log.info({ n }, "more");
    await eventually("the next lines", () => /more n=1[^]*more n=2[^]*more n=3/.test(out.join("\n")));
    stop.abort();
    assert.is(await ended, 0);
    assert.equal(
      fleet.console.desk.list({ device: parseDeviceId("rpi-7") }).map(({ state }) => state),
      ["cancelled", "succeeded"],
    );

    const vic = as(`vic:${fleet.secretOf("vic")}`);
    for (const key of ["logs", "support"])
      assert.match(String(await vic.sendCommand("rpi-7", { key }).catch((thrown: unknown) => thrown)), /operator/);
    fleet.state.accounts.set("lim", "operator", "correct horse", ["lab"]);
    const limited = as("lim:correct horse").sendCommand("rpi-7", { key: "logs" });
    assert.match(String(await limited.catch((thrown: unknown) => thrown)), /rpi-7/);

    const unsigned = showLogs(as(ann), "rpi-8", asked, terminal).catch((thrown: unknown) => thrown);
    assert.match(String(await unsigned), /rpi-8 takes only commands that are signed/);
    const said: string[] = [];
    const heard = { ...terminal, err: (text: string) => void said.push(text) };
    assert.is(await showLogs(as(ann), "rpi-8", asked, heard, signing(signer)), 0);
    assert.equal(said, ["rpi-8 has logged nothing since its agent was started\n"]);
  });

  test("muster logs and muster support, as programs", async (scope) => {
    const { url, ann, log, secret } = await place(scope);
    log.info({}, "hello from the device");
    const env = { MUSTER_URL: url, MUSTER_TOKEN: ann };
    const file = join(await scope.directory(), "rpi-7.json");
    const bundled = new Running(scope, ...musterProgram(["support", "rpi-7", file, "--timeout", "30s"]), { env });
    const following = new Running(scope, ...musterProgram(["logs", "rpi-7", "--follow"]), { env });
    await following.line(/hello from the device/);
    assert.is(await following.kill("SIGINT"), 0);
    await bundled.line(/has what is known of rpi-7/);
    const text = await readFile(file, "utf8");
    const bundle = JSON.parse(text) as Record<string, Record<string, unknown>>;
    assert.is(bundle["console"]?.["id"], "rpi-7");
    for (const part of ["versions", "self", "outbox", "ledger", "metrics", "connections", "log"])
      assert.ok(bundle["agent"]?.[part], part);
    assert.equal((bundle["agent"]?.["connections"] as { up: boolean }[] | undefined)?.at(-1)?.up, true);
    assert.match(String(bundle["agent"]?.["log"]), /hello from the device/);
    assert.not.match(text, new RegExp(secret));
  });
});
