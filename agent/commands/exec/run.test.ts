import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { encode, payloadCap } from "#shared/codec";
import type { Args } from "#shared/messages/command-messages";
import type { Json } from "#shared/messages/payload-schema";
import { suite } from "../../../test/suite.ts";
import { handlerOf, Journal, put, python, Run, shell } from "./fixture.ts";
import { loadExecutables } from "./load-executables.ts";

suite("executables: what a run tells", ({ test }) => {
  test("lines are output, progress lines are progress, the last JSON line is the result", async (scope) => {
    const body = `echo starting; echo '{"progress":0.5,"note":"half"}'; echo '{"early":true}'; echo warning >&2
printf '%s\\n' done '{"progress":1}' '{"kept":3}'`;
    const run = new Run();
    assert.equal(await run.start(await handlerOf(scope, shell(body))), { kept: 3 });
    assert.equal(run.progress, [
      [0.5, "half"],
      [1, undefined],
    ]);
    assert.equal(run.output.split("\n").sort(), ["", "done", "starting", "warning", '{"early":true}']);
  });

  const results: readonly (readonly [printed: string, result: Json | undefined, output: string])[] = [
    ["", undefined, ""],
    ["plain", undefined, "plain\n"],
    ["[1,2]", [1, 2], ""],
    ["42", 42, ""],
    ["null", null, ""],
    ["42 apples", undefined, "42 apples\n"],
    ['{"progress":2}', { progress: 2 }, ""],
    ['{"progress":"half"}', { progress: "half" }, ""],
    ['{"a":1}\nafter', { a: 1 }, '{"a":1}\nafter\n'],
    ['{"a":1}\n{"a":2}\n', { a: 2 }, '{"a":1}\n'],
    ['windows\r\n"x"\r\n', "x", "windows\n"],
    ["größer ✓", undefined, "größer ✓\n"],
  ];
  for (const [printed, result, output] of results) {
    test(`result and output of ${JSON.stringify(printed)}`, async (scope) => {
      const run = new Run();
      assert.equal(await run.start(await handlerOf(scope, shell(`printf '%s' '${printed}'`))), result);
      assert.is(run.output, output);
    });
  }

  test("arguments arrive byte for byte as one line, and nothing of them is run", async (scope) => {
    const args: Args = {
      text: `$(touch pwned) \`touch pwned\` ; rm -rf . | & > < * ? ~ ! # ' " \\ \\n %s $HOME`,
      lines: "one\ntwo\r\n\u2028\t\u0000end",
      umlauts: "äöü 日本語 🚀",
      "--describe": ["-rf", "", null, 1.5, true],
    };
    const directory = await scope.directory();
    await put(directory, "it", shell(`cat >input; echo "$# $0"; ls`));
    const handlers = await loadExecutables({ directory, log: new Journal(), clock: systemClock });
    const run = new Run();
    await run.start(handlers.get("exec:it")!, args);
    assert.is(await readFile(join(directory, "input"), "utf8"), `${JSON.stringify(args)}\n`);
    assert.is(run.output, `0 ${join(directory, "it")}\ninput\nit\n`);
  });

  test("huge arguments are read, or left unread", async (scope) => {
    const args = { blob: "x".repeat(3_000_000) };
    const counts = await handlerOf(scope, python(`print(len(json.load(sys.stdin)["blob"]))`));
    assert.is(await new Run().start(counts, args), 3_000_000);
    assert.is(await new Run().start(await handlerOf(scope, shell("echo 1")), args), 1);
    assert.is(await new Run().start(await handlerOf(scope, shell("exec <&-; echo 2")), args), 2);
  });

  test("of the agent's environment it gets four variables, and who sent the command", async (scope) => {
    process.env["MUSTER_PASSWORD"] = "secret";
    scope.cleanup(() => delete process.env["MUSTER_PASSWORD"]);
    const directory = await scope.directory();
    await put(directory, "it", shell("env"));
    const options = { directory, log: new Journal(), clock: systemClock, device: "rpi-7" };
    const run = new Run();
    await run.start((await loadExecutables(options)).get("exec:it")!);
    const got = run.output.split("\n").filter((line) => !/^(PWD|OLDPWD|SHLVL|_)?=|^$/.test(line));
    const passed = ["PATH", "HOME", "LANG", "TMPDIR"].filter((name) => process.env[name] !== undefined);
    const expected = passed.map((name) => `${name}=${process.env[name]}`);
    assert.equal(
      got.sort(),
      [...expected, "MUSTER_BY=ann", `MUSTER_COMMAND_ID=${run.id}`, "MUSTER_DEVICE=rpi-7"].sort(),
    );
  });

  test("a sender's name with control characters does not stop it from starting", async (scope) => {
    const handler = await handlerOf(scope, shell('echo "by $MUSTER_BY"'));
    const output: string[] = [];
    await handler.run(
      {},
      {
        command: { id: new Run().id, key: "exec:it", by: "a\u0000n\nn" },
        signal: new AbortController().signal,
        progress() {},
        output: (chunk) => void output.push(chunk),
        afterwards() {},
      },
    );
    assert.equal(output, ["by ann\n"]);
  });

  test("10 MB without a newline are cut, and the cut is said", async (scope) => {
    const run = new Run();
    await run.start(await handlerOf(scope, shell("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo end")));
    assert.is(run.output, `${"x".repeat(65_536)} [9934464 characters cut]\nend\n`);
  });

  test("a result that no reply could carry is left out, and says so", async (scope) => {
    const large = await handlerOf(scope, python(`print(json.dumps(["x" * 40000]))`));
    const larger = await handlerOf(scope, python(`print(json.dumps(["x" * 400000]))`));
    const deep = await handlerOf(scope, python(`print("[" * 13 + "]" * 13)`));
    for (const handler of [large, larger, deep])
      assert.match(JSON.stringify(await new Run().start(handler)), "the result is larger than 31744 bytes");
    const fits = await new Run().start(await handlerOf(scope, python(`print(json.dumps("x" * 31700))`)));
    const reply = {
      id: "0".repeat(63),
      ts: Date.now(),
      boot: "0".repeat(64),
      ms: 0.1,
      state: "succeeded",
      result: fits,
    };
    assert.ok(encode(reply, "json").length < payloadCap);
  });

  test("a schema is enforced before anything runs, and its defaults are handed over", async (scope) => {
    const args = { type: "object", properties: { days: { type: "integer", default: 7 } } };
    const handler = await handlerOf(scope, shell("cat", { args }));
    assert.equal(await new Run().start(handler, {}), { days: 7 });
    assert.throws(() => void new Run().start(handler, { days: "many" }), /args is not valid: days/);
  });
});
