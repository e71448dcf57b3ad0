import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { asError, messageWithCauses } from "#shared/errors";
import { systemClock } from "#shared/clock";
import { Random } from "../chaos/random.ts";
import { lookAtConsole } from "../console/doctor/look.ts";
import { mendConsole } from "../console/doctor/mend-console.ts";
import { furnish, House } from "./damage.ts";
import { suite, type Scope } from "./suite.ts";
import { copyDirectory } from "./copy.ts";

/** Single bits that are flipped, each in a copy of its own; and the seed of their places. */
const flips = Number(process.env["MUSTER_DAMAGE_FLIPS"] ?? 30);
const seed = process.env["MUSTER_DAMAGE_SEED"] ?? "bits";

/** What a sound Muster says of the furnished directory, as far as damage could take something of it away. */
interface Said {
  readonly lists: Readonly<Record<string, number>>;
  readonly damaged: readonly string[];
}

/** Of what every copy holds that was furnished; a job that goes on may send some more. */
const furnishedCommands = 24;
const lists = {
  devices: "devices",
  commands: "commands",
  jobs: "jobs",
  quarantine: "entries",
  completeness: "devices",
};

/** Lists that answer, each device's command that is carried out, and how much there is. */
async function live(directory: string, random: Random): Promise<Said> {
  const house = await House.open(directory);
  try {
    const counts: Record<string, number> = {};
    for (const [name, key] of Object.entries(lists)) {
      const { status, body } = await house.ask(
        `/api/${name}?limit=1000`.replace(/(quarantine|completeness|devices)\?.*/, "$1"),
      );
      assert.is(status, 200, `${name}: ${JSON.stringify(body)}`);
      const count = ((body as Record<string, unknown[]>)[key] ?? []).length;
      counts[name] = name === "commands" ? Math.min(count, furnishedCommands) : count;
    }
    for (const device of [`d${random.between(0, 3)}`, `d${random.between(4, 7)}`]) {
      await house.birth(device);
      house.answer(device);
      const { status, body } = await house.ask(`/api/devices/${device}/commands`, "POST", { key: "ping" });
      assert.is(status, 200, `a command to ${device}: ${JSON.stringify(body)}`);
      const one = await house.ask(`/api/commands?device=${device}`);
      assert.is(one.status, 200, JSON.stringify(one.body));
    }
    return {
      lists: counts,
      damaged: house.state.damage.list(9).map(({ place, name, why }) => `${place} ${name}: ${why}`),
    };
  } finally {
    await house.close();
  }
}

suite("single bits", ({ test, before }) => {
  let home = "";
  before(async (scope: Scope) => {
    home = await scope.directory();
    await furnish(join(home, "clean"), join(home, "killed"));
  });

  test(
    `of ${flips} flipped bits none keeps Muster from starting, answering or commanding, and the doctor finds and mends those that hurt`,
    async () => {
      const sound = await live(copied("sound"), new Random("sound"));
      let felt = 0;
      let found = 0;
      for (let flip = 0; flip < flips; flip++) {
        const random = new Random(`${seed} ${flip}`);
        const directory = copied("flipped");
        const where = flipOne(join(directory, "muster.db"), random);
        try {
          const damaged = damagedIn(directory);
          if (damaged.length > 0) {
            found += 1;
            copyDirectory(directory, join(home, "mended"));
            mendConsole(join(home, "mended"), systemClock);
            // What an entry of the audit log has said nobody can know: that is told from then on, and not mended.
            const left = damagedIn(join(home, "mended")).filter((one) => !one.startsWith("audit: "));
            assert.is(left.length, 0, `after mending ${damaged.join()}: ${left.join()}`);
            rmSync(join(home, "mended"), { recursive: true });
          }
          const said = await live(directory, random);
          const isShorter = Object.entries(sound.lists).some(([name, count]) => (said.lists[name] ?? 0) < count);
          const isFelt = said.damaged.length > sound.damaged.length || isShorter;
          if (isFelt) felt += 1;
          assert.ok(
            !isFelt || damaged.length > 0,
            `the doctor finds what is felt: ${JSON.stringify(said)}, but not ${JSON.stringify(sound)}`,
          );
        } catch (thrown) {
          throw new Error(`${where}: ${messageWithCauses(asError(thrown))}`, { cause: thrown });
        }
      }
      assert.ok(found >= felt && found > 0, `${found} found, ${felt} felt`);
    },
    { seconds: 30 + flips * 2 },
  );

  function copied(name: string): string {
    const directory = join(home, name);
    rmSync(directory, { recursive: true, force: true });
    copyDirectory(join(home, "clean"), directory);
    return directory;
  }
});

function flipOne(path: string, random: Random): string {
  const bytes = readFileSync(path);
  const at = random.between(0, bytes.length - 1);
  const bit = random.between(0, 7);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  writeFileSync(path, bytes);
  return `bit ${bit} of byte ${at}, in page ${Math.floor(at / 4_096) + 1}`;
}

const damagedIn = (directory: string): string[] =>
  lookAtConsole(directory)
    .filter(({ state }) => state === "damaged")
    .map(({ what, says }) => `${what}: ${says}`);
