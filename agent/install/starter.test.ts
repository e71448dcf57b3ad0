import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite, withDeadline, type Scope } from "../../test/suite.ts";
import { layoutIn, packagedLayout, stateNames } from "./layout.ts";
import { openRcPath, openRcText, plainLine, unitText } from "./service-texts.ts";
import { maxSaidBytes, starterText, thriftyMalloc } from "./starter.ts";

/** Agents that say who they are: the one that was installed, and a version. */
const installed = 'echo installed >> ran\necho "$@" > flags\n';
const proves = "echo new >> ran\nmv trying current\n";

interface Machine {
  readonly directory: string;
  /** Lets the starter run to its end. @returns which agents it has begun, in their order */
  readonly boot: (...flags: string[]) => Promise<{ ran: string[]; status: number | null }>;
  /** What was printed on standard error, which is a socket, as systemd's journal has it. */
  readonly printed: () => string;
  readonly left: () => Promise<Record<string, string>>;
}

/**
 * @param files of the state directory; in these, BASE stands for the checksum of the program
 * @param until which event ends a run: all that was printed has come at "close", for which nobody may be left who could print
 */
async function machine(
  scope: Scope,
  files: Readonly<Record<string, string>>,
  { program = installed, patience = 20, until = "close" } = {},
): Promise<Machine> {
  const directory = await scope.directory();
  const layout = { ...layoutIn(directory, process.execPath), program: join(directory, "installed agent") };
  const executable = async (path: string, text: string): Promise<void> => {
    await writeFile(path, text.startsWith("raw:") ? text.slice(4) : `#!/bin/sh\n${text}`);
    await chmod(path, 0o700);
  };
  await executable(layout.program, program);
  await writeFile(layout.starter, starterText(layout, patience));
  await mkdir(join(directory, "versions"));
  let printed = "";
  const run = async (words: readonly string[]): Promise<[string, number | null]> => {
    const child = spawn("sh", words, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
    scope.cleanup(() => void child.kill("SIGKILL"));
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const [status] = (await withDeadline(once(child, until), 50, words.join(" "))) as [number | null];
    return [out.trim(), status];
  };
  const [base] = await run(["-c", `cksum < '${layout.program}' | tr ' ' -`]);
  for (const [name, text] of Object.entries(files)) {
    if (name.startsWith("versions/")) await executable(join(directory, name), text);
    else await writeFile(join(directory, name), text.replace("BASE", base));
  }
  const left = async (): Promise<Record<string, string>> => {
    const names = (await readdir(directory)).filter((name) => name in stateNames && name !== "versions");
    const texts = names.map(async (name) => [name, (await readFile(join(directory, name), "utf8")).trim()] as const);
    return Object.fromEntries(await Promise.all(texts));
  };
  const boot = async (...flags: string[]): Promise<{ ran: string[]; status: number | null }> => {
    const [, status] = await run(["start.sh", ...flags]);
    const ran = await readFile(join(directory, "ran"), "utf8").catch(() => "");
    return { ran: ran.trim().split("\n"), status };
  };
  return { directory, boot, left, printed: () => printed };
}

const inBothWays = (check: (flags: string[]) => Promise<void>): Promise<unknown> =>
  Promise.all([[], ["--once"]].map(check));

suite("the starter", ({ test }) => {
  test("what it begins is told to be thrifty with memory", async (scope) => {
    const names = Object.keys(thriftyMalloc);
    const { boot } = await machine(
      scope,
      {},
      { program: `echo ${names.map((name) => `$${name}`).join("-")} >> ran\n` },
    );
    assert.equal((await boot("--once")).ran, [Object.values(thriftyMalloc).join("-")]);
  });

  /** What a directory may hold whenever the machine was cut off, and what runs then. */
  const states: Record<string, [files: Record<string, string>, ran: string[], left: string[]]> = {
    nothing: [{}, ["installed"], []],
    "a version in use": [{ current: "v1 BASE\n", "versions/v1": "echo v1 >> ran" }, ["v1"], ["current"]],
    "one without its file": [{ current: "v1 BASE\n" }, ["installed"], ["current"]],
    "one with an empty file": [{ current: "v1 BASE\n", "versions/v1": "raw:" }, ["installed"], ["current"]],
    "one of another program": [{ current: "v1 1-2\n", "versions/v1": "echo v1 >> ran" }, ["installed"], ["current"]],
    "an empty name": [{ current: "", "versions/v1": "echo v1 >> ran" }, ["installed"], ["current"]],
    "a name from elsewhere": [{ current: "../start.sh BASE\n" }, ["installed"], ["current"]],
    "a trial": [{ trial: "v2 BASE\n", "versions/v2": proves }, ["new"], ["current"]],
    "a trial beside a version in use": [
      { current: "v1 BASE\n", trial: "v2 BASE\n", "versions/v1": "echo v1 >> ran", "versions/v2": proves },
      ["new"],
      ["current"],
    ],
    "a trial without its file": [{ trial: "v2 BASE\n" }, ["installed"], ["failed", "why"]],
    "a trial of another program": [{ trial: "v2 1-2\n", "versions/v2": proves }, ["installed"], ["failed", "why"]],
    "cut off in a trial": [
      { current: "v1 BASE\n", trying: "v2 BASE\n", "versions/v1": "echo v1 >> ran", "versions/v2": proves },
      ["v1"],
      ["current", "failed", "why"],
    ],
    "cut off in a trial, and the next one waits": [
      { trying: "v2 BASE\n", trial: "v3 BASE\n", "versions/v3": proves },
      ["new"],
      ["current", "failed", "why"],
    ],
    "a trial that was told to have failed": [
      { failed: "v2 BASE\n", why: "no ack\n" },
      ["installed"],
      ["failed", "why"],
    ],
  };
  for (const [name, [files, ran, left]] of Object.entries(states))
    test(`finds ${name}, and an agent runs`, async (scope) => {
      await inBothWays(async (flags) => {
        const { boot, left: now } = await machine(scope, files);
        assert.equal(await boot(...flags), { ran, status: 0 }, flags.join(""));
        const names = Object.keys(await now()).filter((one) => one !== stateNames.said);
        assert.equal(names.sort(), left);
      });
    });

  /** Versions that cannot prove themselves, and why they cannot. */
  const broken: Record<string, [file: string, text: string, why: RegExp, patience?: number]> = {
    "is cut off in the middle": ["v2.cjs", "raw:require('fs').writeFile(", /ended with status 1 before/],
    "is none for Node": ["v2.cjs", "raw:\u007fELF\u0002\u0001", /ended with status 1 before/],
    "is of another architecture": [
      "v2",
      "raw:\u007fELF\u0002\u0001\u0001\0\0\0\0\0\0\0\0\0\u0002\0\u00f7\0",
      /ended with status 1?2[67]? before/,
    ],
    "crashes at load": ["v2.cjs", "raw:null.x", /ended with status 1 before/],
    "ends as if nothing were wrong": ["v2", "true", /ended with status 0 before/],
    "is killed": ["v2", "kill -9 $$", /ended with status 137 before/],
    "says why itself": ["v2", "echo 'no ack within 60 s' > why; exit 1", /^no ack within 60 s$/],
    "hangs, and does not hear": ["v2.cjs", 'raw:process.on("SIGTERM", () => {}); for (;;);', /within 1 s/, 1],
  };
  for (const [name, [file, text, why, patience]] of Object.entries(broken))
    test(`goes back by itself where a new version ${name}`, async (scope) => {
      await inBothWays(async (flags) => {
        const files = {
          current: "v1 BASE\n",
          "versions/v1": "echo v1 >> ran",
          trial: `${file} BASE\n`,
          [`versions/${file}`]: text,
        };
        const { boot, left } = await machine(scope, files, patience === undefined ? {} : { patience });
        assert.equal(await boot(...flags), { ran: ["v1"], status: 0 }, flags.join(""));
        const now = await left();
        assert.match(now["why"] ?? "", why);
        assert.match(now["failed"] ?? "", new RegExp(`^${file} `));
        assert.match(now["current"] ?? "", /^v1 /);
      });
    });

  const said = async (scope: Scope, text: string, flags: readonly string[], until = "close") => {
    const versions = { trial: "v2.cjs BASE\n", "versions/v2.cjs": `raw:${text}` };
    const { boot, left, printed } = await machine(scope, { ...versions, said: "of another one before it" }, { until });
    assert.equal(await boot(...flags), { ran: ["installed"], status: 0 }, flags.join(""));
    return { said: (await left())["said"] ?? "", why: (await left())["why"], printed: printed() };
  };

  test("keeps what a new version that crashes has said, and hands it on", async (scope) => {
    await inBothWays(async (flags) => {
      const crash = await said(scope, 'console.error("begins"); setTimeout(() => null.x, 1)', flags);
      assert.match(crash.said, /^begins\n[^]*\nTypeError: Cannot read properties of null[^]*\n +at /);
      assert.ok(crash.printed.includes(crash.said), crash.printed);
    });
  });

  test("keeps the end of much, whatever bytes it is made of", async (scope) => {
    const junk = JSON.stringify("\u001b[2J\n'\"$(id)`\\");
    const flood = `const { writeSync } = require("fs"); writeSync(2, Buffer.alloc(${10 * maxSaidBytes}, ${junk}));
      writeSync(2, "\\0the end"); process.exit(3)`;
    const { said: kept, why, printed } = await said(scope, flood, ["--once"]);
    assert.match(why ?? "", /ended with status 3/);
    assert.ok(kept.endsWith("the end") && Buffer.byteLength(kept) <= maxSaidBytes, String(Buffer.byteLength(kept)));
    assert.ok(printed.length > maxSaidBytes, "all of it is handed on");
  });

  test("waits for nobody whom a new version has left behind", async (scope) => {
    const note = join(await scope.directory(), "pid");
    const leaves = `const { spawn } = require("child_process");
      const { pid } = spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "inherit"], detached: true });
      require("fs").writeFileSync("${note}", String(pid)); console.error("left"); process.exit(4);`;
    scope.cleanup(async () => process.kill(Number(await readFile(note, "utf8")), "SIGKILL"));
    const { said: kept, why } = await said(scope, leaves, ["--once"], "exit");
    assert.match(why ?? "", /ended with status 4/);
    assert.is(kept, "left");
  });

  test("begins the agent again by its status: at once when asked for, and not when told to stop", async (scope) => {
    const program = "echo installed >> ran\n[ $(wc -l < ran) -ge 3 ] || exit 75\n";
    const { boot } = await machine(scope, {}, { program });
    assert.equal(await boot(), { ran: ["installed", "installed", "installed"], status: 0 });
    const once = await machine(scope, {}, { program });
    assert.equal(await once.boot("--once"), { ran: ["installed"], status: 75 });
  });

  test("hands flags on, and says where it is", async (scope) => {
    const program = `${installed}echo "$MUSTER_AGENT_STATE $MUSTER_AGENT_BASE $MUSTER_AGENT_TRIAL" > told\n`;
    const { boot, directory } = await machine(scope, {}, { program });
    await boot("--once", "--log-level", "debug");
    assert.is((await readFile(join(directory, "flags"), "utf8")).trim(), `--data ${directory}/data --log-level debug`);
    assert.match(await readFile(join(directory, "told"), "utf8"), new RegExp(`^${directory} \\d+-\\d+ \n$`));
  });

  test("passes a signal on, ends with the agent, and counts a trial that was stopped as none", async (scope) => {
    const waits = "trap 'exit 0' TERM\necho waits >> ran\nwhile :; do sleep 0.05; done\n";
    const { directory, left } = await machine(scope, { trial: "v2 BASE\n", "versions/v2": waits });
    const child = spawn("sh", ["start.sh", "--once"], { cwd: directory, stdio: "ignore" });
    scope.cleanup(() => void child.kill("SIGKILL"));
    const ended = once(child, "exit");
    while (!(await readFile(join(directory, "ran"), "utf8").catch(() => ""))) await new Promise(setImmediate);
    child.kill("SIGTERM");
    assert.equal(await withDeadline(ended, 30, "the starter's end"), [0, null]);
    assert.match((await left())["why"] ?? "", /was stopped before/);
  });
});

suite("what service managers are told", ({ test }) => {
  test("systemd, OpenRC and a shell start the starter, as whoever is meant, with the agent's flags", () => {
    const odd = { ...packagedLayout, starter: '/opt/50% "a" $b/start.sh' };
    assert.match(unitText(odd), /^ExecStart=\/bin\/sh "\/opt\/50%% \\"a\\" \$\$b\/start.sh" --once$/m);
    const unit = unitText(packagedLayout, { user: "muster", flags: ["--config", "/etc/muster/agent.toml"] });
    assert.match(
      unit,
      /^ExecStart=\/bin\/sh \/usr\/lib\/muster-agent\/start.sh --once --config \/etc\/muster\/agent.toml$/m,
    );
    assert.match(unit, /^User=muster$/m);
    const script = openRcText(packagedLayout, { user: "muster" });
    assert.match(script, /^command_args='\/usr\/lib\/muster-agent\/start.sh --once'\ncommand_user=muster$/m);
    assert.match(openRcPath, /^\/etc\/init.d\//);
    assert.is(plainLine(odd), `sh '/opt/50% "a" $b/start.sh'`);
  });

  test("a shell reads OpenRC's script and the plain line, whatever the directory is called", async (scope) => {
    const directory = join(await scope.directory(), `an agent's 100% $HOME "q" \`x\``);
    await mkdir(directory);
    const layout = layoutIn(directory, process.execPath);
    const [script, line] = [join(directory, "openrc"), join(directory, "line")];
    const flags = ["--join-file", "/a b/$c"];
    await writeFile(script, openRcText(layout, { flags }));
    await writeFile(line, `${plainLine(layout, { flags })}\n`);
    await writeFile(layout.starter, `printf '[%s]' "$@"\n`);
    // As supervise-daemon has it: the script is read, its `depend` asked, and the words of its command are read once more.
    const manager = `need() { :; }; use() { :; }; . "$0"; depend; cd "$directory" && eval "$command $command_args"`;
    for (const [words, told] of [
      [["-c", manager, script], "[--once][--join-file][/a b/$c]"],
      [[line], "[--join-file][/a b/$c]"],
    ] as const) {
      const child = spawn("sh", words, { stdio: ["ignore", "pipe", "inherit"] });
      let out = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
      await withDeadline(once(child, "close"), 30, "the shell");
      assert.is(out, told);
    }
  });
});
