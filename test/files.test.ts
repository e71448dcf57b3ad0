import { createHash, randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { maxPieceBytes } from "#shared/messages/file-messages";
import type { Json } from "#shared/messages/payload-schema";
import type { Command } from "../console/desk/command.ts";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { mortal } from "./mortal.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const hashOf = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

/** A directory to fetch from and one to put into. */
async function places(scope: Scope) {
  const root = await scope.directory();
  const [logs, app] = [join(root, "logs"), join(root, "app")];
  await mkdir(logs);
  await mkdir(app);
  return { logs, app, files: { fetchFrom: [logs], putInto: [app], own: [] } };
}

async function ended(fleet: Fleet, key: string, args: Record<string, Json>): Promise<Command> {
  const order = { ttl: "2m", timeout: "100s" } as const;
  return fleet.console.send("rpi-7", { key, args }, order).catch((error: unknown) => {
    const { details } = error as { details?: { command: Command } };
    if (!details) throw error;
    return details.command;
  });
}

/** Gives it to the console, as the API does in parts. */
async function give(fleet: Fleet, content: Buffer): Promise<{ sha256: string; size: number }> {
  const [sha256, size] = [hashOf(content), content.length];
  assert.is(await fleet.console.transfers.uploads.add({ sha256, size, at: 0, data: content }), size);
  return { sha256, size };
}

/** Bytes of the one file below a directory whose name fits; 0 where there is none. */
function sizeBelow(directory: string, name: RegExp): number {
  try {
    const found = readdirSync(directory, { recursive: true, encoding: "utf8" }).find((one) => name.test(one));
    return found === undefined ? 0 : statSync(join(directory, found)).size;
  } catch {
    return 0;
  }
}

function shown(waits: readonly number[]): string {
  const sorted = waits.toSorted((a, b) => a - b);
  const of = (share: number): string => `${Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? Infinity)} ms`;
  return `${sorted.length} acks, p50 ${of(0.5)}, p99 ${of(0.99)}, longest ${of(1)}`;
}

for (const kind of brokerKinds)
  suite(`files over ${kind}`, ({ test }) => {
    test("a file comes from a device and goes to it whole, an empty one too", async (scope) => {
      const { logs, app, files } = await places(scope);
      const fleet = await startFleet(scope, kind, { files: { spare: 0 } });
      await fleet.agent("rpi-7", { files });
      for (const size of [0, 3 * maxPieceBytes + 7]) {
        const content = randomBytes(size);
        await writeFile(join(logs, "a.log"), content);
        const fetched = await ended(fleet, "fetch", { path: join(logs, "a.log") });
        assert.is(fetched.state, "succeeded", fetched.error?.message);
        const file = fleet.console.transfers.find(fetched);
        assert.is(file?.sha256, hashOf(content));
        assert.equal(await readFile(file?.path ?? ""), content);
        const put = await ended(fleet, "put", { path: join(app, `b${size}`), ...(await give(fleet, content)) });
        assert.is(put.state, "succeeded", put.error?.message);
        assert.equal(await readFile(join(app, `b${size}`)), content);
      }
      assert.equal((await readdir(app)).sort(), ["b0", `b${3 * maxPieceBytes + 7}`].sort());
      const unknown = await ended(fleet, "put", { path: join(app, "c"), size: 1, sha256: "0".repeat(64) });
      assert.is(unknown.error?.code, "no-upload");
    });

    test("samples are acknowledged as ever while a file comes and another one goes", async (scope) => {
      const { logs, app, files } = await places(scope);
      const fleet = await startFleet(scope, kind, { files: { spare: 0, rate: 1024 * 1024 } });
      await fleet.agent("rpi-7", { files, interval: 200 });
      const topics = ["metrics", "ack"].map((last) => `muster/rpi-7/${last}`);
      const heard = await fleet.sub(scope, "-F", "%U %t %l", ...topics.flatMap((topic) => ["-t", topic]));
      /** Milliseconds from each batch to the next ack, of what was heard from that line on. */
      const waits = (from: number): number[] => {
        const took: number[] = [];
        let sent: number | undefined;
        for (const line of heard.lines.slice(from)) {
          const [, at = "", topic] = /^(\d+\.\d+) muster\/rpi-7\/(metrics|ack) /.exec(line) ?? [];
          if (topic === "metrics") sent ??= Number(at) * 1_000;
          else if (topic === "ack" && sent !== undefined) {
            took.push(Number(at) * 1_000 - sent);
            sent = undefined;
          }
        }
        return took;
      };
      await eventually("acks without files", () => waits(0).length >= 10);
      const [quiet, from] = [waits(0), heard.lines.length];
      const content = randomBytes(2_000_000);
      await writeFile(join(logs, "a.log"), content);
      const began = performance.now();
      const [fetched, put] = await Promise.all([
        ended(fleet, "fetch", { path: join(logs, "a.log") }),
        ended(fleet, "put", { path: join(app, "b"), ...(await give(fleet, content)) }),
      ]);
      assert.equal(
        [fetched.state, put.state],
        ["succeeded", "succeeded"],
        fetched.error?.message ?? put.error?.message,
      );
      const seconds = (performance.now() - began) / 1_000;
      const busy = waits(from);
      const told = `quiet ${shown(quiet)}; with files, ${seconds.toFixed(1)} s: ${shown(busy)}`;
      if (process.env["MUSTER_SHOW"]) process.stdout.write(`${kind}: ${told}\n`);
      assert.ok(busy.length >= seconds, `an ack a second at least: ${told}`);
      assert.ok(Math.max(...busy) < 5_000, told);
    });

    test("an agent and a broker that are killed lose nothing of what is there: both ways go on", async (scope) => {
      const { logs, app, files } = await places(scope);
      const content = randomBytes(1_200_000);
      await writeFile(join(logs, "a.log"), content);
      const rate = 1024 * 1024;
      const { fleet, kill } = await mortal(scope, kind, undefined, {
        console: { files: { spare: 0, rate } },
        agent: { files },
      });
      const given = await give(fleet, content);
      const both = Promise.all([
        ended(fleet, "fetch", { path: join(logs, "a.log") }),
        ended(fleet, "put", { path: join(app, "a"), ...given }),
      ]);
      // Where something else fails first, that is what is told.
      both.catch(() => {});
      const here = (): number => sizeBelow(join(fleet.state.directory, "files", "fetched"), /@/);
      const there = (): number => sizeBelow(app, /^\.muster-put-/);
      const reach = (bytes: number): Promise<unknown> =>
        eventually(`${bytes} bytes both ways`, () => here() >= bytes && (there() >= bytes || there() === 0));
      await eventually("some of both", () => here() > 100_000 && there() > 100_000);
      assert.equal(await readdir(app).then((names) => names.filter((name) => !name.startsWith("."))), []);
      await kill();
      const before = [here(), there()] as const;
      await reach(Math.max(...before) + 1);
      assert.ok(here() >= before[0] && (there() >= before[1] || there() === 0), "nothing is begun anew");
      if (kind !== "embedded") await fleet.restartBroker();
      const [fetched, put] = await both;
      assert.is(fetched.state, "succeeded", fetched.error?.message);
      assert.is(put.state, "succeeded", put.error?.message);
      assert.equal(await readFile(fleet.console.transfers.find(fetched)?.path ?? ""), content);
      assert.equal(await readFile(join(app, "a")), content);
      assert.equal(await readdir(app), ["a"]);
    });
  });
