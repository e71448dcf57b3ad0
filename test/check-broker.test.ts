import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Transform } from "node:stream";
import { Bench } from "../cli/check-broker/bench.ts";
import { runChecks, type BrokerFinding } from "../cli/check-broker/run-checks.ts";
import { retainedByWildcard } from "../cli/check-broker/retained-checks.ts";
import { brokersVerdict, findingLine } from "../cli/broker-findings.ts";
import { startBroker } from "./broker.ts";
import { startExternal, type Account } from "./brokers.ts";
import { startDefaultMosquitto } from "./mosquitto.ts";
import { musterProgram, runProgram } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const accounts: readonly Account[] = [
  { name: "hub", role: "console", secret: "hub" },
  { name: "rpi-7", role: "device", secret: "rpi-7" },
];

interface Case {
  readonly start: (scope: Scope) => Promise<{ readonly url: string }>;
  /** The lines that are not ✓, by how they begin; all others are. */
  readonly minded: readonly RegExp[];
  /** What some of the others say. */
  readonly good?: readonly RegExp[];
  readonly works: boolean;
}

/** What docs/brokers.md says of each, found by the program. */
const cases: Readonly<Record<string, Case>> = {
  embedded: {
    start: (scope) => startBroker(scope),
    minded: [/^! shared subscriptions +refused/],
    good: [/^✓ MQTT versions +3\.1\.1, and not 5/, /^✓ retained by wildcard +all 1100/, /^✓ isolation/],
    works: true,
  },
  "mosquitto with the shipped settings": {
    start: (scope) => startExternal(scope, "mosquitto", accounts),
    minded: [],
    good: [/^✓ MQTT versions +3\.1\.1 and 5/, /^✓ connections +one for each name/, /^✓ Receive Maximum +100 /],
    works: true,
  },
  "mosquitto as it comes": {
    start: startDefaultMosquitto,
    minded: [
      /^! retained by wildcard +1020 of 1100/,
      /^! delay of a message .*Nagle/,
      /^! strangers +who has no name, and who has a wrong secret/,
      /^✗ isolation +rpi-7 reads .*, writes .*, leaves a will .* throws out/,
    ],
    good: [/^✓ Receive Maximum +20 /, /^✓ shared subscriptions +shared: \d+ and \d+ of 20/],
    works: false,
  },
  nats: {
    start: (scope) => startExternal(scope, "nats", accounts),
    minded: [
      /^! names .*: a space \(the broker has closed the connection\)/,
      /^! shared subscriptions +refused/,
      /^! isolation +nothing .* throws out/,
    ],
    good: [/^✓ MQTT versions +3\.1\.1, and not 5/, /^✓ wills/],
    works: true,
  },
  mochi: {
    start: (scope) => startExternal(scope, "mochi", accounts),
    minded: [
      /^! shared subscriptions +refused/,
      /^✗ isolation +rpi-7 leaves a will on what is another's: .* throws out/,
    ],
    good: [/^✓ MQTT versions +3\.1\.1 and 5/, /^✓ Receive Maximum +1024 /, /^✓ names/],
    works: false,
  },
};

suite("check-broker", ({ test, before }) => {
  const results = new Map<string, readonly BrokerFinding[]>();
  const look = async ({ url }: { url: string }): Promise<readonly BrokerFinding[]> => {
    const second = { username: "rpi-7", password: "rpi-7" };
    return runChecks({ url, root: "muster", username: "hub", password: "hub", second }, () => {});
  };

  // It mostly waits for what should not come: all at once.
  before(async (scope) => {
    const looks = Object.entries(cases).map(async ([name, { start }]) => {
      results.set(name, await look(await start(scope)));
    });
    await Promise.all(looks);
  });

  for (const [name, { minded, good = [], works }] of Object.entries(cases)) {
    test(`${name}: what is to be known of it`, () => {
      const found = results.get(name) ?? [];
      const lines = found.map(findingLine);
      const noted = lines.filter((line) => !line.startsWith("✓"));
      assert.is(lines.length, 13, lines.join("\n"));
      assert.is(noted.length, minded.length, noted.join("\n"));
      for (const one of [...minded, ...good])
        assert.ok(
          lines.some((line) => one.test(line)),
          `${one}\n${lines.join("\n")}`,
        );
      assert.is(!brokersVerdict(found).startsWith("Muster does not work"), works);
    });
  }

  test("where a console runs: what it says to all is no leak, and under its account the look is given up", async (scope) => {
    const { url } = await startExternal(scope, "mosquitto", [
      ...accounts,
      { name: "other", role: "console", secret: "other" },
    ]);
    const login = { clientId: "hub", username: "hub", password: "hub" };
    const link = new Link({ url, ...login, log: silentLog, clock: systemClock });
    scope.cleanup(() => link.stop());
    link.start();
    await eventually("the console's connection", () => link.connected);
    for (const topic of ["muster/console/status", "muster/rpi-7/status"])
      await link.publish(topic, Buffer.from("{}"), { retain: true });
    const lookAs = async (name: string): Promise<readonly [lines: string[], verdict: string]> => {
      const second = { username: "rpi-7", password: "rpi-7" };
      const found = await runChecks({ url, root: "muster", username: name, password: name, second }, () => {});
      return [found.map(findingLine), brokersVerdict(found)];
    };
    const [[beside, works], [under, unknown]] = await Promise.all([lookAs("other"), lookAs("hub")]);
    assert.match(beside.at(-1) ?? "", /^✓ isolation/);
    assert.is(works, "Muster works with this broker");
    assert.match(under.at(-1) ?? "", /^! .*somebody else is connected as hub .* stop it meanwhile, or look again with/);
    assert.match(unknown, /^the look was not finished/);
  });

  test("what a slow broker hands over is counted to its end", async (scope) => {
    const url = await slowWayTo(scope, await startBroker(scope));
    const bench = new Bench({ url, root: "muster", username: "hub", password: "hub" });
    const { says } = await retainedByWildcard.run(bench);
    await bench.close();
    assert.match(says, /^all 1100/);
  });

  test("the program says where nobody answers, and whom the broker does not let in; its exit status tells", async (scope) => {
    const { url, port } = await startBroker(scope);
    const run = (broker: string) => runProgram(...musterProgram(["check-broker", broker]));
    const wrong = await run(url.replace("//", "//hub:wrong@"));
    assert.is(wrong.code, 1, wrong.err);
    assert.match(wrong.out, /^✗ MQTT versions +nobody comes in, .*\nMuster does not work with this broker/);
    assert.not.match(wrong.out, /:wrong/);
    const nobody = await run(`mqtt://127.0.0.1:${port === 1 ? 2 : 1}`);
    assert.is(nobody.code, 1);
    assert.match(nobody.out, /ECONNREFUSED/);
    assert.match((await run("http://x")).err, /expected a URL such as mqtt/);
  });
});

/** A way on which the broker's word comes at some 18 KB a second. */
async function slowWayTo(scope: Scope, { port }: { port: number }): Promise<string> {
  const server = createServer((near: Socket) => {
    const far = connect(port, "127.0.0.1");
    const slowly = new Transform({
      transform: (chunk: Buffer, _, done) => void setTimeout(() => done(null, chunk), chunk.length / 18),
    });
    for (const socket of [near, far]) {
      scope.cleanup(() => socket.destroy());
      socket.on("error", () => {});
    }
    near.pipe(far).pipe(slowly).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => server.close());
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
