/**
 * A moment as `toISOString` writes it, without that: it loads time zones where no time zone matters, some 0.8 MB of an agent.
 * @param ms epoch ms that a Date can have
 */
export function isoTime(ms: number): string {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  // Beyond these it has a sign and six digits.
  if (!(year >= 0 && year <= 9_999)) return date.toISOString();
  const day = `${digits(year, 4)}-${digits(date.getUTCMonth() + 1)}-${digits(date.getUTCDate())}`;
  const time = `${digits(date.getUTCHours())}:${digits(date.getUTCMinutes())}:${digits(date.getUTCSeconds())}`;
  return `${day}T${time}.${digits(date.getUTCMilliseconds(), 3)}Z`;
}

function digits(value: number, count = 2): string {
  return String(value).padStart(count, "0");
}
