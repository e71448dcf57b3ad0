"""What an agent keeps on its disk: examples/agent.py."""
import json, os, secrets, sqlite3, time

REMEMBERED = 7 * 86400  # seconds that a settled command's id is known
with open("/proc/sys/kernel/random/boot_id") as boot_id:
    EPOCH = boot_id.read().strip()  # what time.monotonic() counts from


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
