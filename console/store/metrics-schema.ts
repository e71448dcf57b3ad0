import { markSchema } from "../database/mark.ts";

/**
 * One migration a step. A row of `samples` holds all fields of one series at one instant: one insert a sample. Once a stretch of time is
 * over, its rows become one of `stretches`: the times, and each field's values packed, so that a chart reads one field of each.
 * The stretches of a series do not overlap, and its newest row is never in one. Once a day is over, `rollups` has what it comes to.
 */
export const metricsSchema = [
  `
  CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    measurement TEXT NOT NULL,
    tags TEXT NOT NULL,
    UNIQUE (device, measurement, tags)
  ) STRICT;
  CREATE TABLE samples (
    series INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (series, ts)
  ) STRICT, WITHOUT ROWID;
  `,
  markSchema,
  // With row ids, although they have keys: a table without them puts what is larger than a quarter of a page onto pages of its own.
  `
  CREATE TABLE stretches (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    times BLOB NOT NULL,
    UNIQUE (series, first)
  ) STRICT;
  CREATE TABLE stretch_fields (
    stretch INTEGER NOT NULL,
    field TEXT NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (stretch, field)
  ) STRICT;
  -- Also where somebody deletes by hand.
  CREATE TRIGGER stretch_gone AFTER DELETE ON stretches BEGIN
    DELETE FROM stretch_fields WHERE stretch = OLD.id;
  END;
  `,
  // What a day of a series comes to, in steps: `samples` says whether its samples are there (2 all, 1 some, which are being let go of, 0 none but what
  // has come since), `minutes` and `quarters` how many bytes its roll-ups have. A sample that comes late takes the day away, and it is made anew.
  `
  CREATE TABLE days (
    series INTEGER NOT NULL,
    first INTEGER NOT NULL,
    until INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    quarters INTEGER NOT NULL,
    PRIMARY KEY (series, first)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX days_with_samples ON days (series, first) WHERE samples > 0;
  CREATE INDEX days_with_minutes ON days (series, first) WHERE minutes > 0;
  CREATE TABLE rollups (
    series INTEGER NOT NULL,
    step INTEGER NOT NULL,
    first INTEGER NOT NULL,
    field TEXT NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (series, step, first, field)
  ) STRICT;
  CREATE TABLE rollup_bytes (minutes INTEGER NOT NULL, quarters INTEGER NOT NULL) STRICT;
  INSERT INTO rollup_bytes VALUES (0, 0);
  CREATE TRIGGER day_came AFTER INSERT ON days BEGIN
    UPDATE rollup_bytes SET minutes = minutes + NEW.minutes, quarters = quarters + NEW.quarters;
  END;
  CREATE TRIGGER day_changed AFTER UPDATE ON days BEGIN
    UPDATE rollup_bytes SET minutes = minutes + NEW.minutes - OLD.minutes, quarters = quarters + NEW.quarters - OLD.quarters;
  END;
  CREATE TRIGGER day_gone AFTER DELETE ON days BEGIN
    UPDATE rollup_bytes SET minutes = minutes - OLD.minutes, quarters = quarters - OLD.quarters;
    DELETE FROM rollups WHERE series = OLD.series AND step IN (60000, 900000) AND first = OLD.first;
  END;
  `,
];
