"""A Muster agent for a board with MicroPython, written from docs/protocol.md: its memory as samples, and two commands.

Put this file on the board as main.py, with umqtt.simple (mpremote mip install umqtt.simple) and a muster.json beside it:

    {"broker": "192.0.2.7", "device": "esp-1", "secret": "what muster enroll esp-1 --secret printed"}

The network is up before it begins (in boot.py). One loop does everything: no thread, no asyncio, and of the language and its modules only
what MicroPython has. Samples wait in memory, so that flash is not worn out: what a power cut takes is told by nobody, what the bound
(KEPT) takes is told as a gap. The ledger of commands is a small file, written when a command begins and when it ends.
"""
import gc, json, os, sys, time
from umqtt.simple import MQTTClient

KEPT = 60             # batches in memory without an ack; beyond it the oldest go
WINDOW = 8            # of them on their way
REMEMBERED = 40       # commands that the ledger knows
PATIENCE = (10000, 300000)  # ms without an ack until all is sent again: at first, and at most
REPEAT = (1000, 30000)      # the same until a final reply is sent again
ASK = (5000, 60000)         # the same for a birth that nobody answers, and a kept task of which nobody says that it is open
NETWORK = 20          # seconds that a read or write may take; half of it without a word from here is a ping's turn
# What a message that is none may raise: nobody's message may end the agent.
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError)


# What this board measures and does: change it here ----------------------------------------------------------------------------

def sample():
    return [{"n": "board", "f": {"free": gc.mem_free(), "used": gc.mem_alloc(), "up": uptime() // 1000}}]


MEASURES = {"board": {"title": "Board", "fields": {
    "free": {"unit": "B", "title": "Free memory", "min": 0}, "used": {"unit": "B", "title": "Used memory", "min": 0},
    "up": {"unit": "s", "title": "Running for"}}}}


def ping(args, id):
    """A command is a generator: the loop goes on with it, and whenever it yields others have their turn."""
    return {"pong": True}
    yield


def blink(args, id):
    """Each blink is a line in a file, so that one can count what was really done; on a board, machine.Pin(2).value(...)."""
    for done in range(args["times"]):
        with open("blinks", "a") as lamp:
            lamp.write(id + "\n")
        until = uptime() + 200
        while uptime() < until:
            yield (done + 1) / args["times"]
    return {"blinked": args["times"]}


def check_times(args):
    if type(args.get("times")) is not int or not 1 <= args["times"] <= 100:
        raise ValueError("args is not valid: times: expected a whole number from 1 to 100")


TIMES = {"type": "object", "properties": {"times": {"type": "integer", "minimum": 1, "maximum": 100}}, "required": ["times"]}
# How a command is carried out, how its arguments are checked, and what the birth says of it. "rerun" is what changes nothing: it needs no line
# in the ledger.
COMMANDS = {
    "ping": (ping, lambda args: None, {"title": "Ask whether the agent answers", "onInterrupt": "rerun"}),
    "blink": (blink, check_times, {"title": "Blink the lamp", "args": TIMES, "onInterrupt": "fail"}),
}


# Time and ids ------------------------------------------------------------------------------------------------------------------

ticks, passed = time.ticks_ms(), 0


def uptime():
    """Milliseconds since the start. ticks_ms begins again at 0 after some days, and is asked far more often than that."""
    global ticks, passed
    now = time.ticks_ms()
    passed += time.ticks_diff(now, ticks)
    ticks = now
    return passed


def new_id():
    return "".join("%02x" % byte for byte in os.urandom(8))


# The connection ----------------------------------------------------------------------------------------------------------------

class Link(MQTTClient):
    """umqtt.simple, which keeps to itself whether the broker had kept a message, and waits for ever in a network that is gone."""

    def check_msg(self):
        self.sock.settimeout(0)
        return self.wait_msg(False)

    def wait_msg(self, must=True):
        head = self.sock.read(1)
        self.sock.settimeout(NETWORK)
        if head is None and not must:
            return None
        if not head:
            raise OSError(-1)
        self.heard = uptime()
        if head[0] == 0xD0:  # the answer to a ping
            self.sock.read(1)
            return None
        if head[0] & 0xF0 != 0x30:
            return head[0]
        size = self._recv_len()
        length = self.sock.read(2)
        topic = self.sock.read(length[0] << 8 | length[1])
        size -= len(topic) + 2
        number = self.sock.read(2) if head[0] & 6 else None
        message = self.sock.read(size - 2 if number else size)
        self.cb(topic, message, bool(head[0] & 1))
        if number:
            self.sock.write(b"\x40\x02" + number)
        return head[0]


# The ledger --------------------------------------------------------------------------------------------------------------------

class Ledger:
    """What was begun and how it ended, by id: it survives a power cut, and nothing in it is begun again."""

    def __init__(self):
        self.known, self.order, self.doubt = {}, [], -1  # no file: it may have been lost, and since when is known by the console's clock
        try:
            with open("ledger.json") as file:
                kept = json.load(file)
            self.known, self.order, self.doubt = kept["known"], kept["order"], kept["doubt"]
        except (OSError, ValueError, KeyError):
            pass
        self.was_lost = self.doubt == -1

    def put(self, id, reply, settled=False):
        if id not in self.known:
            self.order.append(id)
        self.known[id] = {"reply": reply, "settled": settled}
        while len(self.order) > REMEMBERED:  # the oldest that is settled; one that is not stays
            old = next((one for one in self.order if self.known[one]["settled"]), None)
            if old is None:
                break
            self.order.remove(old)
            del self.known[old]
        self.save()

    def save(self):
        """Whole or not at all: a power cut leaves the old file or the new one."""
        with open("ledger.new", "w") as file:
            json.dump({"known": self.known, "order": self.order, "doubt": self.doubt}, file)
        if hasattr(os, "sync"):
            os.sync()
        os.rename("ledger.new", "ledger.json")


# The agent ---------------------------------------------------------------------------------------------------------------------

class Agent:
    def __init__(self, options):
        self.options, self.root = options, options.get("root", "muster")
        self.boot, self.link, self.inbox, self.timers = new_id(), None, [], {}
        self.ledger = Ledger()
        self.jobs, self.running = {}, None
        self.answers = {id: one["reply"] for id, one in self.ledger.known.items() if one["reply"] and not one["settled"]}
        self.outbox, self.seq, self.lost, self.flying, self.patience = [], 0, None, {}, PATIENCE[0]
        self.session, self.console_offset, self.taking, self.console_online, self.console_session = None, None, True, True, None
        self.disconnected()

    def topic(self, *levels):
        return "/".join((self.root, self.options["device"]) + levels)

    def connect(self):
        device, self.session = self.options["device"], new_id()
        link = Link(device, self.options["broker"], self.options.get("port", 1883), device, self.options["secret"], keepalive=60)
        death = {"v": 1, "online": False, "boot": self.boot, "session": self.session, "reason": "connection lost"}
        link.set_last_will(self.topic("status"), json.dumps(death), True, 1)
        # What comes is only noted: it may come while something is published.
        link.set_callback(lambda topic, message, kept: self.inbox.append((topic.decode(), message, kept)))
        link.heard = uptime()
        link.connect()
        link.sock.settimeout(NETWORK)
        # The session is clean, so all subscriptions are made anew.
        for topic in (self.topic("cmd", "+"), self.topic("ack"), self.topic("refused"), self.root + "/console/status"):
            link.subscribe(topic, 1)
        self.link, self.greeted, self.gathering, self.open, self.begun = link, False, True, set(), set()
        self.console_session, self.console_online, self.taking = None, True, True
        # What has not begun may be withdrawn meanwhile: it comes again, or the console says that it is open.
        for job in self.jobs.values():
            job["kept"] = True
        self.after("gathered", 5000, self.gathered)
        self.repeat("ping", (NETWORK * 500, NETWORK * 500), self.ping)
        self.birth()
        self.repeat("birth", ASK, self.birth_again)
        self.send_again()
        for id in list(self.answers):
            self.answer(id)

    def disconnected(self):
        self.link, self.greeted, self.gathering, self.open, self.begun, self.inbox = None, False, True, set(), set(), []
        for name in ("gathered", "ping", "birth", "patience"):
            self.timers.pop(name, None)

    def ping(self):
        if uptime() - self.link.heard > NETWORK * 2000:
            raise OSError(-1)  # nothing came for so long, not even the answers to pings
        self.link.ping()
        return True

    def publish(self, topic, message, qos=1, retain=False):
        # What is not said now is said again after the next connect.
        if not self.link:
            return
        if self.link.pid > 65000:  # umqtt.simple counts on, and the number has two bytes
            self.link.pid = 0
        self.link.publish(topic, json.dumps(message), retain, qos)

    def birth(self):
        self.publish(self.topic("status"), {
            "v": 1, "online": True, "boot": self.boot, "session": self.session, "agent": "micropython 1",
            "interval": int(self.options.get("interval", 10) * 1000), "commands": {key: one[2] for key, one in COMMANDS.items()},
            "measurements": MEASURES, "facts": {"os": sys.platform, "micropython": sys.version}}, retain=True)

    def birth_again(self):
        """Until it is answered. A console that has said that it is gone gets one when it is back."""
        if not self.greeted and self.console_online:
            self.birth()
        return not self.greeted

    def received(self, topic, message, kept):
        levels = topic[len(self.root) + 1:].split("/")
        try:
            if levels[1] == "cmd":
                return self.task(levels[2], message, kept)
            told = json.loads(message)
            if levels[1] == "status":
                self.console(told)
            elif levels[1] == "ack":
                self.ack(told)
            else:
                print("refused:", told["why"])
        except MALFORMED as error:
            print("not understood:", topic, repr(error))

    def console(self, told):
        # A will may come late: of a session that is not the present one it says nothing.
        if not told["online"] and self.console_session not in (None, told["session"]):
            return
        returned = self.console_session not in (None, told["session"])
        self.console_online, self.console_session = told["online"], told["session"]
        was, self.taking = self.taking, told["online"] and told.get("taking", True)
        if returned:  # not every broker hands it the retained birth; and a fleet spreads over a second
            self.after("birth again", os.urandom(1)[0] * 4, self.birth)
        if self.taking and (returned or not was):
            self.send_again()

    # Samples

    def take_sample(self):
        self.after("sample", int(self.options.get("interval", 10) * 1000), self.take_sample)
        if len(self.outbox) >= KEPT:
            self.drop(self.outbox.pop(0))
        self.keep({"m": sample(), "dt": [0]}, uptime())
        self.send()

    def keep(self, body, at):
        self.seq += 1
        self.outbox.append((self.seq, at, body))

    def drop(self, old):
        """It is told as a gap; one that was a gap itself goes on in the new one."""
        seq, at, body = old
        was = body.get("dropped", {"from": seq, "to": seq, "samples": len(body["m"]), "since": self.wall(at), "until": self.wall(at)})
        self.flying.pop(seq, None)
        if self.lost:
            was = {"from": min(was["from"], self.lost["from"]), "to": max(was["to"], self.lost["to"]),
                   "samples": was["samples"] + self.lost["samples"],
                   "since": min(was["since"], self.lost["since"]), "until": max(was["until"], self.lost["until"])}
        was["why"] = "the outbox is full (%d batches)" % KEPT
        self.lost = was

    def wall(self, at):
        """A moment by the console's clock: the board may have none. Before that was heard, as after a start in 1970: the console places it."""
        return at if self.console_offset is None else self.console_offset + at

    def send(self):
        """Oldest first, as the window has room, or one at a time while nothing is taken. At QoS 0: only the ack counts."""
        if not self.link:
            return
        if self.lost:
            gap, self.lost = self.lost, None
            self.keep({"m": [], "dt": [], "dropped": gap}, uptime())
        for seq, at, body in self.outbox:
            if len(self.flying) >= (WINDOW if self.taking else 1):
                break
            if seq in self.flying:
                continue
            self.flying[seq] = now = uptime()
            # v, outbox and seq come first: by them the console settles even what it cannot read.
            head = '{"v":1,"outbox":"%s","seq":%d,"run":"%s","first":%d,"t":%d,"epoch":"%s","mono":%d,"age":%d,' % (
                self.boot, seq, self.boot, self.outbox[0][0], self.wall(at), self.boot, at, now - at)
            self.link.publish(self.topic("metrics"), head + json.dumps(body)[1:])
        self.timers.pop("patience", None)
        if self.flying:
            left = min(self.flying.values()) + self.patience - uptime()
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
            self.console_offset = int(told["ts"]) - uptime()
            if self.ledger.doubt == -1:
                self.ledger.doubt = int(told["ts"])
                self.ledger.save()
        if told["ranges"]:
            if told.get("outbox") == self.boot:
                for first, last in told["ranges"]:
                    self.outbox = [one for one in self.outbox if not first <= one[0] <= last]
                left = [one[0] for one in self.outbox]
                self.flying, self.patience = {seq: at for seq, at in self.flying.items() if seq in left}, PATIENCE[0]
                self.send()
        elif told.get("boot") == self.boot and told.get("session", self.session) == self.session:
            # Several messages, where much is open. A console of before there was `open` lets all begin.
            self.greeted = True
            self.open = None if self.open is None or "open" not in told else self.open | set(told["open"])
            self.begun |= set(told.get("begun", []))
            self.gather()

    # Commands

    def task(self, id, message, kept):
        if not message:
            return self.withdrawn(id)
        row = self.ledger.known.get(id)
        if row and row["reply"]:  # answered before, and there again: the same answer
            self.answers[id] = row["reply"]
            return self.answer(id)
        if id in self.jobs:
            self.jobs[id]["kept"] &= kept  # published again: it is open
            return self.gather()
        if id in self.answers:
            return
        job = {"id": id, "kept": kept, "begun_before": row is not None, "told": 0, "started": uptime(), "key": None}
        try:
            text = message.decode()
            told = json.loads(text) if text.startswith("{") else {"key": text}  # a bare word is a key
            job["expires"] = int(told["expires"]) if "expires" in told else None
            # One that was typed may not say when. Kept from before this ledger, it may be one that the lost ledger knew.
            unsaid = 0 if kept and self.ledger.was_lost else self.wall(uptime())
            job["ts"], key = int(told.get("ts", unsaid)), told["key"]
            if key not in COMMANDS:
                return self.end(job, "rejected", "unknown-command", "it offers " + ", ".join(sorted(COMMANDS)))
            job["key"], job["args"] = key, told.get("args", {})
            COMMANDS[key][1](job["args"])
        except MALFORMED as error:
            return self.end(job, "rejected", "bad-arguments" if job["key"] else "bad-input", str(error) or repr(error))
        self.jobs[id] = job
        self.repeat("kept " + id, ASK, lambda: self.ask(id))
        self.gather()

    def gather(self):
        """After the greeting a moment more, as long as tasks come: a broker keeps an order only within a topic."""
        if self.gathering and self.greeted:
            self.after("gathered", 50, self.gathered)

    def gathered(self):
        self.gathering = False

    def may_begin(self, job):
        """What the broker had kept may have been withdrawn long ago: it begins on the console's word alone."""
        is_open = not job["kept"] or (self.greeted and (self.open is None or job["id"] in self.open))
        return is_open and (job["expires"] is None or job["begun_before"] or self.console_offset is not None)

    def ask(self, id):
        """Of a kept task that nobody names: the console withdraws it, or publishes it again."""
        waits = id in self.jobs and self.jobs[id] is not self.running and not self.may_begin(self.jobs[id])
        if waits:
            self.publish(self.topic("reply", id), {"id": id, "state": "accepted"})
        return waits

    def work(self):
        """A step of what runs, or the next one begins: one after the other, in the order in which they were made."""
        if self.running:
            return self.step(self.running)
        ready = [] if self.gathering else [job for job in self.jobs.values() if self.may_begin(job)]
        if not ready:
            return
        job = min(ready, key=lambda one: (one["ts"], one["id"]))
        may_rerun, doubt, now = COMMANDS[job["key"]][2]["onInterrupt"] == "rerun", self.ledger.doubt, self.wall(uptime())
        if job["begun_before"]:
            self.end(job, "interrupted", "agent-stopped", "the board stopped while it ran")
        elif job["expires"] is not None and now >= job["expires"]:
            self.end(job, "expired", "expired", "it had expired %d ms before it could begin" % (now - job["expires"]))
        elif job["id"] in self.begun and not may_rerun:
            self.end(job, "interrupted", "begun-elsewhere", "another run has begun it: nobody can know whether it took effect")
        elif job["ts"] < doubt and not may_rerun:
            self.end(job, "interrupted", "ledger-lost", "the ledger was lost: nobody can know whether it has run")
        else:
            if not may_rerun:
                self.ledger.put(job["id"], None)
            job["steps"], self.running = COMMANDS[job["key"]][0](job["args"], job["id"]), job

    def step(self, job):
        try:
            part = next(job["steps"])
        except StopIteration as ended:
            return self.end(job, "succeeded", None, ended.value)
        except Exception as error:
            return self.end(job, "failed", "error", str(error) or repr(error))
        if uptime() - job["told"] >= 500:
            job["told"] = uptime()
            self.publish(self.topic("reply", job["id"]), {"id": job["id"], "state": "running", "progress": part})

    def end(self, job, state, code, said):
        """The outcome goes to the ledger, then out."""
        reply = {"id": job["id"], "boot": self.boot, "state": state, "ms": uptime() - job["started"]}
        if state == "succeeded":
            reply["result"] = said
        else:
            reply["error"] = {"code": code, "message": said[:2000]}
        if self.console_offset is not None:
            reply["ts"] = self.wall(uptime())
        if job["id"] in self.ledger.known:
            self.ledger.put(job["id"], reply)
        self.answers[job["id"]] = reply
        self.jobs.pop(job["id"], None)
        if self.running is job:
            self.running = None
        self.answer(job["id"])

    def answer(self, id):
        """Now, and again until the task is withdrawn."""
        self.repeat("answer " + id, REPEAT, lambda: self.publish(self.topic("reply", id), self.answers[id]) or True)
        self.publish(self.topic("reply", id), self.answers[id])

    def withdrawn(self, id):
        """Of what has ended it is the receipt; what waits never begins; what runs is ended, and answered."""
        if self.running and self.running["id"] == id:
            self.running["steps"].close()
            return self.end(self.running, "cancelled", "cancelled", "withdrawn while it ran")
        self.jobs.pop(id, None)
        self.answers.pop(id, None)
        for name in ("answer " + id, "kept " + id):
            self.timers.pop(name, None)
        row = self.ledger.known.get(id)
        if row and row["reply"] and not row["settled"]:
            self.ledger.put(id, row["reply"], True)

    # The loop

    def after(self, name, ms, work):
        self.timers[name] = (uptime() + ms, work)

    def repeat(self, name, waits, work):
        """Does it after the first wait, and as long as it says so again, after twice as long each time."""
        first, most = waits
        self.after(name, first, lambda: work() and self.repeat(name, (min(first * 2, most), most), work))

    def turn(self):
        if self.link:
            self.link.check_msg()
        while self.inbox:
            self.received(*self.inbox.pop(0))
        self.work()
        for name, timer in list(self.timers.items()):
            if timer[0] <= uptime() and self.timers.get(name) is timer:
                del self.timers[name]
                timer[1]()

    def run(self):
        self.take_sample()
        wait, due = 500, 0
        while True:
            try:
                if not self.link and uptime() >= due:
                    self.connect()
                    wait = 500
                self.turn()
            except Exception as error:  # OSError, MQTTException, and what a broken packet raises in umqtt: the connection is over
                print("no connection:", repr(error))
                self.disconnected()
                wait = min(wait * 2, 30000)
                due = uptime() + wait // 2 + os.urandom(1)[0] * wait // 512
            time.sleep_ms(0 if self.inbox else 5)


if __name__ == "__main__":
    with open("muster.json") as file:
        Agent(json.load(file)).run()
