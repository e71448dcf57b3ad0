import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock, systemClock, type Clock } from "#shared/clock";
import { gone, Journal, put } from "../commands/exec/fixture.ts";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import type { Columns } from "../metrics/to-columns.ts";
import { rowsOf, type Row } from "./fixture.ts";
import { Intake } from "./intake.ts";
import { MetricPrograms } from "./programs.ts";

class Bench {
  readonly batches: Columns[] = [];
  readonly log = new Journal();
  readonly intake: Intake;
  readonly programs: MetricPrograms;
  paused = false;
  /** How often something else was said of what is measured. */
  described = 0;

  constructor(scope: Scope, directory: string, clock: Clock = systemClock) {
    this.intake = new Intake({ clock, emit: (columns) => void this.batches.push(columns) });
    const paused = (): boolean => this.paused;
    const described = (): void => void (this.described += 1);
    const options = { directory, device: "edge-1", paused, described, intake: this.intake, clock, log: this.log };
    this.programs = new MetricPrograms(options);
    scope.cleanup(() => this.stop());
  }

  async stop(): Promise<void> {
    await this.programs.stop();
    this.intake.stop();
  }

  /** Everything that has come. */
  async samples(count: number): Promise<Row[]> {
    await eventually(`${count} samples`, () => this.intake.taken >= count);
    await this.stop();
    return rowsOf(this.batches);
  }
}

suite("metrics of executables", ({ test }) => {
  test("what they print, as line protocol or JSON lines, are samples", async (scope) => {
    const directory = await scope.directory();
    await put(directory, "door", '#!/bin/sh\necho \'{"measurement":"door","values":{"open":true}}\'\n');
    await put(directory, "room.sh", '#!/bin/sh\necho "room,device=$MUSTER_DEVICE temperature=21.5"\necho\n');
    const bench = new Bench(scope, directory);
    await bench.programs.start();
    const samples = (await bench.samples(2)).sort((a, b) => (a.measurement < b.measurement ? -1 : 1));
    assert.equal(
      samples.map(({ measurement, tags, field, value }) => [measurement, tags, field, value]),
      [
        ["door", {}, "open", true],
        ["room", { device: "edge-1" }, "temperature", 21.5],
      ],
    );
    assert.equal(bench.programs.problems, {});
    assert.equal(bench.log.sentences, []);
  });

  test("they run with each beat, or on the interval in their name, and never while the agent is paused", async (scope) => {
    const directory = await scope.directory();
    for (const name of ["beat", "minute.60s.sh"])
      await put(directory, name, `#!/bin/sh\necho "run,name=${name} x=1"\n`);
    const clock = new ManualClock();
    const bench = new Bench(scope, directory, clock);
    await bench.programs.start();
    const taken = (count: number): Promise<unknown> =>
      eventually(`${count} samples`, () => bench.intake.taken === count);
    await taken(2);
    await bench.programs.idle();
    clock.advance(1_000);
    bench.programs.beat();
    await taken(3);
    await bench.programs.idle();
    clock.advance(59_000);
    await taken(4);
    await bench.programs.idle();
    bench.paused = true;
    bench.programs.beat();
    clock.advance(60_000);
    await bench.programs.idle();
    bench.paused = false;
    clock.advance(60_000);
    await taken(5);
    const names = (await bench.samples(5)).map(({ tags }) => tags["name"]);
    assert.equal(names.sort(), ["beat", "beat", "minute.60s.sh", "minute.60s.sh", "minute.60s.sh"]);
  });

  test("a run that is due while the last one goes on is left out", async (scope) => {
    const directory = await scope.directory();
    await put(directory, "slow", "#!/bin/sh\necho 'slow x=1'\nexec sleep 100\n");
    const bench = new Bench(scope, directory);
    await bench.programs.start();
    await eventually("a run", () => bench.intake.taken === 1);
    for (let beat = 0; beat < 20; beat++) bench.programs.beat();
    await bench.stop();
    assert.is(bench.intake.taken, 1);
  });

  test("the stop ends them, and what they have started", async (scope) => {
    const directory = await scope.directory();
    await put(directory, "slow", '#!/bin/sh\nsleep 1000 &\necho "slow child=$!,self=$$"\nwait\n');
    const bench = new Bench(scope, directory);
    await bench.programs.start();
    const pids = (await bench.samples(1)).map(({ value }) => value);
    assert.is(pids.length, 2);
    await gone(pids.join(" "));
    assert.equal(bench.log.sentences, []);
  });

  test("what goes wrong is a problem of its name, told in the log once, until it is well again", async (scope) => {
    const directory = await scope.directory();
    const flag = join(await scope.directory(), "flag");
    await put(directory, "fails", `#!/bin/sh\necho 'a x=1'\n[ -e ${flag} ] || { echo 'no sensor' >&2; exit 3; }\n`);
    await put(directory, "talks", "#!/bin/sh\necho hello\necho 'a x=1'\necho world\n");
    await put(directory, "warns", "#!/bin/sh\necho 'battery low' >&2\n");
    const bench = new Bench(scope, directory);
    await bench.programs.start();
    await bench.programs.idle();
    bench.programs.beat();
    await bench.programs.idle();
    const problems = {
      fails: "ended with exit status 3: no sensor",
      talks:
        'printed 2 lines that were not taken: expected a space before the fields, as in "room temperature=21.5" at column 6, got the end of the line',
      warns: "printed to standard error: battery low",
    };
    assert.equal(bench.programs.problems, problems);
    assert.equal(
      bench.log.sentences.sort(),
      Object.entries(problems).map(([name, problem]) => `the metrics program ${name} ${problem}`),
    );
    await put(directory, "warns", "#!/bin/sh\n");
    bench.programs.beat();
    await bench.programs.idle();
    assert.equal(Object.keys(bench.programs.problems), ["fails", "talks"]);
  });

  test("what others could replace, or needs a shell, is not run", async (scope) => {
    const directory = await scope.directory();
    await mkdir(join(directory, "folder"));
    await put(directory, "notes.txt", "a x=1\n", 0o644);
    await put(directory, "open", "#!/bin/sh\necho 'a x=1'\n", 0o757);
    await put(directory, "bare", "echo 'a x=1'\n");
    await put(directory, ".hidden", "#!/bin/sh\necho 'a x=1'\n");
    const bench = new Bench(scope, directory);
    await bench.programs.start();
    await bench.programs.idle();
    assert.equal(bench.programs.problems, {
      bare: "was not started: it is a script without a #! line, which only a shell would run",
      folder: "was not started: it is not a regular file",
      "notes.txt": "was not started: it is not executable; make it so: chmod +x",
      open: `was not started: ${directory}/open is writable by everybody, who could change it; take that away: chmod go-w '${directory}/open'`,
    });
    assert.is(bench.intake.taken, 0);
  });

  test("a directory that is not there is told", async (scope) => {
    const bench = new Bench(scope, join(await scope.directory(), "none"));
    await bench.programs.start();
    assert.match(bench.log.sentences[0] ?? "", /no programs for metrics are run: ENOENT/);
  });
});
