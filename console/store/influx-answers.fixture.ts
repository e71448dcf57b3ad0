import type { Meaning, WriteAnswer } from "./influx-answers.ts";

export interface AnswerCase {
  readonly from: string;
  readonly answer: Pick<WriteAnswer, "status" | "body"> & Partial<WriteAnswer>;
  readonly meaning: Meaning["kind"];
}

const v1 = (from: string, status: number, error: string, meaning: Meaning["kind"]): AnswerCase => ({
  from,
  answer: { status, body: JSON.stringify({ error }) },
  meaning,
});
const v2 = (from: string, status: number, code: string, message: string, meaning: Meaning["kind"]): AnswerCase => ({
  from,
  answer: { status, body: JSON.stringify({ code, message }) },
  meaning,
});
const page = (from: string, status: number, title: string, meaning: Meaning["kind"]): AnswerCase => ({
  from,
  answer: { status, body: `<html>\r\n<head><title>${title}</title></head>\r\n<body><h1>${title}</h1></body></html>` },
  meaning,
});
const conflict =
  'partial write: field type conflict: input field "v" on measurement "room" is type string, already exists as type float dropped=1';
const namedLine = {
  original_line: "room v=x 1",
  line_number: 2,
  error_message:
    "invalid column type for column 'v', expected iox::column_type::field::float, got iox::column_type::field::string",
};

/** Answers as the servers' own sources, tests and bug reports have them, and what each means. docs/influxdb.md shows them. */
export const answerCases: readonly AnswerCase[] = [
  { from: "1.x, 2.x, 3.x", answer: { status: 204, body: "" }, meaning: "stored" },
  { from: "compatible servers", answer: { status: 200, body: "" }, meaning: "stored" },
  v1("1.x", 400, conflict, "rejected"),
  v1("1.x", 400, "partial write: points beyond retention policy dropped=24", "rejected"),
  v1(
    "1.x",
    400,
    'partial write: max-values-per-tag limit exceeded (100000/100000): measurement="room" tag="id" dropped=1',
    "rejected",
  ),
  v1("1.x", 400, "unable to parse 'room v=': missing field value", "rejected"),
  v1("1.x", 400, "partial write: unable to parse 'room v=': missing field value dropped=0", "rejected"),
  v1(
    "1.x",
    400,
    'partial write: max-values-per-tag limit may be exceeded soon: measurement="room" tag="id" dropped=0',
    "stored",
  ),
  v1("1.x", 401, "authorization failed", "misconfigured"),
  v1("1.x", 403, '"muster" user is not authorized to write to database "fleet"', "misconfigured"),
  v1("1.x", 404, 'database not found: "fleet"', "no database"),
  v1("1.x", 413, "Request Entity Too Large", "too large"),
  v1("1.x", 500, "retention policy not found: autogen", "no database"),
  v1("1.x", 500, "timeout", "unclear"),
  v1("1.x", 500, "engine: cache-max-memory-size exceeded: (1073747571/1073741824)", "unclear"),
  v1("1.x", 500, "write /data/wal/fleet/autogen/1/_00001.wal: no space left on device", "unclear"),
  v1("1.x", 503, "request throttled, exceeds max concurrent writes", "deferred"),
  v2("2.x", 400, "invalid", "unable to parse 'room v=': missing field value", "rejected"),
  v2("2.x", 422, "unprocessable entity", `failure writing points to database: ${conflict}`, "rejected"),
  v2(
    "2.x",
    422,
    "unprocessable entity",
    "failure writing points to database: partial write: dropped 550 points outside retention policy of duration 8760h0m0s dropped=550",
    "rejected",
  ),
  v2(
    "2.0",
    500,
    "internal error",
    "unexpected error writing points to database: partial write: points beyond retention policy dropped=1",
    "rejected",
  ),
  v2("2.x", 500, "internal error", "unexpected error writing points to database: timeout", "unclear"),
  v2(
    "2.x",
    500,
    "internal error",
    "unexpected error writing points to database: not attempting to open shard 16167; opening shard previously failed",
    "unclear",
  ),
  v2("2.x", 401, "unauthorized", "unauthorized access", "misconfigured"),
  v2("2.x", 403, "forbidden", "insufficient permissions for write", "misconfigured"),
  v2("2.x", 404, "not found", "no dbrp mapping found", "no database"),
  v2("2.x", 413, "request too large", "unable to read data: points batch is too large", "too large"),
  {
    from: "2.x",
    answer: {
      status: 429,
      body: '{"code":"too many requests","message":"rate limited"}',
      headers: { "retry-after": "30" },
    },
    meaning: "deferred",
  },
  {
    from: "3.x",
    answer: {
      status: 400,
      body: JSON.stringify({ error: "partial write of line protocol occurred", data: [namedLine] }),
    },
    meaning: "rejected",
  },
  {
    from: "3.x",
    answer: { status: 400, body: JSON.stringify({ error: "parsing failed for write_lp endpoint", data: namedLine }) },
    meaning: "rejected",
  },
  {
    from: "3.x, clustered",
    answer: {
      status: 400,
      body: JSON.stringify({
        code: "invalid",
        message: "partial write has occurred, errors encountered on line(s): table 'room': invalid column type",
        line: 2,
      }),
    },
    meaning: "rejected",
  },
  v1("3.x", 400, "invalid database name: must start with a letter or number", "misconfigured"),
  v1("3.x", 422, "Update to schema would exceed number of columns per table limit of 500 columns", "rejected"),
  v1("3.x", 422, "Adding a new database would exceed limit of 5 databases", "misconfigured"),
  v1("3.x", 401, "the request was not authenticated", "misconfigured"),
  v1("3.x", 500, "partial write of line protocol occurred", "rejected"),
  v1("3.x", 500, "internal server error", "unclear"),
  page("nginx", 413, "413 Request Entity Too Large", "too large"),
  page("nginx", 400, "400 The plain HTTP request was sent to HTTPS port", "unclear"),
  page("nginx", 404, "404 Not Found", "misconfigured"),
  page("nginx", 500, "500 Internal Server Error", "unclear"),
  page("nginx", 502, "502 Bad Gateway", "deferred"),
  page("nginx", 503, "503 Service Temporarily Unavailable", "deferred"),
  page("nginx", 504, "504 Gateway Time-out", "deferred"),
  page("a filter of requests", 403, "Request blocked", "unclear"),
  page("a login page", 200, "Sign in", "misconfigured"),
  page("a redirection", 301, "301 Moved Permanently", "misconfigured"),
  { from: "anybody", answer: { status: 400, body: "" }, meaning: "unclear" },
  { from: "anybody", answer: { status: 502, body: "bad gateway" }, meaning: "deferred" },
  { from: "anybody", answer: { status: 418, body: "a teapot" }, meaning: "misconfigured" },
];
