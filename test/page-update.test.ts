/// <reference lib="dom" />
import { createHash } from "node:crypto";
import * as assert from "uvu/assert";
import { serveApi } from "./api-server.ts";
import { openPage } from "./browser.ts";
import { startFleet } from "./fleet.ts";
import { writeRelease } from "./release.ts";
import { suite } from "./suite.ts";

const password = "correct horse";
const content = "the agent of this release";

suite("updating on the page", ({ test }) => {
  test(
    "outdated agents are marked, one click and a yes make a job of them, and others are left alone",
    async (scope) => {
      const fleet = await startFleet(scope, "embedded");
      for (const [name, role] of [
        ["admin", "admin"],
        ["vera", "viewer"],
      ] as const)
        fleet.state.accounts.set(name, role, password);
      const release = await writeRelease(scope, [{ name: "muster-agent.cjs", content }], { release: "9.9.9" });
      const page = new URL("../dist/web", import.meta.url).pathname;
      const { url } = await serveApi(scope, fleet, { page, join: { release } });
      const build = createHash("sha256").update(content).digest("hex").slice(0, 16);
      for (const [device, its] of [
        ["rpi-7", "0".repeat(16)],
        ["rpi-8", build],
      ] as const) {
        const agent = fleet.newAgent(device, { update: { state: "", base: "", roots: [], build: its } });
        agent.handle("update", { title: "Update", run: () => ({ updated: true }) });
        agent.start();
        await fleet.sees(device, true);
      }
      const { page: seen, complaints } = await openPage(scope);
      const logIn = async (name: string): Promise<void> => {
        await seen.goto(url);
        await seen.getByTestId("login-name").fill(name);
        await seen.getByTestId("login-password").fill(password);
        await seen.getByTestId("login-submit").click();
        await seen.getByTestId("outdated-rpi-7").waitFor();
      };
      await logIn("vera");
      assert.is(await seen.getByTestId("outdated-rpi-8").count(), 0);
      await seen.getByTestId("outdated-note").getByText("1 agent can be updated to release 9.9.9.").waitFor();
      assert.is(await seen.getByTestId("update-button").count(), 0, "a viewer updates nothing");

      await seen.context().clearCookies();
      await logIn("admin");
      await seen.getByTestId("device-rpi-7").getByRole("link").click();
      await seen.getByTestId("device-outdated").getByText("not at release 9.9.9").waitFor();
      await seen.goto(url);
      await seen.getByTestId("update-button").click();
      await seen.getByText("goes back to its version of before by itself").waitFor();
      await seen.getByTestId("command-confirm").click();
      await seen.locator('[data-testid="job"][data-state="done"]').waitFor();
      const [job, ...others] = fleet.console.jobs.list(10);
      assert.equal([job?.key, job?.target, others.length], ["update", { devices: ["rpi-7"] }, 0]);
      assert.equal(complaints, []);
    },
    { seconds: 60 },
  );
});
