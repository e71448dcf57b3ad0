import * as assert from "uvu/assert";
import type { Bus, Message } from "#shared/bus";
import { systemClock } from "#shared/clock";
import { DisconnectedError } from "#shared/errors";
import { Link } from "#shared/link";
import { maxReadTurn } from "#shared/link-subscriptions";
import { silentLog } from "#shared/log";
import { startMosquitto } from "../test/mosquitto.ts";
import { eventually, suite, withDeadline, type Scope } from "../test/suite.ts";
import { login, startBroker } from "../test/broker.ts";

/** Gives a bus that is up, and what stops its broker. */
type MakeBus = (scope: Scope) => Promise<{ bus: Bus; stop: () => Promise<void> }>;

const local: MakeBus = async (scope) => {
  const { broker } = await startBroker(scope);
  return { bus: broker.local(), stop: () => broker.stop() };
};

const link: MakeBus = async (scope) => {
  const { broker, url } = await startBroker(scope);
  return { bus: await linkTo(scope, url), stop: () => broker.stop() };
};

const linkToMosquitto: MakeBus = async (scope) => {
  const mosquitto = await startMosquitto(scope, { accounts: [{ name: "hub", role: "console", secret: "hub" }] });
  return { bus: await linkTo(scope, mosquitto.url), stop: () => mosquitto.stop() };
};

busSuite("bus in process", local);
busSuite("bus over a socket", link);
busSuite("bus over a socket to mosquitto", linkToMosquitto);

function busSuite(name: string, makeBus: MakeBus): void {
  suite(name, ({ test }) => {
    test("a message comes back to the subscriber, byte for byte", async (scope) => {
      const { bus } = await makeBus(scope);
      const inbox = new Inbox(bus, ["muster/+/metrics"]);
      await ready(bus);
      const payload = Buffer.from([0xa0, 0x00, 0xff]);
      await bus.publish("muster/rpi-7/metrics", payload, { qos: 0 });
      const message = await inbox.next();
      assert.is(message.topic, "muster/rpi-7/metrics");
      assert.equal(message.payload, payload);
      assert.is(message.retain, false);
    });

    test("what was retained comes first, marked so", async (scope) => {
      const { bus } = await makeBus(scope);
      await bus.publish("muster/rpi-7/status", Buffer.from("there"), { retain: true });
      await ready(bus);
      const inbox = new Inbox(bus, ["muster/+/status"]);
      const message = await inbox.next();
      assert.is(message.payload.toString(), "there");
      assert.is(message.retain, true);
      await bus.publish("muster/rpi-7/status", Buffer.alloc(0), { retain: true });
      assert.is((await inbox.next()).payload.length, 0);
      const late = new Inbox(bus, ["muster/+/status"]);
      await ready(bus);
      assert.is(late.count, 0, "an empty payload forgets it");
    });

    test("messages keep their order", async (scope) => {
      const { bus } = await makeBus(scope);
      const inbox = new Inbox(bus, ["muster/rpi-7/reply/+"]);
      await ready(bus);
      const numbers = Array.from({ length: 500 }, (_, at) => String(at));
      await Promise.all(numbers.map((number) => bus.publish(`muster/rpi-7/reply/${number}`, Buffer.from(number))));
      const got: string[] = [];
      while (got.length < numbers.length) got.push((await inbox.next()).payload.toString());
      assert.equal(got, numbers);
    });

    test("two filters of one subscription that match give one message", async (scope) => {
      const { bus } = await makeBus(scope);
      const inbox = new Inbox(bus, ["muster/+/ack", "muster/rpi-7/#"]);
      await ready(bus);
      await bus.publish("muster/rpi-7/ack", Buffer.from("one"));
      await bus.publish("muster/rpi-7/ack", Buffer.from("two"));
      assert.is((await inbox.next()).payload.toString(), "one");
      assert.is((await inbox.next()).payload.toString(), "two");
    });

    test("a subscription that is ended gets what came before, and nothing more", async (scope) => {
      const { bus } = await makeBus(scope);
      const [got, others]: [string[], string[]] = [[], []];
      const end = bus.subscribe(["muster/+/ack", "muster/+/reply/+"], async ({ payload }) => {
        await new Promise((resolve) => setImmediate(resolve));
        got.push(payload.toString());
      });
      bus.subscribe(["muster/+/refused"], ({ payload }) => void others.push(payload.toString()));
      await ready(bus);
      const sent = Array.from({ length: 20 }, (_, at) => String(at));
      await Promise.all(sent.map((one) => bus.publish("muster/rpi-7/ack", Buffer.from(one))));
      await end();
      await eventually("all that came before", () => got.length === sent.length);
      await bus.publish("muster/rpi-7/ack", Buffer.from("late"));
      await bus.publish("muster/rpi-7/reply/1", Buffer.from("late"));
      await bus.publish("muster/rpi-7/refused", Buffer.from("last"));
      await eventually("the other one's message", () => others.length === 1);
      assert.equal(got, sent);
    });

    test("a listener that fails or throws harms neither the next message nor the others", async (scope) => {
      const { bus } = await makeBus(scope);
      bus.subscribe(["muster/rpi-7/#"], () => {
        throw new Error("thrown");
      });
      bus.subscribe(["muster/rpi-7/#"], () => Promise.reject(new Error("rejected")));
      const inbox = new Inbox(bus, ["muster/rpi-7/#"]);
      await ready(bus);
      await bus.publish("muster/rpi-7/ack", Buffer.from("one"));
      await bus.publish("muster/rpi-7/ack", Buffer.from("two"));
      assert.is((await inbox.next()).payload.toString(), "one");
      assert.is((await inbox.next()).payload.toString(), "two");
    });

    test("it says when it is up and when no longer, and then refuses", async (scope) => {
      const { bus, stop } = await makeBus(scope);
      const seen: boolean[] = [];
      const down = new Promise<void>((resolve) =>
        bus.onConnection((change) => {
          seen.push(change.up);
          if (!change.up) resolve();
        }),
      );
      await stop();
      await withDeadline(down, 20, "the bus to go down");
      assert.equal(seen, [true, false]);
      assert.is(bus.connected, false);
      const error = await bus.publish("muster/rpi-7/ack", Buffer.from("x")).catch((thrown: unknown) => thrown);
      assert.instance(error, DisconnectedError);
    });
  });
}

suite("bus over a socket: its own promises", ({ test }) => {
  test("many messages in one read do not hold the event loop: others have their turn between them", async (scope) => {
    const mosquitto = await startMosquitto(scope, { accounts: [{ name: "hub", role: "console", secret: "hub" }] });
    const bus = await linkTo(scope, mosquitto.url);
    const each = maxReadTurn / 2;
    const heard: number[] = [];
    let [turn, counting] = [0, true];
    const count = (): void => {
      turn += 1;
      if (counting) setImmediate(count);
    };
    scope.cleanup(() => (counting = false));
    const all = new Promise<void>((resolve) => {
      bus.subscribe(["muster/+/metrics"], () => {
        heard.push(turn);
        for (const began = performance.now(); performance.now() - began < each;);
        if (heard.length === 40) resolve();
      });
    });
    await bus.publish("muster/rpi-7/ack", Buffer.from("subscribed"));
    count();
    for (let at = 0; at < 40; at++) void bus.publish("muster/rpi-7/metrics", Buffer.from("batch"), { qos: 0 });
    await withDeadline(all, 30, "the last message");
    const most = Math.max(...heard.map((one) => heard.filter((other) => other === one).length));
    // Two fill the turn, and the one that goes beyond its end is not torn apart.
    assert.ok(most <= 3, `${most} messages in one turn of the event loop`);
  });
});

suite("bus in process: its own promises", ({ test }) => {
  test("a listener may publish and wait for it in the midst of a flood", async (scope) => {
    const { broker } = await startBroker(scope);
    const bus = broker.local();
    bus.subscribe(["muster/+/metrics"], () => bus.publish("muster/rpi-7/ack", Buffer.from("taken")));
    const inbox = new Inbox(bus, ["muster/+/ack"]);
    for (let at = 0; at < 1_000; at++) void bus.publish("muster/rpi-7/metrics", Buffer.from("batch"), { qos: 0 });
    for (let at = 0; at < 1_000; at++) await inbox.next();
  });

  test("at QoS 1 a sender is told that its message was taken when the listener is through with it, which gets it once", async (scope) => {
    const { broker, url } = await startBroker(scope);
    const taken: string[] = [];
    let letGo: (() => void) | undefined;
    const got = new Promise<void>((resolve) =>
      broker.local().subscribe(["muster/+/metrics/+", "muster/rpi-7/#"], ({ payload, from }) => {
        taken.push(`${from}: ${payload.toString()}`);
        resolve();
        return new Promise<void>((release) => (letGo = release));
      }),
    );
    const others = await login(scope, url, "olaf");
    const forwarded = new Promise((resolve) => others.once("message", resolve));
    await others.subscribeAsync("muster/+/metrics/room");
    const sender = await login(scope, url, "rpi-7");
    let told = false;
    const published = sender.publishAsync("muster/rpi-7/metrics/room", "21", { qos: 1 }).then(() => (told = true));
    await got;
    // A message that goes all the way there and back is slower than an acknowledgement would be.
    await sender.subscribeAsync("muster/rpi-7/ack");
    assert.is(told, false);
    letGo?.();
    await published;
    await forwarded;
    assert.equal(taken, ["rpi-7: 21"]);
  });

  test("a listener that clears what it is just given has the last word, at either QoS", async (scope) => {
    const { broker, url } = await startBroker(scope);
    const bus = broker.local();
    bus.subscribe(["muster/+/cmd/+"], ({ topic, payload }) => {
      if (payload.length > 0) void bus.publish(topic, Buffer.alloc(0), { retain: true });
    });
    const sender = await login(scope, url, "olaf");
    for (const qos of [0, 1] as const) {
      const cleared = new Inbox(bus, [`muster/rpi-7/cmd/${qos}`]);
      await sender.publishAsync(`muster/rpi-7/cmd/${qos}`, "task", { qos, retain: true });
      assert.is((await cleared.next()).payload.toString(), "task");
      assert.is((await cleared.next()).payload.toString(), "");
    }
    const late = new Inbox(bus, ["muster/rpi-7/cmd/+"]);
    await ready(bus);
    assert.is(late.count, 0);
  });

  test("subscriptions made before the start hold", async (scope) => {
    const { broker } = await startBroker(scope);
    assert.is(broker.local().connected, true);
    const inbox = new Inbox(broker.local(), ["$SYS/broker/uptime"]);
    assert.match((await inbox.next()).payload.toString(), /seconds$/);
  });
});

async function linkTo(scope: Scope, url: string): Promise<Bus> {
  const bus = new Link({ url, clientId: "hub", username: "hub", password: "hub", log: silentLog, clock: systemClock });
  scope.cleanup(() => bus.stop());
  bus.start();
  await up(bus);
  return bus;
}

/** Resolves when what was subscribed before is in force: a message of our own comes back through the broker. */
async function ready(bus: Bus): Promise<void> {
  const marker = new Inbox(bus, ["muster/console/ready"]);
  await bus.publish("muster/console/ready", Buffer.from("ready"), { retain: true });
  await marker.next();
}

function up(bus: Bus): Promise<void> {
  return withDeadline(
    new Promise((resolve) => bus.onConnection((change) => change.up && resolve())),
    10,
    "the connection",
  );
}

class Inbox {
  readonly #messages: Message[] = [];
  #wake: () => void = () => {};

  constructor(bus: Bus, filters: readonly string[]) {
    bus.subscribe(filters, (message) => {
      this.#messages.push(message);
      this.#wake();
    });
  }

  get count(): number {
    return this.#messages.length;
  }

  async next(): Promise<Message> {
    while (this.#messages.length === 0) {
      await withDeadline(new Promise<void>((resolve) => (this.#wake = resolve)), 10, "a message");
    }
    const [message] = this.#messages.splice(0, 1);
    if (!message) throw new Error("no message");
    return message;
  }
}
