import { markSchema } from "../database/mark.ts";

/**
 * One migration a step. A row of `samples` holds all fields of one series at one instant: one insert a sample. Once a stretch of time is
 * over, its rows become one of `stretches`: the times, and each field's values packed, so that a chart reads one field of each.
 * The stretches of a series do not overlap, and its newest row is never in one.
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
];
