import { markSchema } from "./mark.ts";

/** The console's own state, one migration a step; never edit one that has been released. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('device', 'console', 'viewer', 'operator', 'admin')),
    hash TEXT NOT NULL,
    created INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('session', 'token')),
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER,
    since INTEGER,
    online INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    problem TEXT,
    status TEXT
  ) STRICT;

  CREATE TABLE commands (
    id TEXT NOT NULL PRIMARY KEY,
    device TEXT NOT NULL,
    state TEXT NOT NULL,
    ts INTEGER NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX commands_by_device ON commands (device, ts DESC);
  CREATE INDEX commands_open ON commands (state) WHERE state IN ('queued', 'accepted', 'running');
  `,
  `
  CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    ts INTEGER NOT NULL,
    document TEXT NOT NULL
  ) STRICT;

  CREATE TABLE job_devices (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    device TEXT NOT NULL,
    canary INTEGER NOT NULL,
    state TEXT NOT NULL,
    command TEXT,
    sent INTEGER,
    taken INTEGER,
    ended INTEGER,
    outcome TEXT,
    PRIMARY KEY (job, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX job_devices_open ON job_devices (job) WHERE state IN ('waiting', 'queued', 'accepted', 'running');

  CREATE TABLE device_groups (
    device TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (device, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX device_groups_by_name ON device_groups (name);
  `,
  `
  CREATE TABLE outboxes (
    device TEXT NOT NULL,
    outbox TEXT NOT NULL,
    begun INTEGER NOT NULL,
    heard INTEGER NOT NULL,
    behind INTEGER,
    lowest INTEGER NOT NULL,
    highest INTEGER NOT NULL,
    settled TEXT NOT NULL,
    tip INTEGER,
    newest INTEGER,
    batches INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    set_aside INTEGER NOT NULL,
    PRIMARY KEY (device, outbox)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX outboxes_behind ON outboxes (device) WHERE behind IS NOT NULL;

  CREATE TABLE outbox_gaps (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    outbox TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    batches INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    since INTEGER,
    until INTEGER,
    why TEXT NOT NULL
  ) STRICT;
  CREATE INDEX outbox_gaps_by_device ON outbox_gaps (device, outbox);

  CREATE TABLE clock_offsets (
    device TEXT NOT NULL,
    epoch TEXT NOT NULL,
    mono REAL NOT NULL,
    zero REAL NOT NULL,
    made INTEGER NOT NULL,
    PRIMARY KEY (device, epoch, mono)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE field_types (
    measurement TEXT NOT NULL,
    field TEXT NOT NULL,
    type TEXT NOT NULL,
    device TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (measurement, field)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE quarantine (
    device TEXT NOT NULL,
    measurement TEXT NOT NULL,
    field TEXT NOT NULL,
    got TEXT NOT NULL,
    wanted TEXT NOT NULL,
    sample TEXT NOT NULL,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (device, measurement, field, got, wanted)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE mqtt_secrets (
    account TEXT NOT NULL PRIMARY KEY REFERENCES accounts (name) ON DELETE CASCADE,
    hash TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- A command's id is its device's own: the same one may be typed for two devices.
  CREATE TABLE commands_by_name (
    device TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    ts INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (device, id)
  ) STRICT;
  INSERT INTO commands_by_name (device, id, state, ts, document) SELECT device, id, state, ts, document FROM commands;
  DROP TABLE commands;
  ALTER TABLE commands_by_name RENAME TO commands;
  CREATE INDEX commands_by_id ON commands (id);
  CREATE INDEX commands_by_device ON commands (device, ts DESC);
  CREATE INDEX commands_open ON commands (state) WHERE state IN ('queued', 'accepted', 'running');

  -- What a job's command ids are made with, so that nobody can compute them; empty for jobs that began before.
  ALTER TABLE jobs ADD COLUMN nonce TEXT NOT NULL DEFAULT '';
  `,
  `
  DROP TABLE tokens;
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('session', 'token')),
    created INTEGER NOT NULL,
    used INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
  ) STRICT;
  CREATE INDEX tokens_by_account ON tokens (account, kind, used);
  `,
  `
  CREATE TABLE damaged (
    id INTEGER PRIMARY KEY,
    ts INTEGER NOT NULL,
    place TEXT NOT NULL,
    name TEXT NOT NULL,
    why TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;

  ALTER TABLE commands ADD COLUMN brief TEXT;
  ALTER TABLE commands ADD COLUMN key TEXT;
  ALTER TABLE commands ADD COLUMN took REAL;
  UPDATE commands SET key = json_extract(document, '$.key'), took = json_extract(document, '$.took') WHERE json_valid(document);
  DROP INDEX commands_open;
  DROP INDEX commands_by_device;
  CREATE INDEX commands_by_time ON commands (ts, id, device);
  CREATE INDEX commands_by_device ON commands (device, ts, id);
  CREATE INDEX commands_by_state ON commands (state, ts, id, device);
  CREATE INDEX commands_by_key ON commands (device, key, ts) WHERE took IS NOT NULL;
  `,
  `
  CREATE TABLE field_decisions (
    measurement TEXT NOT NULL,
    field TEXT NOT NULL,
    type TEXT NOT NULL,
    by TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (measurement, field)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE login_places (
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    network TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (account, network)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE outboxes ADD COLUMN runs TEXT NOT NULL DEFAULT '[]';
  `,
  `
  -- The newest moment that the console has known, twice the same.
  CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    moment INTEGER NOT NULL,
    again INTEGER NOT NULL
  ) STRICT;
  INSERT INTO clock (id, moment, again) SELECT 1, moment, moment FROM
    (SELECT MAX(COALESCE((SELECT MAX(last_seen) FROM devices), 0), COALESCE((SELECT MAX(ts) FROM commands), 0)) AS moment) WHERE moment > 0;
  `,
  `
  ALTER TABLE outboxes ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Of whom nothing is taken until they are enrolled again; and whether the console has let go of what it had of them.
  CREATE TABLE removed_devices (
    device TEXT NOT NULL PRIMARY KEY,
    by TEXT NOT NULL,
    ts INTEGER NOT NULL,
    done INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE answers (
    device TEXT NOT NULL,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    data TEXT,
    PRIMARY KEY (device, id)
  ) STRICT, WITHOUT ROWID;
  `,
  markSchema,
  `
  -- What the console's files have gone back to, until it is reckoned with.
  CREATE TABLE setbacks (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    ts INTEGER NOT NULL,
    since INTEGER,
    why TEXT NOT NULL
  ) STRICT;

  -- Of the samples that were stored, those that are gone with the store's file.
  ALTER TABLE outboxes ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Checksums of numbers that decide what becomes of samples.
  ALTER TABLE outboxes ADD COLUMN proof INTEGER;
  ALTER TABLE clock_offsets ADD COLUMN proof INTEGER;
  `,
  `
  -- Whether devices, an operator or an hour without a step have confirmed it.
  ALTER TABLE clock ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 1;
  `,
  `
  -- Who did what. Appended to, and never changed: each row has the hash of the one before.
  CREATE TABLE audit (
    n INTEGER PRIMARY KEY,
    ts INTEGER NOT NULL,
    who TEXT NOT NULL,
    source TEXT NOT NULL,
    what TEXT NOT NULL,
    object TEXT NOT NULL,
    result TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- The groups of devices to which an account is limited, as a JSON list; null where it is not.
  ALTER TABLE accounts ADD COLUMN only_groups TEXT;

  -- Of a token that somebody has made: what it is called, and what it may at most.
  ALTER TABLE tokens ADD COLUMN name TEXT NOT NULL DEFAULT '';
  ALTER TABLE tokens ADD COLUMN role TEXT;
  ALTER TABLE tokens ADD COLUMN only_groups TEXT;
  ALTER TABLE tokens ADD COLUMN used_from TEXT NOT NULL DEFAULT '';
  `,
  `
  -- Codes by which machines come in by themselves, and who came in by which: by the digest of the machine's hash, so that it is the same device
  -- however often it asks.
  CREATE TABLE enrollments (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    groups TEXT NOT NULL,
    uses INTEGER NOT NULL,
    used INTEGER NOT NULL,
    again INTEGER NOT NULL,
    by TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE joins (
    enrollment TEXT NOT NULL REFERENCES enrollments (id) ON DELETE CASCADE,
    machine TEXT NOT NULL,
    device TEXT NOT NULL,
    ts INTEGER NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (enrollment, machine)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Of a device whose secret is being changed: the hash of the next one, which is right as well until it has come in with it.
  CREATE TABLE next_secrets (
    account TEXT NOT NULL PRIMARY KEY REFERENCES accounts (name) ON DELETE CASCADE,
    hash TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Keys of people's authenticators, and codes that are good once in their place.
  CREATE TABLE second_factors (
    account TEXT NOT NULL PRIMARY KEY REFERENCES accounts (name) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    confirmed INTEGER NOT NULL,
    used INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE recovery_codes (
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    PRIMARY KEY (account, hash)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Whether a device identifies itself by a certificate: its secret then opens nothing over MQTT.
  ALTER TABLE accounts ADD COLUMN certified INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE enrollments ADD COLUMN certificate INTEGER NOT NULL DEFAULT 0;

  -- What was issued to devices and is not over yet, by serial number.
  CREATE TABLE certificates (
    serial TEXT NOT NULL PRIMARY KEY,
    device TEXT NOT NULL,
    key TEXT NOT NULL,
    pem TEXT NOT NULL,
    issued INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'used', 'replaced', 'revoked'))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX certificates_by_device ON certificates (device, issued);

  -- Whoever takes an account away or gives it another secret need not think of them.
  CREATE TRIGGER certificates_end_with_account AFTER DELETE ON accounts BEGIN
    UPDATE certificates SET state = 'revoked' WHERE device = OLD.name AND state IN ('waiting', 'used');
  END;
  CREATE TRIGGER certificates_end_with_secret AFTER UPDATE OF hash ON accounts WHEN NEW.hash <> OLD.hash BEGIN
    UPDATE certificates SET state = 'revoked' WHERE device = NEW.name AND state IN ('waiting', 'used');
  END;
  `,
  `
  -- To which groups the maker of a code was limited, and why it ended where nobody has revoked it. A code is worth what its maker may do, and one to
  -- come in again by is for the device as it was: whoever changes either need not think of codes.
  ALTER TABLE enrollments ADD COLUMN only_groups TEXT;
  ALTER TABLE enrollments ADD COLUMN ended TEXT NOT NULL DEFAULT '';

  CREATE TRIGGER enrollments_end_with_account AFTER DELETE ON accounts BEGIN
    UPDATE enrollments SET revoked = 1, ended = 'the account of its maker was removed' WHERE by = OLD.name AND revoked = 0 AND used < uses;
    UPDATE enrollments SET revoked = 1, ended = 'the device was removed' WHERE name = OLD.name AND again = 1 AND revoked = 0 AND used < uses;
  END;
  CREATE TRIGGER enrollments_end_with_rights AFTER UPDATE OF role, only_groups ON accounts
  WHEN NEW.role IS NOT OLD.role OR NEW.only_groups IS NOT OLD.only_groups BEGIN
    UPDATE enrollments SET revoked = 1, ended = 'the role or groups of its maker were changed' WHERE by = NEW.name AND revoked = 0 AND used < uses;
  END;
  CREATE TRIGGER enrollments_end_with_secret AFTER UPDATE OF hash ON accounts WHEN NEW.hash <> OLD.hash BEGIN
    UPDATE enrollments SET revoked = 1, ended = 'the device has been given another secret' WHERE name = NEW.name AND again = 1 AND revoked = 0 AND used < uses;
  END;
  CREATE TRIGGER enrollments_end_with_group AFTER DELETE ON device_groups BEGIN
    UPDATE enrollments SET revoked = 1, ended = 'the device was put into other groups' WHERE name = OLD.device AND again = 1 AND revoked = 0 AND used < uses;
  END;
  CREATE TRIGGER enrollments_end_with_new_group AFTER INSERT ON device_groups BEGIN
    UPDATE enrollments SET revoked = 1, ended = 'the device was put into other groups' WHERE name = NEW.device AND again = 1 AND revoked = 0 AND used < uses;
  END;
  `,
  `
  -- Whether a token is the one of this machine's command line, which has the data directory anyway.
  ALTER TABLE tokens ADD COLUMN local INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Of an account that comes from an identity provider: the issuer and its word for the person.
  ALTER TABLE accounts ADD COLUMN identity TEXT;
  CREATE UNIQUE INDEX accounts_identity ON accounts (identity) WHERE identity IS NOT NULL;
  `,
  `
  -- Wrong codes of second factors, by the place that they came from, or '' for all that are not known. Who guessed has nothing left to guess
  -- behind once the password is another one or the factor is gone, in whatever process.
  CREATE TABLE code_guesses (
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    place TEXT NOT NULL,
    wrong INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (account, place)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER guesses_end_with_password AFTER UPDATE OF hash ON accounts WHEN NEW.hash <> OLD.hash BEGIN
    DELETE FROM code_guesses WHERE account = NEW.name;
  END;
  CREATE TRIGGER guesses_end_with_factor AFTER DELETE ON second_factors BEGIN
    DELETE FROM code_guesses WHERE account = OLD.account;
  END;
  `,
  `
  -- The settings that people want devices to have, for whom they were said: each change a row, the newest of a scope counts. A number is never
  -- given twice.
  CREATE TABLE configurations (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL,
    settings TEXT NOT NULL,
    by TEXT NOT NULL,
    ts INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX configurations_by_scope ON configurations (scope, version);

  -- What was sent to each device last, and what became of it.
  CREATE TABLE configured (
    device TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    hash TEXT NOT NULL,
    command TEXT NOT NULL,
    ts INTEGER NOT NULL,
    state TEXT,
    why TEXT
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The settings that were given to the last start; of secrets a hash.
  CREATE TABLE kept_settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    secret INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The fingerprint of who has signed it; of those from before it is not known, and there had been one authority alone.
  ALTER TABLE certificates ADD COLUMN authority TEXT;
  `,
  `
  -- What people call a device and write down about it, beside its id.
  CREATE TABLE device_labels (
    device TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    tags TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Who is out of service: kept with all that is known of it, and let in no more. Its account is put by here.
  CREATE TABLE retired_devices (
    device TEXT NOT NULL PRIMARY KEY,
    by TEXT NOT NULL,
    ts INTEGER NOT NULL,
    hash TEXT NOT NULL,
    certified INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What people call fields: a unit, a title, or both; of a device, of those in a group or of all.
  CREATE TABLE unit_words (
    scope TEXT NOT NULL,
    measurement TEXT NOT NULL,
    field TEXT NOT NULL,
    unit TEXT,
    title TEXT,
    by TEXT NOT NULL,
    ts INTEGER NOT NULL,
    PRIMARY KEY (scope, measurement, field)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What is begun by the clock: up to when all that was due is dealt with, and what became of each time.
  CREATE TABLE schedules (
    id TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,
    handled INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE schedule_runs (
    schedule TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    due INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    state TEXT NOT NULL,
    job TEXT,
    why TEXT,
    PRIMARY KEY (schedule, due)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- A schedule is its maker's account's, and not that of a later one of the same name.
  UPDATE schedules SET document = json_set(document, '$.account', (SELECT created FROM accounts WHERE name = json_extract(document, '$.by')))
  WHERE CASE WHEN json_valid(document) THEN EXISTS (SELECT 1 FROM accounts
    WHERE name = json_extract(document, '$.by') AND created <= json_extract(document, '$.created')) END;
  `,
  `
  -- What people have set while the console runs, over flag, variable and file.
  CREATE TABLE console_settings (
    name TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    by TEXT NOT NULL,
    ts INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Where word of alerts goes. Secrets stand in the settings as they are, as the keys of second factors do: whoever sends has to have them.
  CREATE TABLE channels (
    name TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    usual INTEGER NOT NULL,
    by TEXT NOT NULL,
    ts INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What there is to say, written in the transaction of what it tells of.
  CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert TEXT NOT NULL,
    kind TEXT NOT NULL,
    device TEXT,
    document TEXT NOT NULL
  ) STRICT;

  -- A notice on its way by a channel. since is when it was first looked at, by the console's clock: a notice's own times may be long ago.
  CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    notice INTEGER NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    channel TEXT NOT NULL,
    alert TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    since INTEGER,
    next INTEGER NOT NULL,
    said TEXT,
    ended INTEGER
  ) STRICT;
  CREATE INDEX deliveries_waiting ON deliveries (channel, alert, id) WHERE state = 'waiting';
  CREATE INDEX deliveries_of_notice ON deliveries (notice);

  -- Alerts that stand as retained messages at the broker, which may forget them.
  CREATE TABLE shown_alerts (
    alert TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Rules of alerts as people have made or changed them; those that are shipped stand in the program.
  CREATE TABLE alert_rules (
    name TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,
    by TEXT NOT NULL,
    ts INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Where a rule stands for a series of a device: what is at rest has no row. Written before the samples that led there are acknowledged.
  CREATE TABLE alert_slots (
    rule TEXT NOT NULL,
    device TEXT NOT NULL,
    series TEXT NOT NULL,
    since INTEGER NOT NULL,
    fired INTEGER,
    PRIMARY KEY (rule, device, series)
  ) STRICT, WITHOUT ROWID;

  -- Each time that one fired.
  CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    rule TEXT NOT NULL,
    device TEXT NOT NULL,
    series TEXT NOT NULL,
    since INTEGER NOT NULL,
    fired INTEGER NOT NULL,
    resolved INTEGER,
    document TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX alerts_of_series ON alerts (rule, device, series, since);
  CREATE INDEX alerts_open ON alerts (id) WHERE resolved IS NULL;
  CREATE INDEX alerts_of_device ON alerts (device);

  -- Samples that came late, for which the store has to be asked.
  CREATE TABLE alert_late (
    rule TEXT NOT NULL,
    device TEXT NOT NULL,
    series TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (rule, device, series)
  ) STRICT, WITHOUT ROWID;

  -- The newest sample of a series of which a rule compares each with the one before.
  CREATE TABLE alert_points (
    rule TEXT NOT NULL,
    device TEXT NOT NULL,
    series TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (rule, device, series)
  ) STRICT, WITHOUT ROWID;

  -- When nobody is told of alerts: silences and maintenance windows.
  CREATE TABLE alert_mutes (
    id TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Sections of the audit log that were thinned are found by what it says of them.
  CREATE INDEX audit_thinned ON audit (what) WHERE what = 'audit.thinned';
  `,
  `
  -- What people keep for themselves: commands to be sent again, views of the fleet.
  CREATE TABLE favourites (
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('command', 'view')),
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, kind, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Notices that were given up as they were written down, until that is told; and how a channel stands.
  CREATE INDEX deliveries_untold ON deliveries (id) WHERE state = 'failed' AND ended IS NULL;
  CREATE INDEX deliveries_of_channel ON deliveries (channel, state, ended);
  `,
  `
  -- When each device was there, as changes; and the spans in which the console would have heard of these.
  CREATE TABLE presence (
    device TEXT NOT NULL,
    ts INTEGER NOT NULL,
    up INTEGER NOT NULL,
    PRIMARY KEY (device, ts)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE presence_watches (
    begun INTEGER NOT NULL PRIMARY KEY,
    settled INTEGER,
    until INTEGER NOT NULL
  ) STRICT;

  -- How many samples of a device had been counted, once a day.
  CREATE TABLE sample_counts (
    device TEXT NOT NULL,
    ts INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    set_aside INTEGER NOT NULL,
    PRIMARY KEY (device, ts)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Up to when all reports that were due have been dealt with.
  CREATE TABLE report_times (
    kind TEXT NOT NULL PRIMARY KEY,
    handled INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Browsers of people that are told of alerts; of one that its push service does not know any more what it was reached by is gone.
  CREATE TABLE browsers (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    ts INTEGER NOT NULL,
    gone INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX browsers_of_account ON browsers (account);

  -- By which push services know this console. Secret, and as it is: whoever signs has to have it.
  CREATE TABLE push_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    secret TEXT NOT NULL
  ) STRICT;

  CREATE INDEX deliveries_of_alert ON deliveries (alert);
  `,
];
