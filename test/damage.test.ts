import { rm } from "node:fs/promises";
import { join } from "node:path";
import { asError, messageWithCauses } from "#shared/errors";
import { Random } from "../chaos/random.ts";
import { damages, furnish, live } from "./damage.ts";
import { suite, type Scope } from "./suite.ts";
import { copyDirectory } from "./copy.ts";

/** Rounds of each kind; MUSTER_DAMAGE_ROUNDS asks for more at night, and MUSTER_DAMAGE_SEED for others. */
const rounds = Number(process.env["MUSTER_DAMAGE_ROUNDS"] ?? 5);
const seed = process.env["MUSTER_DAMAGE_SEED"] ?? "damage";

suite("damage", ({ test, before }) => {
  let home = "";
  before(async (scope: Scope) => {
    home = await scope.directory();
    await furnish(join(home, "clean"), join(home, "killed"));
  });

  for (const [kind, damage] of Object.entries(damages)) {
    test(
      `Muster starts and works whatever stands in its data directory: ${kind}`,
      async () => {
        for (let round = 0; round < rounds; round++) {
          const random = new Random(`${seed} ${kind} ${round}`);
          const directory = join(home, "damaged");
          copyDirectory(join(home, random.pick(["clean", "killed"])), directory);
          let done = "";
          try {
            done = damage(directory, random);
            await live(directory);
            if (random.chance(0.3)) await live(directory);
          } catch (thrown) {
            throw new Error(`round ${round} (${done.slice(0, 2_000)}): ${messageWithCauses(asError(thrown))}`, {
              cause: thrown,
            });
          } finally {
            await rm(directory, { recursive: true, force: true });
          }
        }
      },
      { seconds: 20 + rounds },
    );
  }
});
