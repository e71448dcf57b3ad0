/// <reference lib="dom" />
import { join } from "node:path";
import * as assert from "uvu/assert";
import { Agent } from "../agent/agent.ts";
import { createClient } from "#api/client";
import type { JobDocument } from "#api/job-routes";
import { openPage } from "./browser.ts";
import { markAgent } from "./marking.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";

/** Muster's own processes, and agents that live in the test and count. */
async function place(scope: Scope) {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: join(await scope.directory(), "data"),
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: password,
  };
  const url = `http://127.0.0.1:${httpPort}`;
  const client = createClient({ url, login: `admin:${password}` });
  const muster = (...args: string[]): Promise<Finished> => runProgram(...musterProgram(args), { env });
  const counts = new Map<string, number>();
  const marks = { hold: undefined as Promise<void> | undefined, broken: new Set<string>() };
  return {
    env,
    url,
    muster,
    counts,
    marks,
    start: (...args: string[]) => new Running(scope, ...musterProgram(args), { env }),
    client,
    agents: async (...names: string[]) => {
      for (const name of names) {
        const secret =
          /\S{20,}/.exec((await muster("enroll", name, "--secret")).out.replaceAll(/\S*[/:]\S*/g, ""))?.[0] ?? "";
        const options = { device: name, url: `mqtt://127.0.0.1:${mqttPort}`, password: secret, interval: 1_000 };
        const agent = markAgent(new Agent({ ...options, mqttVersion: 4 }), name, marks, counts);
        agent.handle("update", { run: (args) => Promise.resolve(args) });
        scope.cleanup(() => agent.stop());
        agent.start();
      }
      await eventually(`${names.join(", ")} online`, async () => {
        const { devices } = await client.listDevices();
        return names.every((name) => devices.some(({ id, online }) => id === name && online));
      });
    },
  };
}

suite("jobs of the programs", ({ test }) => {
  test(
    "the console killed in the middle goes on when it is back: every device served once",
    async (scope) => {
      const { start, agents, client, counts } = await place(scope);
      await start("broker").line(/listens at/);
      const console = start("console");
      await console.line(/page|console|http/i);
      const names = ["d0", "d1", "d2", "d3", "d4", "d5"];
      await agents(...names);
      const { id } = await client.createJob({ key: "mark", target: { where: "id=d*" }, rate: 5, canary: 1 });
      await eventually("the job is under way", () => counts.size >= 2);
      await console.kill("SIGKILL");
      const reached = counts.size;
      assert.ok(reached < 6, String(reached));
      const again = start("console");
      await again.line(/page|console|http/i);
      await eventually("the job's end", async () => (await client.getJob(id)).state === "done", 20);
      assert.equal(
        names.map((name) => counts.get(name)),
        [1, 1, 1, 1, 1, 1],
      );
      assert.is((await client.getJob(id)).counts.succeeded, 6);
    },
    { seconds: 60 },
  );

  test(
    "the command line: send to many, groups, jobs",
    async (scope) => {
      const { start, agents, muster, counts, marks } = await place(scope);
      await start("start").line(/Muster .* is up/);
      await agents("lab-1", "lab-2");
      // Whoever only asks is not kept waiting for who is away.
      for (const [more, ttl] of [
        [[], 5_000],
        [["--ttl", "2m"], 120_000],
      ] as const) {
        const dry = await muster("update", "--where", "id=lab-1", "--dry-run", ...more, "--json");
        assert.is(dry.code, 0, dry.err);
        const looked = JSON.parse(dry.out) as JobDocument;
        assert.equal([looked.args, looked.ttl], [{ dryRun: true }, ttl]);
      }
      const all = await muster("send", "--all", "ping", "--rate", "50");
      assert.is(all.code, 0, all.err);
      for (const name of ["edge-1", "lab-1", "lab-2"])
        assert.match(all.out, new RegExp(`^${name} {2}succeeded {2}`, "m"));
      assert.match(all.out, /^done: all 3 devices succeeded; nothing to do \(\w+\)$/m);
      const single = await muster("send", "lab-1", "ping");
      assert.is(single.code, 0, single.err);
      assert.match(single.out, /"pong": true/);

      assert.match((await muster("group", "lab-1")).out, /lab-1 is in no group/);
      assert.is((await muster("group", "lab-1", "lab", "eu")).out, "eu\nlab\n");
      await muster("group", "lab-2", "lab");
      assert.match((await muster("devices", "--where", "group=eu")).out, /^lab-1 (?![^]*lab-2)/m);
      assert.match((await muster("devices", "--where", "group=eu lab-2")).out, /^no device fits group=eu lab-2$/m);
      const asked = await muster("ask", "group=lab", "group, system.load1", "--sort=-id", "--csv");
      assert.match(asked.out, /^id,group,system.load1\nlab-2,lab,[\d.]*\nlab-1,eu lab,[\d.]*$/m);
      marks.broken.add("lab-2");
      const some = await muster("send", "--group", "lab", "mark", "--canary", "1", "--abort", "failed=50%,min=5");
      assert.is(some.code, 1);
      assert.match(some.out, /^lab-2 {2}failed {2}lab-2 has no disk$/m);
      assert.match(some.out, /^done: ended: 1 of 2 devices succeeded, 1 did not \(1 failed\)/m);
      const partly = await muster("send", "--all", "mark", "--json");
      assert.is(partly.code, 1);
      const document = JSON.parse(partly.out) as JobDocument;
      assert.equal(document.counts.states, { succeeded: 1, failed: 1, rejected: 1 });
      assert.match(document.devices.find(({ device }) => device === "edge-1")?.outcome ?? "", /does not offer "mark"/);
      assert.equal([...counts.values()], [2, 2]);

      const cases: [string[], RegExp][] = [
        [["send", "lab-1"], /expected muster send lab-1 KEY/],
        [["send", "--all", "lab-1", "ping"], /the key stands alone/],
        [["send", "--all", "--group", "lab", "ping"], /exclude one another/],
        [["send", "--all", "ping", "--abort", "20"], /expected for example failed=20%,min=5/],
        [["send", "--all", "ping", "--rate", "fast"], /--rate "fast" is not usable: expected 5, 10\/min or 100\/h/],
        [["send", "--where", "os=", "ping"], /character 4: expected a value/],
        [["devices", "--where", "group=lab so=x"], /character 11: no device tells "so"/],
        [["ask", "group=lab", "a b"], /"a b" is no column/],
        [["ask", "group=lab", "version", "--sort", "load"], /no column "load"; there are id, version/],
        [["send", "--group", "x", "ping"], /no group "x"; the groups are eu, lab/],
        [["send", "--all", "pong"], /none of the 3 devices offers "pong"/],
        [["jobs", "stop", "x"], /expected show, pause, resume or cancel/],
        [["jobs", "pause", "x"], /no job "x"/],
        [["group", "lab-9", "a"], /no device "lab-9"/],
      ];
      for (const [args, message] of cases) {
        const { code, err } = await muster(...args);
        assert.is(code, 1, args.join(" "));
        assert.match(err, message);
      }

      const slow = start("send", "--where", "id=lab-*", "ping", "--rate", "0.01");
      await slow.line(/^lab-1 {2}succeeded/);
      const [id = ""] = /^\w+(?= +ping +running)/m.exec((await muster("jobs")).out) ?? [];
      assert.match((await muster("jobs", "pause", id)).out, /paused by admin: 1 device waits/);
      await slow.line(/^paused: paused by admin/);
      assert.match((await muster("jobs", "resume", id)).out, /^running: sending to 1 more of 2 devices/m);
      assert.match((await muster("jobs", "cancel", id)).out, /cancelled by admin/);
      await slow.line(/^cancelled: cancelled by admin: 1 of 2 devices were withdrawn or never got it/);
      assert.is(await slow.kill("SIGTERM"), 1);
      assert.match((await muster("jobs", "show", id)).out, /^lab-2 +cancelled +never sent: the job was cancelled$/m);
    },
    { seconds: 90 },
  );

  test(
    "on a terminal the table is drawn in place",
    async (scope) => {
      const { start, agents, env } = await place(scope);
      await start("start").line(/Muster .* is up/);
      await agents("lab-1");
      const [program, args] = musterProgram(["send", "--all", "ping", "--rate", "1"]);
      const line = [program, ...args].join(" ");
      const { out, code } = await runProgram("script", ["-qec", line, "/dev/null"], { env });
      assert.is(code, 0, out);
      assert.match(out, /ping \[\.{20}\] 0 succeeded, 0 failed, \d open, \d waiting/);
      assert.match(out, /ping \[#{10}\.{10}\] 1 succeeded/);
      assert.match(out, /\[\d+A/);
      assert.match(out, /done: all 2 devices succeeded/);
    },
    { seconds: 40 },
  );

  test(
    "the page: a job from the form, its table, pause, resume, cancel; on a phone and in the dark",
    async (scope) => {
      const { start, agents, url, marks, muster } = await place(scope);
      await start("start").line(/Muster .* is up/);
      await agents("lab-1", "lab-2");
      await muster("group", "lab-1", "lab");
      const { page, complaints } = await openPage(scope);
      // Queued until the agent's word that it runs has come; how much of that is seen is the page's luck.
      const open = page.locator('[data-testid="job-row-lab-1"]:is([data-state="queued"], [data-state="running"])');
      await page.goto(`${url}/jobs`);
      await page.getByTestId("login-name").fill("admin");
      await page.getByTestId("login-password").fill(password);
      await page.getByTestId("login-submit").click();

      await page.getByTestId("job-key").selectOption("mark");
      await page.getByTestId("job-rate").fill("often");
      await page.getByTestId("job-send").click();
      await page.getByText("Expected 0.01 to 1000 commands a second.").waitFor();
      await page.getByTestId("job-rate").fill("50");
      await page.getByTestId("job-target").selectOption("where");
      await page.getByTestId("job-where").fill("oss=linux");
      await page.getByTestId("job-send").click();
      await page.getByText(/no device tells "oss"/).waitFor();

      let release: (() => void) | undefined;
      marks.hold = new Promise((resolve) => (release = resolve));
      await page.getByTestId("job-where").fill("id=*");
      await page.getByTestId("job-canary").fill("1");
      await page.getByTestId("job-plan").click();
      const planned = page.getByTestId("job-plan-shown");
      await planned.getByText(/at once, .* not at all\. Nothing was sent yet\./).waitFor();
      await planned.getByText("lab-1", { exact: false }).first().waitFor();
      await page.getByTestId("job-send").click();
      await open.waitFor();
      await page.locator('[data-testid="job-row-lab-2"][data-state="waiting"]').waitFor();
      await page.locator('[data-testid="job-row-edge-1"][data-state="rejected"]').waitFor();
      await page.getByTestId("job-pause").click();
      await page.locator('[data-testid="job"][data-state="paused"]').waitFor();
      release?.();
      await page.locator('[data-testid="job-row-lab-1"][data-state="succeeded"]').waitFor();
      await page.getByTestId("job-resume").click();
      await page.locator('[data-testid="job-row-lab-2"][data-state="succeeded"]').waitFor();
      await page.locator('[data-testid="job"][data-state="done"]').waitFor();
      assert.match(
        await page.getByTestId("job-explain").innerText(),
        /2 of 3 devices succeeded, 1 takes no such command and was not asked; nothing to do/,
      );
      assert.is(await page.locator(".job-detail .state").first().innerText(), "Done");
      await page.getByTestId("job-show-skipped").click();
      await page.getByTestId("job-row-lab-1").waitFor({ state: "detached" });

      await page.getByRole("link", { name: "Jobs" }).first().click();
      await page.locator('[data-key="mark"][data-state="done"]').waitFor();
      marks.hold = new Promise(() => {});
      await page.getByTestId("job-key").selectOption("mark");
      await page.getByTestId("job-target").selectOption("group");
      await page.getByTestId("job-group").selectOption("lab");
      await page.getByTestId("job-send").click();
      await open.waitFor();
      await page.getByTestId("job-cancel").click();
      await page.getByTestId("command-confirm").click();
      await page.locator('[data-testid="job-row-lab-1"][data-state="cancelled"]').waitFor();
      await page.locator('[data-testid="job"][data-state="cancelled"]').waitFor();

      const cancelled = page.url();
      await page.getByRole("link", { name: "Jobs" }).first().click();
      await page.getByRole("link", { name: "By the clock" }).click();
      await page.getByTestId("job-name").fill("each night");
      await page.getByTestId("job-zone").fill("Europe/Berlin");
      await page.getByTestId("next-times").getByText(/^Due /).waitFor();
      await page.getByTestId("schedule-make").click();
      const nightly = page.locator('[data-name="each night"]');
      await nightly.getByText("Europe/Berlin; next").waitFor();
      await nightly.getByRole("button", { name: "Pause" }).click();
      await nightly.getByText("Paused").waitFor();
      await nightly.getByRole("button", { name: "Remove each night" }).click();
      await page.getByText("No schedules yet.").waitFor();
      // Chromium writes the refusal above down.
      assert.equal(
        complaints.filter((line) => !line.includes("400")),
        [],
      );

      const phone = await openPage(scope, { width: 360, height: 740, dark: true });
      await phone.page.goto(cancelled);
      await phone.page.getByTestId("login-name").fill("admin");
      await phone.page.getByTestId("login-password").fill(password);
      await phone.page.getByTestId("login-submit").click();
      const overflow = (): Promise<number> =>
        phone.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      await phone.page.getByTestId("job-row-lab-1").waitFor();
      assert.is((await overflow()) <= 0, true);
      await phone.page.getByRole("link", { name: "Jobs" }).first().click();
      await phone.page.getByTestId("job-form").waitFor();
      assert.is((await overflow()) <= 0, true);
      const background = await phone.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const [red = 255] = /\d+/.exec(background)?.map(Number) ?? [];
      assert.ok(red < 80, background);
      assert.equal(phone.complaints, []);
    },
    { seconds: 90 },
  );
});
