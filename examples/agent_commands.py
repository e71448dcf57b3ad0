"""How the agent of examples/agent.py carries out commands, each at most once. One that only measures does without."""
import json, threading, time

REPEAT = (1, 30)  # seconds until a final reply is sent again: at first, and at most
ASK = (5, 60)     # the same for a birth that nobody answers, and a kept task of which nobody says that it is open
# What a message that is none may raise: nobody's message may end the agent.
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Withdrawn(Exception):
    """A handler's way out once its command is withdrawn."""


class Commands:
    """
    A part of the agent. It is told of tasks and withdrawals, keeps in the ledger what it has begun and how that ended, and repeats
    each final reply until it is withdrawn.
    """

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
            if job["key"] not in self.commands:
                return self.end(job, "rejected", "unknown-command", f"it offers {', '.join(sorted(self.commands))}")
            self.commands[job["key"]][1](job["args"])
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
            may_rerun, doubt = self.commands[job["key"]][2]["onInterrupt"] == "rerun", self.store.about("doubt")
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
            outcome = ("succeeded", None, self.commands[job["key"]][0](job["args"], job))
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
