import { rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { quickDirectory, TestOutbox } from "../agent/metrics/outbox/fixture.ts";
import { openIngest, rpi } from "../console/ingest/fixture.ts";
import { suite, type Scope } from "./suite.ts";
import { copyDirectory } from "./copy.ts";

/** One machine of the device: a directory, and the agent's outbox that is open in it. */
interface Machine {
  readonly directory: string;
  outbox: TestOutbox;
}

/** A device whose directory is put back and copied, its agents killed, its messages lost; over the console's real books. */
class World {
  readonly #scope: Scope;
  readonly #root: string;
  readonly #random: (below: number) => number;
  #console: Awaited<ReturnType<typeof openIngest>>;
  readonly #machines: Machine[] = [];
  #backup: string | undefined;
  #names = 0;
  /** Samples that were taken, by their values. */
  readonly taken: number[] = [];
  readonly #written: unknown[] = [];

  constructor(scope: Scope, root: string, console: Awaited<ReturnType<typeof openIngest>>, seed: number) {
    this.#scope = scope;
    this.#root = root;
    this.#console = console;
    let state = seed * 7_919 + 1;
    this.#random = (below) => (state = (state * 48_271) % 2_147_483_647) % below;
    this.#machines.push(this.#open(this.#fresh()));
  }

  async step(): Promise<string> {
    const machine = this.#machines[this.#random(this.#machines.length)];
    if (!machine) throw new Error("there is always a machine");
    const steps: readonly [string, number, () => Promise<void> | void][] = [
      ["sample", 6, () => this.#sample(machine, 1 + this.#random(4))],
      ["send", 6, () => this.#send(machine, 60)],
      ["kill", 1, () => this.#restart(machine)],
      ["back up", 1, () => this.#backUp(machine)],
      ["put back", 1, () => this.#putBack(machine)],
      ["clone", 1, () => this.#clone()],
      ["console", 1, () => this.#restartConsole()],
    ];
    let at = this.#random(steps.reduce((sum, [, weight]) => sum + weight, 0));
    for (const [name, weight, run] of steps) {
      if (at < weight) {
        await run();
        return name;
      }
      at -= weight;
    }
    return "";
  }

  /** All that there is goes out, and nothing is lost on the way. */
  async drain(): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      for (const machine of this.#machines) await this.#send(machine, 100);
      if (this.waiting === 0) return;
    }
  }

  get waiting(): number {
    return this.#machines.reduce((sum, { outbox }) => sum + outbox.outbox.size.batches, 0);
  }

  get stored(): unknown[] {
    return [...this.#written, ...this.#valuesIn(this.#console)];
  }

  report() {
    return this.#console.ingest.batches.completeness.of(rpi);
  }

  async stop(): Promise<void> {
    for (const { outbox } of this.#machines) await outbox.outbox.close();
    await this.#console.ingest.stop();
  }

  async #sample({ outbox }: Machine, count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      this.#console.clock.advance(10);
      this.taken.push(this.taken.length + 1);
      await outbox.add(this.taken.length);
    }
  }

  /** Messages are lost and doubled, and whoever is connected hears every ack that gets through, whosever it is. */
  async #send({ outbox }: Machine, likely: number): Promise<void> {
    for (const queue of outbox.outbox.queues) {
      for (let seq = queue.after(0); seq !== undefined; seq = queue.after(seq)) {
        const payload = queue.read(seq);
        for (const chance of payload ? [likely, 20] : [])
          if (payload && this.#random(100) < chance) this.#console.take(payload);
      }
    }
    await this.#console.settled();
    for (const ack of this.#console.acks.splice(0))
      for (const one of this.#machines) if (this.#random(100) < likely) one.outbox.outbox.ack(ack);
  }

  async #restart(machine: Machine): Promise<void> {
    // What is killed in truth does not wait for its disk; what it had promised is there.
    await machine.outbox.outbox.close();
    machine.outbox = this.#start(machine.directory);
  }

  #backUp({ directory }: Machine): void {
    this.#backup = this.#fresh();
    copyDirectory(directory, this.#backup);
  }

  /** What the disk that is replaced had and nobody else has would be lost with it: it is sent before. */
  async #putBack(machine: Machine): Promise<void> {
    if (this.#backup === undefined) return;
    await this.#send(machine, 100);
    await machine.outbox.outbox.close();
    rmSync(machine.directory, { recursive: true });
    copyDirectory(this.#backup, machine.directory);
    machine.outbox = this.#start(machine.directory);
  }

  #clone(): void {
    const [pattern] = this.#machines;
    if (this.#machines.length > 2 || !pattern) return;
    const directory = this.#fresh();
    copyDirectory(this.#backup ?? pattern.directory, directory);
    this.#machines.push(this.#open(directory));
  }

  async #restartConsole(): Promise<void> {
    const { directory, clock, ingest } = this.#console;
    await this.#console.settled();
    this.#written.push(...this.#valuesIn(this.#console));
    await ingest.stop();
    this.#console = await openIngest(this.#scope, undefined, directory, clock);
  }

  #valuesIn({ written }: Awaited<ReturnType<typeof openIngest>>): unknown[] {
    return written.flatMap(({ fields }) => [fields["value"] ?? []].flat());
  }

  #open(directory: string): Machine {
    return { directory, outbox: this.#start(directory) };
  }

  #start(directory: string): TestOutbox {
    const outbox = new TestOutbox({ directory, run: `r${(this.#names += 1)}` }, this.#console.clock);
    outbox.outbox.start();
    return outbox;
  }

  #fresh(): string {
    return join(this.#root, `d${(this.#names += 1)}`);
  }
}

suite("the books of an outbox that is put back, copied and killed", ({ test }) => {
  test(
    "each sample is stored and counted once, nothing is missing, and every outbox is empty in the end",
    async (scope) => {
      for (let seed = 1; seed <= 25; seed += 1) {
        const world = new World(
          scope,
          await quickDirectory(scope),
          await openIngest(scope, undefined, await quickDirectory(scope)),
          seed,
        );
        const steps: string[] = [];
        for (let at = 0; at < 40; at += 1) steps.push(await world.step());
        await world.drain();
        const told = `seed ${seed}: ${steps.join(", ")}`;
        assert.is(world.waiting, 0, `batches that wait; ${told}`);
        const stored = world.stored.map(Number).sort((a, b) => a - b);
        assert.equal([...new Set(stored)], world.taken, told);
        const { stored: counted, missing, outstanding } = world.report();
        assert.equal([counted, missing, outstanding.batches], [world.taken.length, 0, 0], told);
        assert.is(stored.length, world.taken.length, `written once; ${told}`);
        await world.stop();
      }
    },
    { seconds: 90 },
  );
});
