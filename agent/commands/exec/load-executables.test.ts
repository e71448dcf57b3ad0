import { existsSync } from "node:fs";
import { chmod, chown, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { suite, type Scope } from "../../../test/suite.ts";
import type { Handler } from "../handler.ts";
import { Journal, put, python, shell } from "./fixture.ts";
import { loadExecutables } from "./load-executables.ts";

interface Loaded {
  readonly handlers: Map<string, Handler>;
  /** The log's warnings, as one text. */
  readonly log: string;
}

async function load(directory: string, allow?: readonly string[], signal?: AbortSignal): Promise<Loaded> {
  const log = new Journal();
  const options = { directory, log, clock: systemClock, ...(allow && { allow }), ...(signal && { signal }) };
  const handlers = await loadExecutables(options);
  return { handlers, log: log.sentences.join("\n") };
}

async function loadOne(scope: Scope, text: string, mode?: number): Promise<Loaded> {
  const directory = await scope.directory();
  await put(directory, "it", text, mode);
  return load(directory);
}

suite("executables: what is offered", ({ test }) => {
  test("executables describe themselves, in shell and in Python", async (scope) => {
    const directory = await scope.directory();
    await put(directory, "b", shell("", { title: "Does b", onInterrupt: "rerun", concurrent: true }));
    await put(directory, "a", python("", { title: "Does a", timeout: "2m", args: { type: "object" } }));
    const { handlers, log } = await load(directory);
    assert.equal([...handlers.keys()], ["exec:a", "exec:b"]);
    const { title, onInterrupt, concurrent } = handlers.get("exec:b")!;
    assert.equal({ title, onInterrupt, concurrent }, { title: "Does b", onInterrupt: "rerun", concurrent: true });
    assert.is(handlers.get("exec:a")!.title, "Does a");
    assert.is(log, "");
  });

  test("the allow list chooses, and a name that is not there is said", async (scope) => {
    const directory = await scope.directory();
    for (const name of ["a", "b"]) await put(directory, name, shell(""));
    const { handlers, log } = await load(directory, ["b", "c"]);
    assert.equal([...handlers.keys()], ["exec:b"]);
    assert.is(log, '"c" is allowed but is not in the directory');
  });

  test("what is not allowed is not even asked to describe itself", async (scope) => {
    const directory = await scope.directory();
    const trace = join(directory, "trace");
    await put(directory, "a", `#!/bin/sh\necho ran >'${trace}'\n`);
    await load(directory, []);
    assert.not.ok(existsSync(trace));
  });

  test("a link inside the directory is followed, one that leads out is not", async (scope) => {
    const [directory, elsewhere] = [await scope.directory(), await scope.directory()];
    await put(directory, "real", shell(""));
    await put(elsewhere, "other", shell(""));
    await symlink("real", join(directory, "alias"));
    await symlink(join(elsewhere, "other"), join(directory, "out"));
    await symlink("nowhere", join(directory, "dangling"));
    const { handlers, log } = await load(directory);
    assert.equal([...handlers.keys()], ["exec:alias", "exec:real"]);
    assert.match(log, "exec:out is not offered: it is a link that leads out of the directory");
    assert.match(log, "exec:dangling is not offered: it does not exist");
  });

  test("only regular executable files with valid names, which not everybody can replace", async (scope) => {
    const directory = await scope.directory();
    await mkdir(join(directory, "folder"));
    await put(directory, "notes.txt", "notes", 0o644);
    await put(directory, "open", shell(""), 0o757);
    await put(directory, "group", shell(""), 0o775);
    await put(directory, "Upper", shell(""));
    await put(directory, "a b", shell(""));
    await put(directory, "bare", "echo no interpreter\n");
    await put(directory, ".hidden", shell(""));
    const { handlers, log } = await load(directory);
    assert.is(handlers.size, 0);
    for (const sentence of [
      "exec:folder is not offered: it is not a regular file",
      "exec:notes.txt is not offered: it is not executable; make it so: chmod +x",
      `exec:open is not offered: ${directory}/open is writable by everybody, who could change it; take that away: chmod go-w`,
      `exec:group is not offered: ${directory}/group is writable by its group`,
      'its name "Upper" is not valid',
      'its name "a b" is not valid',
      "exec:bare is not offered: it is a script without a #! line",
    ])
      assert.match(log, sentence);
    assert.not.match(log, "hidden");
  });

  test("nothing that belongs to another user, or that others can write to anywhere above it", async (scope) => {
    const above = await scope.directory();
    const [between, directory] = [join(above, "between"), join(above, "between/commands")];
    await mkdir(directory, { recursive: true });
    await put(directory, "it", shell(""));
    const refused = async (why: RegExp): Promise<void> => {
      const { handlers, log } = await load(directory);
      assert.is(handlers.size, 0);
      assert.match(log, why);
    };
    await chmod(between, 0o775);
    await refused(/no executables are offered: .*between is writable by its group, .* chmod go-w/);
    // As /tmp: others may add to it, but not replace what is there.
    await chmod(between, 0o1777);
    assert.is((await load(directory)).handlers.size, 1);
    await chmod(directory, 0o1777);
    await refused(/commands is writable by everybody/);
    await chmod(directory, 0o755);
    // Only root may give a file away.
    if (process.getuid?.() !== 0) return;
    await chown(join(directory, "it"), 12_345, 12_345);
    await refused(/exec:it is not offered: .*\/it belongs to another user \(12345\)/);
    await chown(join(directory, "it"), 0, 0);
    await chown(between, 12_345, 12_345);
    await refused(/no executables are offered: .*between belongs to another user/);
  });

  test("a directory that everybody can write to, or that is not there, offers nothing", async (scope) => {
    const directory = await scope.directory();
    await put(directory, "a", shell(""));
    await chmod(directory, 0o777);
    const open = await load(directory);
    assert.is(open.handlers.size, 0);
    assert.match(open.log, "writable by everybody");
    const missing = await load(join(directory, "none"));
    assert.match(missing.log, /no executables are offered: ENOENT/);
  });

  const garbage: readonly (readonly [what: string, text: string, reason: string])[] = [
    ["prints no JSON", "#!/bin/sh\necho hello\n", "its description is not one JSON object"],
    ["prints a list", "#!/bin/sh\necho '[]'\n", "its description is not valid"],
    ["prints two documents", "#!/bin/sh\necho '{}{}'\n", "its description is not one JSON object"],
    ["prints nothing", "#!/bin/sh\n", "its description is not one JSON object"],
    ["misspells a key", shell("", { onInterupt: "fail" }), 'Unrecognized key: "onInterupt"'],
    ["names an unknown policy", shell("", { onInterrupt: "maybe" }), "onInterrupt"],
    ["gives a bad timeout", shell("", { timeout: "soon" }), 'its timeout is "soon": expected a duration'],
    ["gives a timeout without a unit", shell("", { timeout: "30" }), 'its timeout is "30": expected a unit'],
    ["has args of no object", shell("", { args: { type: "string" } }), 'expected "type": "object"'],
    [
      "has args of an unknown type",
      shell("", { args: { type: "object", properties: { a: { type: "x" } } } }),
      "Unsupported type: x",
    ],
    [
      "has args that refer elsewhere",
      shell("", { args: { type: "object", properties: { a: { $ref: "http://x" } } } }),
      "External $ref",
    ],
    ["fails", "#!/bin/sh\necho 'no license' >&2\nexit 3\n", '"--describe" ended with exit status 3: no license'],
    ["dies", "#!/bin/sh\nkill -SEGV $$\n", '"--describe" was killed by SIGSEGV'],
    ["prints without end", "#!/bin/sh\nyes\n", '"--describe" printed more than 65536 characters'],
    ["has no interpreter", "#!/nonexistent/interpreter\n", "the interpreter that its #! line names does not exist"],
  ];
  for (const [what, text, reason] of garbage) {
    test(`one that ${what} is left out, and the log says why`, async (scope) => {
      const { handlers, log } = await loadOne(scope, text);
      assert.is(handlers.size, 0);
      assert.match(log, "exec:it is not offered: ");
      assert.ok(log.includes(reason), log);
    });
  }

  test("one that hangs when asked is ended after 5 s, and the others are offered", async (scope) => {
    const directory = await scope.directory();
    await put(directory, "hangs", "#!/bin/sh\nsleep 1000\n");
    await put(directory, "works", shell(""));
    const { handlers, log } = await load(directory);
    assert.equal([...handlers.keys()], ["exec:works"]);
    assert.match(log, '"--describe" did not end within 5s and was ended');
  });

  test("the stop of the agent ends what hangs at once", async (scope) => {
    const directory = await scope.directory();
    await put(directory, "hangs", "#!/bin/sh\nsleep 1000\n");
    const begun = performance.now();
    const { log } = await load(directory, undefined, AbortSignal.timeout(100));
    assert.match(log, "was ended because the agent stops");
    assert.ok(performance.now() - begun < 30_000);
  });

  test("descriptions that the presence could not carry are left out", async (scope) => {
    const directory = await scope.directory();
    const args = { type: "object", description: "x".repeat(9_000) };
    for (const name of ["a", "b"]) await put(directory, name, shell("", { args }));
    await put(directory, "c", shell(""));
    const { handlers, log } = await load(directory);
    assert.equal([...handlers.keys()], ["exec:a", "exec:c"]);
    assert.match(log, "exec:b is not offered: all descriptions together exceed 16384 bytes");
  });
});
