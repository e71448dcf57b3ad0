import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Disk } from "#disk/calls";
import { ManualClock } from "#shared/clock";
import { cuts, faults, FaultyDisk, lay } from "../../test/faulty-disk.ts";
import { suite, type Scope } from "../../test/suite.ts";
import { layoutIn } from "../install/layout.ts";
import { starterText } from "../install/starter.ts";
import { Versions } from "./agent-versions.ts";
import { download } from "./download.ts";

/** Agents of a few bytes; the new one has proven itself as soon as it runs. Long enough to be cut in two. */
const agents = {
  installed: `echo installed > ran # ${"i".repeat(200)}\n`,
  v1: `echo v1 > ran # ${"1".repeat(200)}\n`,
  v2: `echo v2 > ran; [ ! -f trying ] || mv -f trying current # ${"2".repeat(200)}\n`,
};

type Files = ReadonlyMap<string, Buffer>;

/** What an agent does with its versions, and what may run afterwards, wherever it was cut off. */
interface Work {
  readonly name: string;
  readonly before: Record<string, string>;
  readonly run: (versions: Versions, disk: Disk, url: URL) => Promise<void>;
  /** Once it was told to be done. */
  readonly done: string;
  readonly otherwise: readonly string[];
}

const base =
  /^(\d+) (\d+)/
    .exec(spawnSync("cksum", { input: agents.installed }).stdout.toString())
    ?.slice(1)
    .join("-") ?? "";
const inUse = { current: `v1.cjs ${base}\n`, "versions/v1.cjs": agents.v1 };

const works: readonly Work[] = [
  {
    name: "fetching and switching",
    before: { ...inUse, "versions/old.cjs": agents.v1, failed: `v0.cjs ${base}\n`, why: "x\n" },
    run: async (versions, disk, url) => {
      const path = await versions.partOf("v2.cjs");
      const sha256 = createHash("sha256").update(agents.v2).digest("hex");
      const around = { clock: hasty(), signal: new AbortController().signal, progress: () => {}, disk };
      await download({ url, trust: undefined, size: agents.v2.length, sha256, path }, around);
      await versions.admit("v2.cjs");
      await versions.try("v2.cjs");
    },
    done: "v2",
    otherwise: ["v1", "v2"],
  },
  {
    name: "proving itself",
    before: {
      ...inUse,
      trying: `v2.cjs ${base}\n`,
      "versions/v2.cjs": agents.v2,
    },
    run: (versions) => versions.prove(),
    done: "v2",
    otherwise: ["v1", "v2"],
  },
  {
    name: "giving up",
    before: { ...inUse, trying: `v2.cjs ${base}\n`, "versions/v2.cjs": agents.v2 },
    run: (versions) => versions.giveUp("no ack"),
    done: "v1",
    otherwise: ["v1"],
  },
  {
    name: "going back",
    before: {
      current: `v2.cjs ${base}\n`,
      previous: `v1.cjs ${base}\n`,
      "versions/v1.cjs": agents.v1,
      "versions/v2.cjs": agents.v2,
    },
    run: (versions) => versions.undo(),
    done: "v1",
    otherwise: ["v1", "v2"],
  },
];

suite("an update that is cut off", ({ test }) => {
  for (const work of works)
    test(`${work.name}: at every call, by every fault and whatever a power cut leaves, an agent boots`, async (scope) => {
      const [directory, served] = [join(await scope.directory(), "agent"), await serve(scope.cleanup)];
      // A shell in the place of Node, to which Node's own flags are not told.
      const node = join(await scope.directory(), "node");
      writeFileSync(
        node,
        '#!/bin/sh\nwhile :; do case $1 in --*) shift ;; *) break ;; esac; done\nexec /bin/sh "$@"\n',
        { mode: 0o700 },
      );
      const starter = Buffer.from(starterText(layoutIn(directory, node)));
      const before: Files = new Map(
        Object.entries({ "muster-agent.cjs": agents.installed, ...work.before }).map(([at, text]) => [
          at,
          Buffer.from(text),
        ]),
      );
      /** What was left, by what runs then: most cuts leave the same. */
      const known = new Map<string, string>();
      const bootOf = (left: Files): string => {
        const key = JSON.stringify(
          [...left].sort(([a], [b]) => (a < b ? -1 : 1)).map(([at, bytes]) => [at, bytes.toString("latin1")]),
        );
        const ran = known.get(key) ?? boot(left, directory, starter);
        known.set(key, ran);
        return ran;
      };
      lay(before, directory);
      const whole = new FaultyDisk(directory);
      await work.run(versionsIn(directory, whole.disk), whole.disk, served);
      assert.is(bootOf(whole.left("nothing unsynced")), work.done);
      for (const fault of faults)
        for (let at = 0; at < whole.count; at += 1) {
          lay(before, directory);
          const faulty = new FaultyDisk(directory, fault, at);
          const told = await work.run(versionsIn(directory, faulty.disk), faulty.disk, served).then(
            () => true,
            () => false,
          );
          const lefts = cuts.map((cut) => [cut, faulty.left(cut)] as const);
          for (const [cut, left] of lefts) {
            const ran = bootOf(left);
            const may = told ? [work.done] : work.otherwise;
            assert.ok(may.includes(ran), `${fault} at ${at}, ${cut}: ${ran} ran, expected ${may.join(" or ")}`);
          }
        }
      assert.ok(known.size > 1, "nothing was cut");
    });
});

/** Waits take no time. */
function hasty(): ManualClock {
  const clock = new ManualClock();
  clock.after = (_, run) => {
    const soon = setImmediate(run);
    return () => clearImmediate(soon);
  };
  return clock;
}

function versionsIn(state: string, disk: Disk): Versions {
  return new Versions({ state, base, disk });
}

/** Lets the starter run, and once more: what ran stays what runs. */
function boot(files: Files, directory: string, starter: Buffer): string {
  lay(new Map([...files, ["start.sh", starter]]), directory);
  const ran = join(directory, "ran");
  const once = (): string => {
    rmSync(ran, { force: true });
    const { status } = spawnSync("sh", ["start.sh", "--once"], { cwd: directory, stdio: "ignore" });
    return `${existsSync(ran) ? readFileSync(ran, "utf8").trim() : "nothing"}${status === 0 ? "" : `, status ${String(status)}`}`;
  };
  const [first, second] = [once(), once()];
  return first === second ? first : `${first}, then ${second}`;
}

/** A server of the new version. */
async function serve(cleanup: Scope["cleanup"]): Promise<URL> {
  const server = createServer((_, answer) => void answer.end(agents.v2));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup(() => void server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}
