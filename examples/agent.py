#!/usr/bin/env python3
"""A Muster agent in Python, written from docs/protocol.md: load and free memory as samples, and two commands.

It needs Linux, Python 3.9 and paho-mqtt 1.6 or 2 (Debian: apt-get install python3-paho-mqtt), and the secret that
`muster enroll ID` prints:

    MUSTER_SECRET=... python3 agent.py --broker 192.0.2.7:1883 --device rpi-7 --data ./data-rpi-7
"""
import argparse, json, os, queue, random, secrets, signal, socket, sqlite3, sys, threading, time
import paho.mqtt.client as mqtt

WINDOW = 32             # batches on their way without an ack
PATIENCE = (10, 300)    # seconds without an ack until all is sent again: at first, and at most
REPEAT = (1, 30)        # seconds until a final reply is sent again: at first, and at most
ASK = (5, 60)           # the same for a birth that nobody answers, and a kept task of which nobody says that it is open
REMEMBERED = 7 * 86400  # seconds that a settled command's id is known
# What a message that is none may raise: nobody's message may end the agent.
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
with open("/proc/sys/kernel/random/boot_id") as boot_id:
    EPOCH = boot_id.read().strip()  # what time.monotonic() counts from


class Withdrawn(Exception):
    """A handler's way out once its command is withdrawn."""


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


class Store:
    """
    Outbox and ledger in one SQLite file. What is committed is on the disk (synchronous=FULL), and only then sent or begun.
    The outbox has no bound here: where the disk is small, drop the oldest and tell it as a gap.
    """

    def __init__(self, directory, run):
        os.makedirs(directory, exist_ok=True)
        self.run = run
        self.db = sqlite3.connect(os.path.join(directory, "agent.db"), isolation_level=None)
        # Exclusive: a second agent on the same directory fails here instead of giving numbers twice.
        self.db.executescript("""
            PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
            CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value);
            CREATE TABLE IF NOT EXISTS batch (seq INTEGER PRIMARY KEY AUTOINCREMENT, outbox TEXT, run TEXT, body TEXT);
            CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY, at REAL, reply TEXT, settled INTEGER DEFAULT 0);
        """)
        self.is_new = self.about("instance") is None
        if self.is_new:
            # A file that is new may be one that was lost: since when it is whole is known once the console has told the time.
            for name, value in (("doubt", -1), ("outbox", secrets.token_hex(8)), ("instance", secrets.token_hex(8))):
                self.set(name, value)
        self.db.execute("DELETE FROM command WHERE settled AND at < ?", (time.time() - REMEMBERED,))

    def about(self, name):
        row = self.db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return row and row[0]

    def set(self, name, value):
        self.db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def keep(self, body):
        """Gives a batch its number. AUTOINCREMENT never gives one twice, also after all rows are gone."""
        row = (self.about("outbox"), self.run, json.dumps(body))
        self.db.execute("INSERT INTO batch (outbox, run, body) VALUES (?, ?, ?)", row)

    def message(self, seq, outbox, run, body):
        """A batch as it is sent now. v, outbox and seq come first: by them the console settles even what it cannot read."""
        body, first = json.loads(body), self.db.execute("SELECT MIN(seq) FROM batch WHERE outbox = ?", (outbox,)).fetchone()[0]
        # The age lets the console place a sample of a device with a wrong clock. Of another boot nobody knows it.
        age = {"age": time.monotonic() * 1000 - body["mono"]} if body["epoch"] == EPOCH else {}
        return {"v": 1, "outbox": outbox, "seq": seq, "run": run, "first": first, **age, **body}

    def acked(self, ack):
        for first, last in ack["ranges"]:
            # Acks of numbers that were given twice name the run that gave them: those of another are none of ours.
            self.db.execute("DELETE FROM batch WHERE outbox = ? AND seq BETWEEN ? AND ? AND run = COALESCE(?, run)",
                            (ack.get("outbox"), first, last, ack.get("run")))


class Agent:
    """Everything happens in one thread, which takes events from a queue; paho's thread and the handlers' only put some in."""

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
        client.reconnect_delay_set(1, 30)
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

    # Commands -------------------------------------------------------------------------------------------------------------

    def task(self, id, message):
        if not message.payload:
            return self.withdrawn(id)
        row = self.store.db.execute("SELECT reply FROM command WHERE id = ?", (id,)).fetchone()
        if row and row[0]:  # answered before, and there again, because a broker has restored what it had: the same answer
            self.store.db.execute("UPDATE command SET settled = 0 WHERE id = ?", (id,))
            self.answers[id] = json.loads(row[0])
            return self.answer(id)
        if id in self.jobs:
            self.jobs[id]["kept"] &= message.retain  # published again: it is open
            return self.gather()
        if id in self.answers:
            return
        job = {"id": id, "kept": message.retain, "begun_before": row is not None, "told": 0.0, "started": time.monotonic(),
               "directory": self.options.data, "aborted": threading.Event(),
               "progress": lambda part: self.events.put((self.progress, job, part))}
        try:
            text = message.payload.decode()
            told = json.loads(text) if text.startswith("{") else {"key": text}  # a bare word is a key
            job["expires"] = float(told["expires"]) if "expires" in told else None
            # One that was typed may not say when. Kept from before this ledger, it may be one that the lost ledger knew.
            unsaid = 0 if message.retain and self.store.is_new else self.console_now() or time.time() * 1000
            job.update(ts=float(told.get("ts", unsaid)), key=told["key"], args=told.get("args", {}))
            if job["key"] not in COMMANDS:
                return self.end(job, "rejected", "unknown-command", f"it offers {', '.join(sorted(COMMANDS))}")
            COMMANDS[job["key"]][1](job["args"])
        except MALFORMED as error:
            return self.end(job, "rejected", "bad-arguments" if "args" in job else "bad-input", str(error))
        self.jobs[id] = job
        self.repeat(("kept", id), ASK, lambda: self.ask(id))
        self.gather()

    def gather(self):
        """After the greeting a moment more, as long as tasks come: a broker keeps an order only within a topic."""
        if self.gathering and self.greeted:
            self.after("gathered", 0.05, self.gathered)
        self.begin_next()

    def gathered(self):
        self.gathering = False
        self.begin_next()

    def may_begin(self, job):
        """What the broker had kept may have been withdrawn long ago: it begins on the console's word alone."""
        is_open = not job["kept"] or (self.greeted and (self.open is None or job["id"] in self.open))
        return is_open and (job["expires"] is None or job["begun_before"] or self.console_offset is not None)

    def ask(self, id):
        """Of a kept task that nobody names: the console withdraws it, or publishes it again."""
        waits = id in self.jobs and not self.may_begin(self.jobs[id])
        if waits:
            self.publish(self.topic("reply", id), {"id": id, "state": "accepted"})
        return waits

    def begin_next(self):
        """One after the other, in the order in which they were made."""
        while not self.gathering and not self.running:
            ready = [job for job in self.jobs.values() if self.may_begin(job)]
            if not ready:
                return
            job = min(ready, key=lambda one: (one["ts"], one["id"]))
            may_rerun, doubt = COMMANDS[job["key"]][2]["onInterrupt"] == "rerun", self.store.about("doubt")
            now = self.console_now()
            if job["begun_before"]:
                self.end(job, "interrupted", "agent-stopped", "the agent stopped while it ran")
            elif job["expires"] is not None and now >= job["expires"]:
                self.end(job, "expired", "expired", f"it had expired {round(now - job['expires'])} ms before it could begin")
            elif job["id"] in self.begun and not may_rerun:
                self.end(job, "interrupted", "begun-elsewhere", "another run has begun it: nobody can know whether it took effect")
            elif doubt is not None and job["ts"] < doubt and not may_rerun:
                self.end(job, "interrupted", "ledger-lost", "the ledger was lost: nobody can know whether it has run")
            else:
                if not may_rerun:
                    self.store.db.execute("INSERT INTO command (id, at) VALUES (?, ?)", (job["id"], time.time()))
                self.running = job
                threading.Thread(target=self.work, args=(job,), daemon=True).start()

    def work(self, job):
        """In a thread of its own, so that a withdrawal is heard while it runs."""
        try:
            outcome = ("succeeded", None, COMMANDS[job["key"]][0](job["args"], job))
        except Withdrawn:
            outcome = ("cancelled", "cancelled", "withdrawn while it ran")
        except Exception as error:
            outcome = ("failed", "error", str(error) or repr(error))
        self.events.put((self.end, job, *outcome))

    def progress(self, job, part):
        if job["id"] in self.jobs and time.monotonic() - job["told"] >= 0.2:
            job["told"] = time.monotonic()
            self.publish(self.topic("reply", job["id"]), {"id": job["id"], "state": "running", "progress": part})

    def end(self, job, state, code, said):
        """The outcome goes to the ledger, then out."""
        reply = {"id": job["id"], "boot": self.boot, "state": state, "ms": round((time.monotonic() - job["started"]) * 1000, 1)}
        reply.update({"result": said} if state == "succeeded" else {"error": {"code": code, "message": said[:2000]}})
        if self.console_offset is not None:
            reply["ts"] = self.console_now()
        self.store.db.execute("UPDATE command SET reply = ? WHERE id = ?", (json.dumps(reply), job["id"]))
        self.answers[job["id"]] = reply
        self.jobs.pop(job["id"], None)
        self.answer(job["id"])
        if self.running is job:
            self.running = None
        self.begin_next()

    def console_now(self):
        """By the console's clock, carried on by one that nobody sets; None until it was heard."""
        return None if self.console_offset is None else self.console_offset + time.monotonic() * 1000

    def answer(self, id):
        """Now, and again until the task is withdrawn."""
        self.publish(self.topic("reply", id), self.answers[id])
        self.repeat(("answer", id), REPEAT, lambda: self.publish(self.topic("reply", id), self.answers[id]) or True)

    def withdrawn(self, id):
        """Of what has ended it is the receipt; what waits never begins; what runs is told, and answers."""
        if self.running and self.running["id"] == id:
            return self.running["aborted"].set()
        self.jobs.pop(id, None)
        self.answers.pop(id, None)
        self.timers.pop(("answer", id), None)
        self.store.db.execute("UPDATE command SET settled = 1 WHERE id = ? AND reply IS NOT NULL", (id,))

    # The loop -------------------------------------------------------------------------------------------------------------

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
