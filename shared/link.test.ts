import { createServer, type Socket } from "node:net";
import * as assert from "uvu/assert";
import { parser, generate, type Packet } from "mqtt-packet";
import { minSpread } from "#shared/back-off";
import { maxTurnsOfBytes, pingTimer, type SignOfLife } from "./keep-alive.ts";
import { ManualClock, systemClock } from "#shared/clock";
import { Link, toldAgain, type LinkOptions } from "#shared/link";
import { silentLog } from "#shared/log";
import { pieceEvery, pieceBytes } from "#shared/small-writes";
import { SendWindow } from "#shared/send-window";
import { freePort } from "../test/mosquitto.ts";
import { eventually, suite, withDeadline, type Scope } from "../test/suite.ts";

/** Stands still, and tells when somebody waits for it. */
class AwaitedClock extends ManualClock {
  #tell = (): void => {};

  armed(): Promise<void> {
    return new Promise((resolve) => (this.#tell = resolve));
  }

  override after(ms: number, run: () => void): () => void {
    const cancel = super.after(ms, run);
    this.#tell();
    return cancel;
  }
}

/** A server that shows each packet, and answers what it is told to: what a broker may do, and no broker does when asked. */
async function peer(
  scope: Scope,
  answer: (packet: Packet, send: (packet: Packet) => void, socket: Socket) => void,
  port = 0,
): Promise<{ url: string; seen: Packet[] }> {
  const seen: Packet[] = [];
  const server = createServer((socket) => {
    scope.cleanup(() => socket.destroy());
    socket.on("error", () => {});
    let version: 3 | 4 | 5 = 4;
    const reading = parser();
    reading.on("error", () => socket.destroy());
    reading.on("packet", (packet: Packet) => {
      seen.push(packet);
      if (packet.cmd === "connect") version = packet.protocolVersion ?? 4;
      answer(packet, (one) => void socket.write(generate(one, { protocolVersion: version })), socket);
    });
    socket.on("data", (bytes) => reading.parse(bytes));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  scope.cleanup(() => new Promise((resolve) => server.close(resolve)));
  return { url: `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`, seen };
}

function linkTo(scope: Scope, url: string, options: Partial<LinkOptions> = {}): { link: Link; said: string[] } {
  const said: string[] = [];
  const log = { ...silentLog, warn: (_: object, text: string) => void said.push(text) };
  const common = { clientId: "hub", username: "hub", password: "hub", version: "auto", random: () => 0 } as const;
  const link = new Link({ url, log, clock: systemClock, ...common, ...options });
  scope.cleanup(() => link.stop());
  link.start();
  return { link, said };
}

const welcome = (properties = {}): Packet => ({
  cmd: "connack",
  reasonCode: 0,
  returnCode: 0,
  sessionPresent: false,
  properties,
});

suite("the window of unacknowledged messages", ({ test }) => {
  test("so many are out at once, the others in their order", () => {
    const window = new SendWindow(2);
    const sent: number[] = [];
    for (let n = 1; n <= 5; n++) window.acquire(() => sent.push(n));
    assert.equal(sent, [1, 2]);
    window.release();
    assert.equal(sent, [1, 2, 3]);
    window.allow(3);
    assert.equal(sent, [1, 2, 3, 4]);
    for (let n = 0; n < 4; n++) window.release();
    assert.equal(sent, [1, 2, 3, 4, 5]);
    assert.is(window.isFull, false);
  });
});

suite("link", ({ test }) => {
  test("it keeps to what the broker takes at once, and goes on with each acknowledgement", async (scope) => {
    const acks: (() => void)[] = [];
    const { url, seen } = await peer(scope, (packet, send) => {
      if (packet.cmd === "connect") send(welcome({ receiveMaximum: 3 }));
      if (packet.cmd === "publish" && packet.qos === 1)
        acks.push(() => send({ cmd: "puback", reasonCode: 0, ...id(packet) }));
    });
    const { link } = linkTo(scope, url);
    await eventually("the connection", () => link.connected);
    const published = Array.from({ length: 10 }, (_, at) => link.publish(`muster/a/cmd/${at}`, Buffer.from("x")));
    await link.publish("muster/console/stats/x", Buffer.from("1"), { qos: 0 });
    const out = (): number => seen.filter(({ cmd }) => cmd === "publish").length - 1;
    await eventually("the first three", () => out() === 3);
    for (let n = 4; n <= 10; n++) {
      acks.shift()?.();
      await eventually(`number ${n}`, () => out() === n);
    }
    for (const ack of acks.splice(0)) ack();
    await Promise.all(published);
    const topics = seen.flatMap((one) => (one.cmd === "publish" && one.qos === 1 ? [one.topic] : []));
    assert.equal(
      topics,
      published.map((_, at) => `muster/a/cmd/${at}`),
    );
  });

  test("where nothing is acknowledged any more it connects anew, and what waited is given back", async (scope) => {
    let connects = 0;
    const { url } = await peer(scope, (packet, send) => {
      if (packet.cmd !== "connect") return;
      connects += 1;
      send(welcome({ receiveMaximum: 1 }));
    });
    const { link } = linkTo(scope, url, { publishDeadline: 50 });
    await eventually("the connection", () => link.connected);
    const [first, second] = await Promise.allSettled(["a", "b"].map((topic) => link.publish(topic, Buffer.from("x"))));
    assert.match(String((first as PromiseRejectedResult).reason), /no PUBACK for a within 50 ms/);
    assert.match(String((second as PromiseRejectedResult).reason), /no connection .* no PUBACK for a/);
    await eventually("another connection", () => connects === 2);
  });

  test("why a broker ends a connection is said, and why it lets nobody subscribe", async (scope) => {
    const full = await peer(scope, (packet, send, socket) => {
      if (packet.cmd === "connect") send(welcome());
      if (packet.cmd !== "publish") return;
      send({ cmd: "disconnect", reasonCode: 0x97, properties: { reasonString: "too much for today\u001b[2J" } });
      socket.end();
    });
    const cut = linkTo(scope, full.url);
    await eventually("the connection", () => cut.link.connected);
    await cut.link.publish("a", Buffer.from("x")).catch(() => {});
    await eventually("the reason", () =>
      cut.said.some((line) => /ended the connection \(Quota exceeded: too much for today.\[2J\)/.test(line)),
    );
    const strict = await peer(scope, (packet, send) => {
      if (packet.cmd === "connect") send(welcome());
      if (packet.cmd === "subscribe") send({ cmd: "suback", granted: [0x87], ...id(packet) });
    });
    const denied = linkTo(scope, strict.url);
    denied.link.subscribe(["muster/+/status"], () => {});
    await eventually("the sentence", () =>
      denied.said.some((line) =>
        line.includes('the broker does not let "hub" subscribe to muster/+/status: check its access rules'),
      ),
    );
  });

  test("what is no broker is named: a web server, a port of TLS", async (scope) => {
    for (const [greeting, sentence] of [
      ["HTTP/1.1 400 Bad Request\r\n\r\n", /a web server answers there, and no MQTT broker/],
      [Buffer.from([0x15, 3, 1, 0, 2, 2, 70]), /TLS is spoken there: use mqtts/],
    ] as const) {
      const { url } = await peer(scope, (_packet, _send, socket) => socket.end(greeting));
      const { said } = linkTo(scope, url);
      await eventually("its name", () => said.some((line) => sentence.test(line)));
    }
  });

  test("a broker that is away is asked within the fleet's bound however long it was away, and the log is not filled with it", async (scope) => {
    const clock = new AwaitedClock();
    const port = await freePort();
    let armed = clock.armed();
    const { link, said } = linkTo(scope, `mqtt://127.0.0.1:${port}`, { clock, version: 4, random: () => 1 });
    const missATry = async (): Promise<void> => {
      await withDeadline(armed, 20, "the next try to be arranged");
      armed = clock.armed();
      clock.advance(minSpread);
    };
    for (let away = 0; away < 2 * toldAgain; away += minSpread) await missATry();
    assert.is(said.length, 2, said.join("\n"));
    assert.match(said[0] ?? "", /ECONNREFUSED.*; next try in 250 ms/);
    await withDeadline(armed, 20, "the next try to be arranged");
    await peer(scope, (packet, send) => packet.cmd === "connect" && send(welcome()), port);
    clock.advance(minSpread);
    await eventually("the connection", () => link.connected);
  });

  test("a broker that closed version 5 early is asked for it again", async (scope) => {
    let closed = 0;
    const { url, seen } = await peer(scope, (packet, send, socket) => {
      // Two early ends: of a broker that was just going.
      if (packet.cmd === "connect" && closed++ < 2) socket.end();
      else if (packet.cmd === "connect") send(welcome());
    });
    const { link } = linkTo(scope, url);
    await eventually("the connection", () => link.connected);
    const versions = seen.flatMap((one) => (one.cmd === "connect" ? [one.protocolVersion] : []));
    assert.equal(versions, [5, 4, 5]);
  });
});

function id({ messageId }: Packet): { messageId: number } {
  return { messageId: messageId ?? 0 };
}

suite("a link that nobody answers", ({ test }) => {
  test("pings more often on the next connection, and writes small pieces where a large packet was on its way", async (scope) => {
    const clock = new ManualClock();
    clock.advance(60_000);
    const sizes: number[] = [];
    const { url, seen } = await peer(scope, (packet, send, socket) => {
      if (packet.cmd !== "connect") return;
      socket.on("data", (bytes: Buffer) => void sizes.push(bytes.length));
      send(welcome());
    });
    const { link } = linkTo(scope, url, { clock, version: 4 });
    const rounds = (): number[] => seen.flatMap((one) => (one.cmd === "connect" ? [one.keepalive ?? 0] : []));
    const die = async (after: number): Promise<void> => {
      await eventually("the connection", () => link.connected);
      const before = rounds().length;
      for (let at = 0; at < after; at += 1) clock.advance(500);
      await eventually("another connection", () => {
        clock.advance(500);
        return rounds().length > before;
      });
    };
    await die(90);
    assert.equal(rounds(), [30, 30], "it is not known yet whether the network is there");
    await die(90);
    assert.equal(rounds(), [30, 30, 20]);
    await eventually("the connection", () => link.connected);
    await link.publish("muster/a/metrics", Buffer.alloc(3_000), { qos: 0 });
    await die(60);
    await eventually("the connection", () => link.connected);
    sizes.length = 0;
    void link.publish("muster/a/metrics", Buffer.alloc(3_000), { qos: 0 });
    await eventually("all of it", () => {
      clock.advance(pieceEvery);
      return sizes.reduce((sum, size) => sum + size, 0) >= 3_000;
    });
    assert.ok(Math.max(...sizes) <= 2 * pieceBytes, String(sizes));
  });
});

suite("a link whose ping is answered late", ({ test }) => {
  /** Half of the keep-alive: the first is nothing, the second a ping, and the third the end. */
  const turn = 15_000;

  test("lives on as long as anything comes, and pings again", async (scope) => {
    const clock = new ManualClock();
    let tell = (): void => {};
    const { url, seen } = await peer(scope, (packet, send) => {
      if (packet.cmd === "connect") send(welcome());
      if (packet.cmd === "subscribe") send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [1] });
      tell = () => send({ cmd: "publish", topic: "muster/a/status", payload: "x", qos: 0, dup: false, retain: false });
    });
    const pings = (): number => seen.filter(({ cmd }) => cmd === "pingreq").length;
    const { link, said } = linkTo(scope, url, { clock, version: 4 });
    let heard = 0;
    link.subscribe(["muster/+/status"], () => void (heard += 1));
    await eventually("the connection", () => link.connected);
    clock.advance(2 * turn);
    for (let round = 1; round <= 3; round += 1) {
      await eventually(`ping ${round}`, () => pings() === round);
      tell();
      await eventually("a message", () => heard === round);
      clock.advance(turn);
    }
    await eventually("one more ping", () => pings() === 4);
    assert.equal([link.connected, said], [true, []]);
    clock.advance(turn);
    await eventually("the end, of silence", () => !link.connected);
    assert.match(said.join(" "), /Keepalive timeout|silent/);
  });

  for (const [what, signs, end] of [
    ["packets", Array.from({ length: 12 }, () => "packet"), "lives"],
    ["bytes, and no packet of them ends", Array.from({ length: maxTurnsOfBytes + 1 }, () => "bytes"), "ends"],
    [
      "bytes for as long as a large packet may take",
      [...Array.from({ length: maxTurnsOfBytes }, () => "bytes"), "packet"],
      "lives",
    ],
    ["nothing", ["none"], "ends"],
  ] as readonly (readonly [string, readonly SignOfLife[], "lives" | "ends"])[])
    test(`where there come ${what}, it ${end}`, async () => {
      const clock = new ManualClock();
      let sign: SignOfLife = "none";
      let [runs, pings] = [0, 0];
      const timer = pingTimer({ clock, signs: { take: () => sign }, ping: () => void (pings += 1) });
      const id = timer.set(() => void (runs += 1), turn);
      clock.advance(2 * turn);
      assert.is(runs, 2, "its own two");
      for (const [at, next] of signs.entries()) {
        sign = next;
        clock.advance(turn);
        const isEnd = end === "ends" && at === signs.length - 1;
        await eventually(`turn ${at + 1}`, () => pings + runs === 3 + at);
        assert.is(runs, isEnd ? 3 : 2);
      }
      timer.clear(id);
    });

  test("reads what has come before it gives up", async (scope) => {
    const clock = new ManualClock();
    let [answered, left] = [0, 0];
    const { url } = await peer(scope, (packet, send, socket) => {
      if (packet.cmd === "connect") send(welcome());
      socket.once("close", () => (left += 1));
      if (packet.cmd !== "pingreq") return;
      send({ cmd: "pingresp" });
      // Nobody could read it meanwhile.
      clock.advance(turn);
      answered += 1;
    });
    const { link } = linkTo(scope, url, { clock, version: 4 });
    await eventually("the connection", () => link.connected);
    for (let round = 1; round <= 3; round += 1) {
      clock.advance(2 * turn);
      await eventually("its answer", () => answered >= round);
    }
    assert.equal([link.connected, left], [true, 0]);
  });
});

suite("a network that comes and goes", ({ test }) => {
  test("a captive portal and connections that are cut are tried again until a broker is there", async (scope) => {
    const clock = new ManualClock();
    let answers = 0;
    const { url } = await peer(scope, (packet, send, socket) => {
      if (packet.cmd !== "connect") return;
      answers += 1;
      if (answers <= 2) return void socket.end("HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n");
      if (answers <= 5) return void socket.destroy();
      send(welcome());
    });
    const { link, said } = linkTo(scope, url, { clock, version: 4 });
    await eventually("the broker", () => {
      clock.advance(1_000);
      return link.connected;
    });
    assert.is(answers, 6);
    assert.ok(
      said.some((line) => /web server/.test(line)),
      said.join("\n"),
    );
  });
});
