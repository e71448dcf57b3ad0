#!/usr/bin/env python3
"""A Muster agent in Python, written from docs/protocol.md: load and free memory as samples, and two commands.

It needs Linux, Python 3.9 and paho-mqtt 1.6 or 2 (Debian: apt-get install python3-paho-mqtt), and the secret that
`muster enroll ID --secret` prints:

    MUSTER_SECRET=... python3 agent.py --broker 192.0.2.7:1883 --device rpi-7 --data ./data-rpi-7

Here are the connection, presence and samples; agent_store.py is the disk, agent_commands.py carries out commands.
"""
import argparse, json, os, queue, random, secrets, signal, socket, sys, time
import paho.mqtt.client as mqtt
from agent_commands import ASK, MALFORMED, Commands, Withdrawn
from agent_store import EPOCH, Store

WINDOW = 32             # batches on their way without an ack
PATIENCE = (10, 300)    # seconds without an ack until all is sent again: at first, and at most


def ping(args, job):
    return {"pong": True}


def blink(args, job):
    """Each blink is a line in a file, so that one can count what was really done."""
    for done in range(1, args["times"] + 1):
        with open(os.path.join(job["directory"], "blinks"), "a") as lamp:
            lamp.write(job["id"] + "\n")
        job["progress"](done / args["times"])
        if job["aborted"].wait(0.2):  # the pause between two blinks, which a withdrawal ends at once
            raise Withdrawn()
    return {"blinked": args["times"]}


def check_times(args):
    if type(args.get("times")) is not int or not 1 <= args["times"] <= 100:
        raise ValueError("args is not valid: times: expected a whole number from 1 to 100")


TIMES = {"type": "object", "properties": {"times": {"type": "integer", "minimum": 1, "maximum": 100}}, "required": ["times"]}
# How a command is carried out; how its arguments are checked, because one that was typed at the broker has passed no console;
# and what the birth says of it. "rerun" stands here for what changes nothing: it needs no line in the ledger.
COMMANDS = {
    "ping": (ping, lambda args: None, {"title": "Ask whether the agent answers", "onInterrupt": "rerun"}),
    "blink": (blink, check_times, {"title": "Blink the lamp", "args": TIMES, "onInterrupt": "fail"}),
}


def sample():
    """Two series of one instant. Names and units are Telegraf's, as docs/metrics.md has them."""
    with open("/proc/meminfo") as file:
        memory = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
    load, total, available = os.getloadavg(), memory["MemTotal"], memory["MemAvailable"]
    return [{"n": "system", "f": {"load1": load[0], "load5": load[1], "load15": load[2]}},
            {"n": "mem", "f": {"total": total, "available": available, "used_percent": 100 * (total - available) / total}}]


class Agent(Commands):
    """Everything happens in one thread, which takes events from a queue; paho's thread and the handlers' only put some in."""

    commands = COMMANDS

    def __init__(self, options):
        self.options, self.events, self.timers = options, queue.SimpleQueue(), {}
        self.boot = secrets.token_hex(8)
        self.store = Store(options.data, self.boot)
        self.session, self.online, self.greeted, self.gathering, self.open, self.begun = None, False, False, True, set(), set()
        self.console_session, self.console_online, self.taking, self.console_offset = None, True, True, None
        self.flying, self.patience = {}, PATIENCE[0]  # numbers on their way, and since when
        self.jobs, self.running, self.answers = {}, None, {}
        for id, reply in self.store.db.execute("SELECT id, reply FROM command WHERE reply IS NOT NULL AND NOT settled"):
            self.answers[id] = json.loads(reply)
        self.client = self.new_client()

    # The connection -------------------------------------------------------------------------------------------------------

    def new_client(self):
        five = self.options.mqtt == 5
        own = {"client_id": self.options.device, "protocol": mqtt.MQTTv5 if five else mqtt.MQTTv311}
        if not five:  # in MQTT 5 a session ends with its connection unless the client asks for more
            own["clean_session"] = True
        if hasattr(mqtt, "CallbackAPIVersion"):  # paho 2
            own["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION2
        client = mqtt.Client(**own)
        client.username_pw_set(self.options.device, os.environ["MUSTER_SECRET"])
        if self.options.tls:
            client.tls_set()
        # Nagle's algorithm costs 40 ms a message at QoS 1.
        client.on_socket_open = lambda client, _, opened: opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.on_connect = lambda client, _, flags, code, *more: self.events.put((self.connected, code))
        client.on_subscribe = lambda client, _, mid, codes, *more: self.events.put((self.subscribed, codes))
        client.on_disconnect = self.on_disconnect
        client.on_message = lambda client, _, message: self.events.put((self.received, message))
        client.reconnect_delay_set(1, 2)
        client.max_inflight_messages_set(8)  # paho does not heed the broker's Receive Maximum, which is 10 at HiveMQ
        return client

    def topic(self, *levels):
        return "/".join((self.options.root, self.options.device) + levels)

    def next_session(self):
        """The will names the connection that it is of, so it is made anew before each one."""
        self.session = secrets.token_hex(8)
        death = {"v": 1, "online": False, "boot": self.boot, "session": self.session, "reason": "connection lost"}
        self.client.will_set(self.topic("status"), json.dumps(death), qos=1, retain=True)

    def on_disconnect(self, *_):
        self.next_session()  # in paho's thread, which connects next
        self.events.put((self.disconnected,))

    def publish(self, topic, message, qos=1, retain=False):
        # What is not said now is said again after the next connect: nothing shall pile up in paho.
        if self.online:
            self.client.publish(topic, json.dumps(message), qos=qos, retain=retain)

    def connected(self, code):
        # A broker that was away is asked every second or two, so that a small fleet is back at once; one that refuses, rarely.
        self.client.reconnect_delay_set(*((1, 2) if code == 0 else (10, 30)))
        if code != 0:
            return log(f"the broker refuses the connection: {code}")
        # The session is clean, so all subscriptions are made anew.
        kinds = [self.topic("cmd", "+"), self.topic("ack"), self.topic("refused"), f"{self.options.root}/console/status"]
        self.client.subscribe([(kind, 1) for kind in kinds])

    def subscribed(self, codes):
        if any(int(getattr(code, "value", code)) >= 0x80 for code in codes):
            log(f"the broker refuses a subscription: {codes}")
        self.online, self.greeted, self.gathering, self.open, self.begun = True, False, True, set(), set()
        self.console_session, self.console_online, self.taking = None, True, True
        # What has not begun may be withdrawn meanwhile: it comes again, or the console says that it is open.
        for job in self.jobs.values():
            job["kept"] = True
        self.after("gathered", 5, self.gathered)
        self.birth()
        self.repeat("birth", ASK, self.birth_again)
        self.send_again()
        for id in list(self.answers):
            self.answer(id)

    def disconnected(self):
        self.online, self.gathering = False, True
        self.timers.pop("gathered", None)

    def birth(self):
        offers = {key: offer for key, (_, _, offer) in COMMANDS.items()}
        self.publish(self.topic("status"), {
            "v": 1, "online": True, "boot": self.boot, "session": self.session, "instance": self.store.about("instance"),
            "agent": "agent.py 1", "interval": round(self.options.interval * 1000), "commands": offers,
            "facts": {"os": sys.platform, "python": sys.version.split()[0]}}, retain=True)

    def birth_again(self):
        """Until it is answered. A console that has said that it is gone gets one when it is back."""
        if not self.greeted and self.console_online:
            self.birth()
        return not self.greeted

    def received(self, message):
        levels = message.topic.split("/")[1:]
        try:
            if levels[1] == "cmd":
                return self.task(levels[2], message)
            told = json.loads(message.payload)
            {"status": self.console, "ack": self.ack, "refused": lambda told: log("refused:", told["why"])}[levels[1]](told)
        except MALFORMED as error:
            log(f"not understood: {message.topic}: {error!r}")

    def console(self, told):
        # A will may come late: of a session that is not the present one it says nothing.
        if not told["online"] and self.console_session not in (None, told["session"]):
            return
        returned = self.console_session not in (None, told["session"])
        self.console_online, self.console_session = told["online"], told["session"]
        was, self.taking = self.taking, told["online"] and told.get("taking", True)
        if returned:  # not every broker hands it the retained birth; and a fleet spreads over a second
            self.after("birth again", random.random(), self.birth)
        if self.taking and (returned or not was):
            self.send_again()

    # Samples --------------------------------------------------------------------------------------------------------------

    def take_sample(self):
        self.after("sample", self.options.interval, self.take_sample)
        now = {"t": time.time() * 1000, "epoch": EPOCH, "mono": time.monotonic() * 1000}
        self.store.keep({**now, "dt": [0], "m": sample()})
        self.send()

    def send(self):
        """Oldest first, as the window has room, or one at a time while nothing is taken. At QoS 0: only the ack counts."""
        room = (WINDOW if self.taking else 1) - len(self.flying)
        if not self.online or room <= 0:
            return
        after = max(self.flying, default=0)
        for row in self.store.db.execute("SELECT * FROM batch WHERE seq > ? ORDER BY seq LIMIT ?", (after, room)).fetchall():
            self.flying[row[0]] = time.monotonic()
            self.publish(self.topic("metrics"), self.store.message(*row), qos=0)
        self.timers.pop("patience", None)
        if self.flying:
            left = min(self.flying.values()) + self.patience - time.monotonic()
            self.after("patience", left, lambda: self.send_again(min(self.patience * 2, PATIENCE[1])))

    def send_again(self, patience=PATIENCE[0]):
        """Sending twice is harmless: the console knows the numbers it has."""
        self.flying, self.patience = {}, patience
        self.send()

    def ack(self, told):
        # Stopped, a second agent under one id does no harm; going on, the two would throw each other out for ever.
        if told.get("refused") and told.get("boot") == self.boot:
            raise SystemExit(told["refused"])
        # Of a console that doubts its clock: what it told before goes on.
        if "ts" in told and "unsure" not in told:
            self.console_offset = told["ts"] - time.monotonic() * 1000
            if self.store.about("doubt") == -1:
                self.store.set("doubt", told["ts"])
        if told.get("begin") and told.get("run") == self.boot:
            self.store.set("outbox", secrets.token_hex(8))
        if told["ranges"]:
            self.store.acked(told)
            left = {row[0] for row in self.store.db.execute("SELECT seq FROM batch ORDER BY seq LIMIT ?", (2 * WINDOW,))}
            self.flying, self.patience = {seq: at for seq, at in self.flying.items() if seq in left}, PATIENCE[0]
            self.send()
        elif told.get("boot") == self.boot and told.get("session", self.session) == self.session:
            # Several messages, where much is open. A console of before there was `open` lets all begin.
            self.greeted = True
            self.open = None if self.open is None or "open" not in told else self.open | set(told["open"])
            self.begun |= set(told.get("begun", []))
            self.gather()

    # The loop -------------------------------------------------------------------------------------------------------------

    def console_now(self):
        """By the console's clock, carried on by one that nobody sets; None until it was heard."""
        return None if self.console_offset is None else self.console_offset + time.monotonic() * 1000

    def after(self, name, seconds, work):
        self.timers[name] = (time.monotonic() + seconds, work)

    def repeat(self, name, waits, work):
        """Does it after the first wait, and as long as it says so again, after twice as long each time."""
        first, most = waits
        self.after(name, first, lambda: work() and self.repeat(name, (min(first * 2, most), most), work))

    def stop(self):
        """On purpose, so without the will. What runs stays begun in the ledger, and the next run answers for it."""
        if self.online:
            death = {"v": 1, "online": False, "boot": self.boot, "session": self.session, "reason": "shutdown"}
            self.client.publish(self.topic("status"), json.dumps(death), qos=1, retain=True).wait_for_publish(2)
        self.client.disconnect()
        raise SystemExit(0)

    def run(self):
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: self.events.put((self.stop,)))
        self.next_session()
        host, _, port = self.options.broker.partition(":")
        clean = {"clean_start": True} if self.options.mqtt == 5 else {}
        self.client.connect_async(host, int(port or 1883), keepalive=30, **clean)
        self.client.loop_start()
        self.take_sample()
        while True:
            due = min(due for due, _ in self.timers.values())
            try:
                work, *args = self.events.get(timeout=max(0, due - time.monotonic()))
                work(*args)
            except queue.Empty:
                pass
            for name, timer in list(self.timers.items()):
                if timer[0] <= time.monotonic() and self.timers.get(name) is timer:
                    del self.timers[name]
                    timer[1]()


def log(*words):
    print(*words, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", default="127.0.0.1", metavar="HOST[:PORT]")
    parser.add_argument("--device", required=True, metavar="ID")
    parser.add_argument("--data", default="data-agent-py", metavar="DIR", help="outbox and ledger (%(default)s)")
    parser.add_argument("--mqtt", type=int, choices=(3, 5), default=3, help="MQTT 3.1.1 or 5 (%(default)s)")
    parser.add_argument("--interval", type=float, default=10, metavar="SECONDS", help="between samples (%(default)s)")
    parser.add_argument("--root", default="muster", help="the first level of all topics (%(default)s)")
    parser.add_argument("--tls", action="store_true", help="speak TLS; SSL_CERT_FILE names an authority of your own")
    options = parser.parse_args()
    if not os.environ.get("MUSTER_SECRET"):
        parser.error("the device's secret is missing: put it in the variable MUSTER_SECRET")
    Agent(options).run()


if __name__ == "__main__":
    main()
