import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { serveApi } from "./api-server.ts";
import { copyDirectory } from "./copy.ts";
import { startFleet } from "./fleet.ts";
import { runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const password = "correct horse";
const agent = "dist/muster-agent.cjs";

suite("a copied disk", ({ test }) => {
  test(
    "the later machine stays away, says how it gets an identity of its own, and has one by the line that it names",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      fleet.state.accounts.set("admin", "admin", password);
      const { url } = await serveApi(scope, fleet, { join: { agent, broker: () => fleet.url, authority: undefined } });
      const client = createClient({ url, login: `admin:${password}` });
      const paste = async (line: string, dir: string): Promise<Finished> => {
        scope.cleanup(() =>
          runProgram(process.execPath, [join(dir, "muster-agent.cjs"), "leave", "--yes", "--dir", dir]),
        );
        return runProgram("sh", ["-c", `${line} --no-service --dir ${dir}`], { seconds: 60 });
      };
      const [first, copy] = [join(await scope.directory(), "agent"), join(await scope.directory(), "agent")];
      const { line } = await client.createEnrollment({ name: "cam" });
      const joined = await paste(line, first);
      assert.is(joined.code, 0, joined.err);
      const { boot } = await client.getDevice("cam");

      copyDirectory(first, copy);
      const clone = new Running(scope, process.execPath, [agent, "--data", join(copy, "data")]);
      const said = await clone.line(/agent cam is refused/);
      assert.match(said, /in use by another agent, on \S+ \(.*\): give this one, .*npx muster enroll cam-2,/);
      await clone.line(/stays away for 5m/);
      await eventually("the first machine", async () => (await client.getDevice("cam")).boot === boot);
      assert.match((await client.getDevice("cam")).problem ?? "", /two machines run as cam: .*npx muster enroll cam-2/);

      const own = await client.createEnrollment({ name: "cam-2" });
      const moved = await paste(own.line, copy);
      assert.match(moved.out, /cam-2 is online/, moved.err);
      assert.is((await client.getDevice("cam")).boot, boot, "the first one goes on as it was");
      assert.is(await clone.kill("SIGTERM"), 0);
    },
    { seconds: 90 },
  );
});
